"""The loader of Lua files, the twins of strategies in it, and what it says of files that are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from attrs import frozen

from ranch.backends.redis import RedisBackend
from ranch.backends.redis.scripts import LUA, ScriptError, load
from ranch.backends.redis.twins import Twin
from ranch.exceptions import BackendError, ConfigError
from ranch.model import NewJob, Priority
from ranch.steps import drive
from ranch.strategies import Bid, WeightedLRU

if TYPE_CHECKING:
    from pathlib import Path

TWIN = Twin.of(WeightedLRU())
COMMANDS = sorted(path.name.removesuffix(".lua") for path in LUA.iterdir() if path.is_file())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for Lua files."""
    (tmp_path / "lib").mkdir()
    return tmp_path


def test_header_becomes_named_locals(folder: Path) -> None:
    """Keys, arguments and the open end are locals of the names that the header gives."""
    (folder / "x.lua").write_text(
        "-- Does it.\n-- @key meta  a row\n-- @arg now_ms  the time\n-- @rest first  ids\n-- @returns ok\nreturn 1\n"
    )

    script = load("x", folder=folder)

    assert script.text.splitlines() == [
        "local call = redis.call",
        "local meta = KEYS[1]",
        "local now_ms = ARGV[1]",
        "local first = 2",
        "return 1",
    ]
    assert (script.keys, script.args) == (("meta",), ("now_ms",))


def test_includes_come_before_and_once(folder: Path) -> None:
    """A file included by two others is there once, before both."""
    (folder / "x.lua").write_text("-- Does it.\n-- @include lib.a, lib.b\nuse(b)\n")
    (folder / "lib/a.lua").write_text("-- A.\n-- @include lib.b\nlocal a = b\n")
    (folder / "lib/b.lua").write_text("-- B.\nlocal b = 1\n")

    lines = load("x", folder=folder).text.splitlines()

    assert lines == ["local call = redis.call", "local b = 1", "local a = b", "use(b)"]


def test_include_inside_a_block_is_not_seen_outside(folder: Path) -> None:
    """What a block includes is put into it, and again into another."""
    (folder / "x.lua").write_text("-- Does it.\ndo\n  -- @include lib.b\nend\ndo\n  -- @include lib.b\nend\n")
    (folder / "lib/b.lua").write_text("-- B.\nlocal b = 1\n")

    lines = load("x", folder=folder).text.splitlines()

    assert lines == ["local call = redis.call", "do", "local b = 1", "end", "do", "local b = 1", "end"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("return 1\n", "x.lua, line 1: a file opens with a comment that says what it does"),
        ("-- @key meta\nreturn 1\n", "x.lua, line 1: a file opens with a comment that says what it does"),
        ("", "x.lua, line 1: a file opens with a comment that says what it does"),
        ("-- X.\n-- @keys meta\n", "x.lua, line 2: @keys is not known"),
        ("-- X.\n-- @key\n", "x.lua, line 2: @key needs a name"),
        ("-- X.\n-- @constant NONE\n", "x.lua, line 2: there is no constant NONE; FEW, "),
        ("-- X.\n-- @arg Now-ms\n", "x.lua, line 2: @arg needs a name, 'Now-ms' is none"),
        ("-- X.\n-- @key a\n-- @arg a\n", "x.lua, line 3: a is declared twice"),
        ("-- X.\n-- @rest a\n-- @arg b\n", "x.lua, line 3: @rest is the end"),
        ("-- X.\n-- @include lib.none\n", "x.lua: there is no file lib/none.lua"),
        (
            "-- X.\n-- @include lib.loop\n",
            "x.lua > lib/loop.lua > lib/back.lua > lib/loop.lua: the file includes itself",
        ),
        ("-- X.\n-- @include lib.needs\n", "x.lua > lib/needs.lua: needs meta, which x.lua does not declare"),
        ("-- X.\n-- @include strategy\n", "x.lua: includes a strategy, and none was given"),
    ],
    ids=[
        "no comment",
        "no purpose",
        "empty",
        "unknown tag",
        "no name",
        "no constant",
        "bad name",
        "declared twice",
        "after the end",
        "no file",
        "cycle",
        "undeclared key",
        "no strategy",
    ],
)
def test_faults_are_told_with_file_and_line(folder: Path, text: str, message: str) -> None:
    """Each fault of a file is an error that names the file, and the line or the way to it."""
    (folder / "x.lua").write_text(text)
    (folder / "lib/loop.lua").write_text("-- L.\n-- @include lib.back\n")
    (folder / "lib/back.lua").write_text("-- B.\n-- @include lib.loop\n")
    (folder / "lib/needs.lua").write_text("-- N.\n-- @key meta  a row\n")

    with pytest.raises(ScriptError) as caught:
        load("x", folder=folder)

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("command", COMMANDS)
def test_shipped_files_are_small_and_say_what_they_return(command: str) -> None:
    """Each command names its reply, each file has at most 80 lines, and none has a shebang, which Redis 6.2 refuses."""
    assert "-- @returns ok" in (LUA / f"{command}.lua").read_text()
    for path in [*LUA.iterdir(), *(LUA / "lib").iterdir()]:
        if path.is_file():
            assert len(path.read_text().splitlines()) <= 80
    assert not load(command, TWIN).text.startswith("#!")


