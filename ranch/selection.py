"""Which lanes a claim is restricted to."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from hashlib import blake2b
from typing import Final, TypeAlias

from attrs import field, frozen

from ranch.checks import checked_key
from ranch.exceptions import InvalidJob

#: How many lanes one selection may name: as many are looked up at once, in the worst case.
MAX_NAMES: Final = 10_000
#: How many patterns it may have: each lane that is looked at is held against all of them.
MAX_PATTERNS: Final = 100
#: What stands for anything in a pattern.
ANYTHING: Final = "*"


@frozen
class Selection:
    """Some of the lanes of a queue, by their names and by patterns.

    In a pattern ``*`` stands for any characters, or none; there are no other wildcards. A lane whose own name has a
    ``*`` is selected by that name too, with the others that fit.

    Make one with `of`, once, where a claim is made again and again: long ones cost time to check.
    """

    names: frozenset[str]
    #: Sorted.
    patterns: tuple[str, ...] = ()
    _parts: tuple[tuple[str, ...], ...] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_parts", tuple(tuple(pattern.split(ANYTHING)) for pattern in self.patterns))

    @classmethod
    def of(cls, lanes: LaneNames, what: str = "lanes") -> Selection:
        """Make one of names and patterns.

        Args:
            lanes: Lanes' names, and patterns such as ``"eu-*"``.
            what: What they are called in messages.

        Raises:
            InvalidJob: One of them can be no lane's name, or there are too many.
        """
        if isinstance(lanes, Selection):
            return lanes
        if not isinstance(lanes, Iterable) or isinstance(lanes, (str, bytes)):
            raise InvalidJob(f"{what} is a list of lanes' names and patterns, not {lanes!r}")
        keys = {checked_key(key) for key in lanes}
        patterns = tuple(sorted(key for key in keys if ANYTHING in key))
        names = frozenset(key for key in keys if ANYTHING not in key)
        for count, most, kind in ((len(names), MAX_NAMES, "names"), (len(patterns), MAX_PATTERNS, "patterns")):
            if count > most:
                raise InvalidJob(f"{what} has at most {most:,} {kind}, not {count:,}: patterns such as 'eu-*' say more")
        return cls(names, patterns)

    def __contains__(self, lane: object) -> bool:
        return lane in self.names or (isinstance(lane, str) and any(_fits(lane, parts) for parts in self._parts))

    def __bool__(self) -> bool:
        return bool(self.names or self.patterns)

    @cached_property
    def digest(self) -> str:
        """What it is known by: the same for the same lanes."""
        text = "".join(f"{len(key)} {key} " for keys in (sorted(self.names), self.patterns) for key in ("", *keys))
        return blake2b(text.encode(), digest_size=16).hexdigest()


#: Names of lanes and patterns, as they are given.
LaneNames: TypeAlias = Iterable[str] | Selection


def selections(
    lanes: LaneNames | None, steal: LaneNames | None, words: tuple[str, str] = ("lanes", "steal")
) -> tuple[Selection, ...]:
    """Return what a claim is restricted to, both in the order in which they are served; none: to nothing.

    Args:
        lanes: Those that are served first. None: all lanes, if nothing is stolen either.
        steal: Those that are served when none of the others has a job that can be had.
        words: What the two are called where they were given.

    Raises:
        InvalidJob: One of them names what can be no lane, or both name none.
    """
    if lanes is None:
        if steal is not None:
            raise InvalidJob(f"{words[1]} says what is served after the {words[0]}: name those too, or [] for none")
        return ()
    both = (Selection.of(lanes, words[0]), Selection.of(() if steal is None else steal, words[1]))
    if any(both):
        return both
    raise InvalidJob(f"{words[0]} names no lane, so there is nothing to claim: leave it out to take from all lanes")


def _fits(lane: str, parts: tuple[str, ...]) -> bool:
    """Tell whether a lane is made of these parts, with anything between them."""
    first, *between, last = parts
    if len(lane) < len(first) + len(last) or not (lane.startswith(first) and lane.endswith(last)):
        return False
    at, end = len(first), len(lane) - len(last)
    for part in between:
        found = lane.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
