"""Puts scripts together: one command a file, small files to include, and the Lua twin of a strategy.

A file opens with comments that the loader reads::

    -- What it does, in one line or more.
    -- @include lib.queue, lib.lanes     files to go before it, each once; `strategy` is the
                                      twin, `policy` what holds for all jobs
    -- @as lib.ranking                   what that file declares is declared here
    -- @key meta       what it is        becomes `local meta = KEYS[1]`
    -- @arg now_ms     what it is        becomes `local now_ms = ARGV[1]`
    -- @constant FEW   what for          becomes `local FEW = 100`, as `constants` has it
    -- @rest first     what follows      becomes `local first = 2`, where the open end of ARGV begins
    -- @returns        a status word, and what comes with it

A comment ``-- @include`` further down puts files in its place: inside a function, what they define is made only when
that function runs. A script makes its functions anew in each call, so that saves time where they are seldom needed.

A command declares every key and argument that it and its includes use, in the order in which they are passed; an
include declares those it needs, and the loader checks. Scripts are known to the server by the hash of their text, so
old and new versions of ranch run side by side.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import cache, cached_property
from hashlib import sha1
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen

from ranch.backends.redis.constants import CONSTANTS
from ranch.backends.redis.records import to_ms
from ranch.backends.redis.replies import write_death
from ranch.backends.redis.twins import Twin, literal
from ranch.exceptions import BackendError, ConfigError
from ranch.letters import WORKER_LOST
from ranch.policy import DEFAULT, Policy

if TYPE_CHECKING:
    from importlib.abc import Traversable

LUA: Final = files(__package__).joinpath("lua")

_TAG: Final = re.compile(r"--\s*@(\w+)\s*(.*)")
# What a server says of a script that is not Lua.
_COMPILING: Final = "compiling script"
# Names that stand for no file.
_MADE_HERE: Final = frozenset({"policy", "strategy"})
_NAME: Final = re.compile(r"[a-z_]\w*")


class ScriptError(BackendError):
    """A Lua file cannot be put together."""


@frozen(eq=False, slots=False)
class Script:
    """A script ready to be sent."""

    name: str
    text: str = field(repr=False)
    keys: tuple[str, ...]
    args: tuple[str, ...]
    twin: Twin | None = field(repr=False)
    #: For each line of the text, the file it came from and its line there; None for lines made here.
    origins: tuple[tuple[str, int] | None, ...] = field(repr=False)

    @cached_property
    def sha(self) -> str:
        """The name under which the server keeps it."""
        return sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    def error(self, message: str) -> BackendError | ConfigError:
        """Return what the server said of this script as an error that names the file and its line."""
        found = re.search(r"user_script:(\d+)", message)
        origin = self.origins[min(int(found.group(1)), len(self.origins)) - 1] if found else None
        text = re.sub(r"user_script:\d+: |,? ?(script: \w+, )?on @user_script.*", "", message)
        # The files that ship compile. So what does not is the twin, wherever the compiler gave up.
        if self.twin and (_COMPILING in message or (origin and origin[0] == self.twin.name)):
            line = f", line {origin[1]}" if origin and origin[0] == self.twin.name else ""
            return ConfigError(text, where=f"the Lua twin of {self.twin.name}{line}")
        return BackendError(f"{origin[0]}, line {origin[1]}: {text}" if origin else f"{self.name}: {text}")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


@define
class _File:
    """A Lua file and what its header says."""

    name: str
    lines: list[str]
    includes: list[str] = field(factory=list)
    keys: list[str] = field(factory=list)
    args: list[str] = field(factory=list)
    constants: list[str] = field(factory=list)
    rest: str | None = None

    @classmethod
    def read(cls, name: str, folder: Traversable, wanted_by: str) -> _File:
        path = folder.joinpath(*f"{name.replace('.', '/')}.lua".split("/"))
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise ScriptError(f"{wanted_by}: there is no file {name.replace('.', '/')}.lua") from None
        file = cls(f"{name.replace('.', '/')}.lua", text.splitlines())
        if not re.match(r"-- *[^-@ ]", text):
            raise ScriptError(f"{file.name}, line 1: a file opens with a comment that says what it does")
        for number, line in enumerate(file.lines, start=1):
            if not line.startswith("--"):
                break
            if tag := _TAG.match(line):
                file._declare(tag.group(1), tag.group(2).strip(), f"{file.name}, line {number}", folder)
        return file

    def _declare(self, tag: str, text: str, where: str, folder: Traversable) -> None:
        if tag == "returns":
            return
        if tag == "as":
            other = _File.read(text, folder, where)
            self.keys += other.keys
            self.args += other.args
            return
        if tag == "include":
            self.includes += _names(text)
            return
        name = text.split(maxsplit=1)[0] if text else ""
        if tag == "constant":
            self._name_constant(name, where)
            return
        if tag not in {"key", "arg", "rest"}:
            raise ScriptError(
                f"{where}: @{tag} is not known; @as, @constant, @include, @key, @arg, @rest and @returns are"
            )
        if not _NAME.fullmatch(name):
            raise ScriptError(f"{where}: @{tag} needs a name, {name!r} is none")
        if name in (*self.keys, *self.args, self.rest):
            raise ScriptError(f"{where}: {name} is declared twice")
        if self.rest:
            raise ScriptError(f"{where}: @rest is the end, nothing can follow it")
        if tag == "rest":
            self.rest = name
        else:
            (self.keys if tag == "key" else self.args).append(name)

    def _name_constant(self, name: str, where: str) -> None:
        if name not in CONSTANTS:
            raise ScriptError(f"{where}: there is no constant {name}; {', '.join(CONSTANTS)} are")
        self.constants.append(name)


@define
class _Composer:
    """Puts one script together."""

    folder: Traversable
    twin: Twin | None
    policy: Policy
    command: _File
    lines: list[str] = field(factory=list)
    origins: list[tuple[str, int] | None] = field(factory=list)
    _done: set[str] = field(factory=set)

    def add(self, line: str, origin: tuple[str, int] | None = None) -> None:
        self.lines.append(line)
        self.origins.append(origin)

    def compose(self) -> None:
        self.add("local call = redis.call")
        self.name("KEYS", self.command.keys)
        self.name("ARGV", self.command.args)
        if self.command.rest:
            self.add(f"local {self.command.rest} = {len(self.command.args) + 1}")
        self.include(self.command, ())

    def name(self, table: str, names: list[str], wanted: Collection[str] | None = None) -> None:
        """Give what a script was passed its names."""
        for number, name in enumerate(names, start=1):
            if wanted is None or name in wanted:
                self.add(f"local {name} = {table}[{number}]")

    def include(self, file: _File, path: tuple[str, ...]) -> None:
        path = (*path, file.name)
        self.include_all(file.includes, path)
        for name in file.constants:
            self.add(f"local {name} = {CONSTANTS[name]}")
        for number, line in enumerate(file.lines, start=1):
            if line.startswith(" ") and (tag := _TAG.match(line.strip())):
                # What is defined in there is not seen outside. It names the keys for itself: each name that a function
                # takes from outside has to be found when the function is made, so in each call.
                outside = set(self._done)
                if keys := self.keys_of(_names(tag.group(2))):
                    self.add("local call = redis.call")
                    self.name("KEYS", self.command.keys, keys)
                self.include_all(_names(tag.group(2)), path)
                self._done = outside
            elif not line.lstrip().startswith("--"):
                self.add(line, (file.name, number))

    def keys_of(self, names: Iterable[str]) -> set[str]:
        """Return the keys that files not included so far use, and the files that they include."""
        files = [_File.read(name, self.folder, self.command.name) for name in {*names} - self._done - _MADE_HERE]
        return {key for file in files for key in file.keys} | {
            key for file in files for key in self.keys_of(file.includes)
        }

    def include_all(self, names: list[str], path: tuple[str, ...]) -> None:
        for name in names:
            if name in self._done:
                continue
            if name == "strategy":
                self.include_twin(path)
            elif name == "policy":
                self.include_policy()
            else:
                included = _File.read(name, self.folder, " > ".join(path))
                if included.name in path:
                    raise ScriptError(f"{' > '.join((*path, included.name))}: the file includes itself")
                self.check(included, path)
                self.include(included, path)
            self._done.add(name)

    def check(self, file: _File, path: tuple[str, ...]) -> None:
        declared = {*self.command.keys, *self.command.args}
        for name in (*file.keys, *file.args):
            if name not in declared:
                raise ScriptError(
                    f"{' > '.join((*path, file.name))}: needs {name}, which {self.command.name} does not declare"
                )

    def include_twin(self, path: tuple[str, ...]) -> None:
        if not self.twin:
            raise ScriptError(f"{' > '.join(path)}: includes a strategy, and none was given")
        # Locals, not tables: what a script makes anew in each call costs it time.
        for name, value in self.twin.words.items():
            self.add(f"local {name} = {value}")
        if self.twin.source is None:
            self.include_all(["lib.provisional"], path)
            return
        self.add("local asked = false")
        # Arithmetic only: the twin sees its options, and neither the server nor what was said before.
        self.add("local strategy_enter, strategy_served = (function(options, call, redis, KEYS, ARGV)")
        lines = self.twin.source.splitlines()
        for number, line in enumerate(lines, start=1):
            self.add(line, (self.twin.name, number))
        end = (self.twin.name, len(lines))
        self.add("return enter, served", end)
        self.add(f"end)({self.twin.options})", end)

    def include_policy(self) -> None:
        policy = self.policy
        for name, value in (
            ("max_reclaims", policy.max_reclaims),
            ("lane_ttl_ms", policy.lane_ttl and to_ms(policy.lane_ttl)),
            ("max_dead", policy.max_dead),
            ("dead_ttl_ms", policy.dead_ttl and to_ms(policy.dead_ttl)),
            ("worker_lost", write_death(WORKER_LOST)),
        ):
            self.add(f"local {name} = {literal(value, 'policy', name)}")


@cache
def load(name: str, twin: Twin | None = None, policy: Policy = DEFAULT, folder: Traversable = LUA) -> Script:
    """Return the script of a command, with a strategy's twin and the policy if it includes them.

    Raises:
        ScriptError: A file is missing, includes itself, or declares what cannot be.
    """
    command = _File.read(name, folder, name)
    composer = _Composer(folder, twin, policy, command)
    composer.compose()
    used = twin if "strategy" in composer._done else None
    text = "\n".join(composer.lines)
    return Script(command.name, text, tuple(command.keys), tuple(command.args), used, tuple(composer.origins))