def test_a_script_is_the_same_for_equal_strategies() -> None:
    """Strategies with equal options share a script, others do not, and what needs no strategy is one for all."""
    one, same, other = (Twin.of(Bid(ageing=ageing)) for ageing in (0.5, 0.5, 0.7))

    assert load("claim", one) is load("claim", same)
    assert load("claim", one).sha != load("claim", other).sha
    assert load("ack", one).sha == load("ack", other).sha


def test_constants_are_those_of_python(folder: Path) -> None:
    """A file names them in its header, and has them as locals, in its own place."""
    (folder / "x.lua").write_text("-- Does it.\n-- @include lib.a\n-- @constant HEAD_START_MS  by priority\nreturn 1\n")
    (folder / "lib/a.lua").write_text("-- A.\n-- @constant SERVED  of orders\nlocal a = SERVED\n")
    expected = ", ".join(str(round(priority.head_start * 1000)) for priority in Priority)

    assert load("x", folder=folder).text.splitlines() == [
        "local call = redis.call",
        f"local SERVED = {2**48}",
        "local a = SERVED",
        f"local HEAD_START_MS = {{ {expected} }}",
        "return 1",
    ]


@frozen
class Own:
    """A strategy whose twin a test gives."""

    lua: str | None
    number: float = 2.5
    word: str = 'a"\n'
    flag: bool = True
    nothing: None = None

    reads: ClassVar[frozenset[str]] = frozenset()

    def enter(self, lane: Any, clock: Any) -> float:
        return 0.0

    def served(self, lane: Any, clock: Any, cost: float) -> float:
        return 0.0


JOB = NewJob(lane="a", body=b"x", content_type="application/json")
GOOD = "local function enter(l, c) return 1 end local function served(l, c, k) return 1 end"


def test_an_option_that_lua_cannot_say_is_refused(redis_url: str) -> None:
    """Options are numbers, strings and booleans."""
    with pytest.raises(ConfigError, match=r"number = inf"):
        RedisBackend(redis_url).lanes("q", Own(GOOD, number=float("inf")))


def test_options_arrive_as_they_are(redis_url: str) -> None:
    """The twin sees each field with its value."""
    backend = RedisBackend(redis_url)
    lua = """
    local function enter(l, c)
      local o = options
      assert(o.number == 2.5 and o.word == 'a"\\n' and o.flag == true and o.nothing == nil)
      assert(redis == nil and KEYS == nil and ARGV == nil and call == nil)
      return 42
    end
    local function served(l, c, k) return 1 end
    """

    drive(backend, backend.lanes("q", Own(lua)).enqueue([JOB]))

    assert backend._connections.client().zscore("{ranch:q}:ready", "0000000000001a") == 42
    assert backend._connections.client().hget("{ranch:q}:meta", "strategy_errors") is None


@pytest.mark.parametrize(
    ("lua", "where"),
    [
        ("-- One.\nlocal function enter(l, c) return = end\n", r"test_scripts\.Own, line 2"),
        ("-- One.\nlocal function enter(l, c) return 1\n", r"test_scripts\.Own"),
        ("local function enter(l, c) return 1 end\n", r"test_scripts\.Own, line 1.*'served'"),
        ("\nfunction enter(l, c) return 1 end\n", r"test_scripts\.Own, line 2.*"),
    ],
    ids=["syntax", "no end", "no served", "global"],
)
def test_a_twin_that_fails_to_load_is_named(redis_url: str, lua: str, where: str) -> None:
    """The first use says which twin is wrong, and in which line of its own; nothing is stored."""
    backend = RedisBackend(redis_url)

    with pytest.raises(ConfigError, match=where):
        drive(backend, backend.lanes("q", Own(lua)).enqueue([JOB]))

    assert backend._connections.client().keys("*") == []


@pytest.mark.parametrize("answer", ["0/0", "1/0", "-1/0", "nil", "'x'", "error('no')", "l.none.none"])
def test_an_answer_that_is_no_rank_keeps_the_old_one(redis_url: str, answer: str) -> None:
    """A strategy that fails or gives no finite number stops nothing; it is counted."""
    backend = RedisBackend(redis_url)
    lua = f"local function enter(l, c) return 7 end local function served(l, c, k) return {answer} end"
    lanes = backend.lanes("q", Own(lua))

    drive(backend, lanes.enqueue([JOB, JOB]))
    claim = drive(backend, lanes.claim(2, 60.0, "me"))

    assert len(claim.leases) == 2
    assert backend._connections.client().hget("{ranch:q}:lane:a", "tag") == b"7"
    assert backend._connections.client().hget("{ranch:q}:meta", "strategy_errors") == b"2"


def test_other_errors_of_a_script_name_the_file(redis_url: str) -> None:
    """A key of the wrong type is an error that says in which file and line it was met."""
    backend = RedisBackend(redis_url)
    backend._connections.client().set("{ranch:q}:timers", "mine")

    with pytest.raises(BackendError, match=r"^lib/timers\.lua, line \d+: .*WRONGTYPE"):
        drive(backend, backend.lanes("q", WeightedLRU()).claim(1, 60.0, "me"))
