"""Whatever a command is given: a clear error or a right result, no traceback, and nothing half stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from ranch import Queue
from ranch.cli import main
from ranch.testing.counts import check_counts

#: Command lines, in all; shared out among the commands.
CASES = 600

_WORDS = [
    *("", "-", "--", "acme", "globex", "00000000001", "00000000002", "99", "plan=gold", "bid=2", "a=", "=", "a=b=c"),
    *("0", "1", "-1", "2.5", "1e308", "1e999", "nan", "-inf", "9" * 30, "10/s", "1/d", "0/s", "9999999999999999/s"),
    *("null", "{}", "[1, 2]", '{"a": [', "[" * 5000, '"\\ud800"', "bid", "weighted-lru", "round-robin", "x" * 300),
    *("\x00", "\x1b[2J", "ü\n", "\udcff", "--json", "--yes", "max-pending", "rate", "raise", "drop-oldest", "failure"),
]
_TEXTS = st.one_of(st.sampled_from(_WORDS), st.sampled_from(_WORDS), st.text(max_size=12))
# Without those that run what they are told to.
_GROUPS = {name: command for name, command in main.commands.items() if isinstance(command, click.Group)}
_COMMANDS = sorted({*main.commands} - {"demo", "worker", *_GROUPS}) + [
    f"{name} {command}" for name, group in _GROUPS.items() for command in group.commands
]
#: What reads or writes files is given texts as stdin, and no names of files that it could write.
_FILES = {"export", "import"}


@st.composite
def command_lines(draw: st.DrawFn, name: str) -> list[str]:
    """Draw arguments for a command: mostly its own options, with values that fit, or nearly fit, or do not."""
    command: click.Command = main
    for word in name.split():
        command = command.commands[word]  # type: ignore[attr-defined]  # groups have them
    args: list[str] = []
    for param in command.params:
        if param.name in {"backend", "queue", "help"} or name in _FILES:
            continue
        if isinstance(param, click.Argument):
            count = draw(st.sampled_from([1, 1, 1, 2]) if param.required or draw(st.booleans()) else st.just(0))
            args += [draw(_TEXTS) for _ in range(count if param.nargs == -1 else min(count, 1))]
        elif draw(st.sampled_from([True, False, False])):
            args.append(param.opts[0])
            if not getattr(param, "is_flag", False):
                args.append(draw(_TEXTS))
    return [*name.split(), *args]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a store that commands have worked on before, each as it liked."""
    url = f"sqlite:///{tmp_path_factory.mktemp('fuzz')}/ranch.db"
    with Queue("mail", backend=url) as queue:
        queue.enqueue_many([("acme", n) for n in range(50)])
        for lease in queue.claim_many(5):
            lease.bury("no such task")
    return url


@contextmanager
def whole(url: str, name: str = "mail") -> Iterator[None]:
    """Check that the queue's numbers add up afterwards, that it can be read, and written out and in."""
    yield
    with Queue(name, backend=url) as queue:
        check_counts(queue.stats(), queue.lanes())
        for stored in queue.jobs():
            assert stored.job.payload is not Ellipsis
        list(queue.dead.list())


def _asks_for_json(args: list[str]) -> bool:
    # It may be a lane's name, too.
    return "--json" in args and "--" not in args and args[args.index("--json") - 1] != "--lane"


@pytest.mark.parametrize("name", _COMMANDS)
def test_any_command_line_ends_well(store: str, name: str) -> None:
    """It ends with one of the documented codes, and what it says fits the code."""

    @settings(
        max_examples=-(-CASES // len(_COMMANDS)),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(
        args=command_lines(name), stdin=st.one_of(_TEXTS.map(lambda text: text.encode(errors="replace")), st.binary())
    )
    def check(args: list[str], stdin: bytes) -> None:
        note(f"ranch {args}")
        env = {"RANCH_BACKEND": store, "RANCH_QUEUE": "mail"}
        with whole(store):
            result = CliRunner().invoke(main, args, input=stdin, env=env, prog_name="ranch")
            note(result.output)
            assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
            assert result.exit_code in {0, 1, 2, 3}
            assert "Traceback" not in result.stderr
            if result.exit_code == 1 and name == "config check":
                assert "fault" in result.stdout  # what it was asked for
            elif result.exit_code:
                assert "Error: " in result.stderr or result.stderr.endswith("Aborted!\n")
            elif _asks_for_json(args) and name != "plugins" and "--help" not in args:
                assert all(isinstance(json.loads(line), dict) for line in result.stdout.splitlines())

    check()


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXTS, inner, max_size=2),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def backlog(store: str) -> list[str]:
    """The lines of a file with some of everything."""
    with Queue("some", backend=store, strategy="bid") as queue:
        queue.enqueue("acme", 1, bid=2.0, expires=1e6, lease=3.0, dedup_key="k")
        queue.enqueue_many([("globex", "ü"), ("globex", None)], delay=1e6)
        queue.claim().bury("odd", error="odd")
        queue.enqueue("acme", {"a": [1]}, priority=6, cost=2.0)
        queue.lane("acme").update(weight=0.5, tags={"plan": "gold"}, data={"bid": 1})
        queue.lane("acme").limit(rate="10/s", max_in_flight=2)
        queue.limit(max_pending=9)
    return CliRunner().invoke(main, ["export", "-b", store, "-q", "some"]).stdout.splitlines()


def test_a_file_with_any_change_is_stored_whole_or_not_at_all(backlog: list[str], tmp_path: Path) -> None:
    """One value of one line is another, or one line is something else: it is refused by its number, or it is fine."""

    @settings(max_examples=250, deadline=None)
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        lines = list(backlog)
        at = data.draw(st.integers(0, len(lines) - 1))
        if data.draw(st.booleans()):
            said = json.loads(lines[at])
            said[data.draw(st.sampled_from([*said]) | _TEXTS)] = data.draw(_VALUES)
            lines[at] = json.dumps(said)
        else:
            lines[at] = data.draw(_TEXTS | _VALUES.map(json.dumps))
        (tmp_path / "new.db").unlink(missing_ok=True)
        for rest in tmp_path.glob("new.db-*"):
            rest.unlink()
        url = f"sqlite:///{tmp_path}/new.db"
        stdin = "\n".join(lines).encode(errors="replace")
        result = CliRunner().invoke(main, ["import", "-b", url, "-q", "new"], input=stdin)
        note(result.output)

        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        if result.exit_code:
            assert "line " in result.stderr
            assert not (tmp_path / "new.db").exists()
        else:
            said = json.loads(lines[0])["strategy"]
            strategy = {**said.get("options", {}), "name": said["name"]}
            with Queue("new", backend=url, strategy=strategy) as queue:
                check_counts(queue.stats(), queue.lanes())
                assert queue.stats().dead == 1
                assert len(list(queue.jobs())) in {2, 3}

    check()
