"""The demo as its users see it: a process, with a real worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ranch.testing.waiting import wait_until

#: Long enough that a test can meddle with it.
LONG = ("--jobs", "2000")
SHORT = ("--jobs", "40")


class Demo:
    """A demo that runs, with a temporary folder of its own."""

    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        self.temporary = folder / "tmp"
        self.temporary.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from ranch.cli import main; main()", "demo", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={**os.environ, "TMPDIR": str(self.temporary), **environment},
            text=True,
        )

    def find(self, name: str) -> Path:
        """Wait for a file of a run."""
        return wait_until(lambda: next(iter(self.temporary.glob(f"ranch-demo-*/*/{name}")), None))

    def group(self) -> int:
        """Wait until the worker does jobs, and return its process group."""
        self.find("executions")
        return int(self.find("ready").read_text(encoding="ascii"))

    def end(self) -> tuple[int, str, str]:
        """Wait for the end; return the exit code, stdout and stderr."""
        out, err = self.process.communicate(timeout=100)
        return self.process.returncode, out, err


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Start demos, and end those that still run after the test."""
    demos: list[Demo] = []

    def start(*options: str, **environment: str) -> Demo:
        demos.append(Demo(tmp_path, *options, **environment))
        return demos[-1]

    yield start
    for demo in demos:
        demo.process.kill()
        demo.process.communicate()


def living(group: int) -> list[int]:
    """Processes of a group. A zombie is none: it waits for its parent only."""
    table = subprocess.run(["ps", "-A", "-o", "pid=,pgid=,stat="], check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in table.splitlines()]
    return [int(pid) for pid, pgid, stat in rows if int(pgid) == group and not stat.startswith("Z")]


def check_numbers(out: str, jobs: int) -> dict[str, Any]:
    """Return the JSON of a demo in which all went well."""
    numbers: dict[str, Any] = json.loads(out)
    assert (numbers["ok"], numbers["problems"]) == (True, [])
    assert list(numbers["lanes"]) == ["checkout", "signup", "support", "bulk"]
    for lane, runs in numbers["lanes"].items():
        for waits in runs.values():
            assert waits["jobs"] == (jobs if lane == "bulk" else 5)
            assert 0 < waits["p50"] <= waits["max"]
    return numbers


def test_each_job_runs_once_and_interactive_ones_wait_less(start: Callable[..., Demo], tmp_path: Path) -> None:
    """The demo shows what it promises, on stdout only JSON if asked, and leaves nothing but the picture."""
    # Celery lets these go before what an app sets.
    broker = {"CELERY_BROKER_URL": "amqp://nowhere.invalid", "CELERY_RESULT_BACKEND": "redis://nowhere.invalid"}

    def run() -> tuple[Demo, dict[str, Any], bool]:
        demo = start(*SHORT, "--json", "--svg", "demo.svg", **broker)
        code, out, err = demo.end()
        assert (code, err) == (0, "")
        numbers = check_numbers(out, 40)
        lanes = [numbers["lanes"][lane] for lane in ("checkout", "signup", "support")]
        return demo, numbers, all(lane["ranch"]["p50"] < lane["plain"]["p50"] for lane in lanes)

    # A machine that stalls in the run with ranch may spoil one measurement.
    demo, numbers, is_less = next((tried for _ in range(2) if (tried := run())[-1]), None) or run()
    assert is_less
    assert numbers["svg"] == str(tmp_path / "demo.svg")
    assert (tmp_path / "demo.svg").read_text(encoding="utf-8").startswith("<?xml")
    assert list(demo.temporary.iterdir()) == []


def test_a_table_for_people(start: Callable[..., Demo], tmp_path: Path) -> None:
    """Without options for machines, the demo prints a table and a sentence on stdout, and progress on stderr."""
    code, out, err = start(*SHORT, "--no-svg").end()

    assert code == 0
    for word in ("checkout", "signup", "support", "bulk", "plain p50", "ranch max", "Behind 40 bulk jobs"):
        assert word in out
    assert "40/40" in err
    assert list(tmp_path.glob("*.svg")) == []


def test_jobs_may_live_in_redis(start: Callable[..., Demo], redis_url: str) -> None:
    """The demo takes the store that it is given."""
    code, out, err = start(*SHORT, "--json", "--no-svg", "--backend", redis_url).end()

    assert (code, err) == (0, "")
    check_numbers(out, 40)


@pytest.mark.parametrize("strategy", ["round-robin", "bid"])
def test_other_strategies(start: Callable[..., Demo], strategy: str) -> None:
    """The demo takes the strategy that it is given."""
    code, out, _ = start(*SHORT, "--json", "--no-svg", "--strategy", strategy).end()

    assert code == 0
    assert check_numbers(out, 40)["strategy"] == strategy


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_leaves_nothing_behind(start: Callable[..., Demo], number: signal.Signals) -> None:
    """Interrupted in the middle, the demo ends its worker and removes its folder, and its exit code tells."""
    demo = start(*LONG)
    group = demo.group()
    assert len(living(group)) >= 3
    demo.process.send_signal(number)
    code, out, err = demo.end()

    assert (code, out) == (128 + number, "")
    assert f"ended by {number.name}" in err
    assert living(group) == []
    assert list(demo.temporary.iterdir()) == []


def test_an_impatient_user_leaves_nothing_behind(start: Callable[..., Demo]) -> None:
    """Further signals do not cut the clearing up short."""
    demo = start(*LONG)
    group = demo.group()
    while demo.process.poll() is None:
        demo.process.send_signal(signal.SIGINT)
    code, _, _ = demo.end()

    # The last signal may find a Python that is taking itself apart, and has no handlers any more.
    assert code in {128 + signal.SIGINT, -signal.SIGINT}
    assert living(group) == []
    assert list(demo.temporary.iterdir()) == []


def test_the_worker_follows_a_killed_demo(start: Callable[..., Demo]) -> None:
    """A demo that is killed cannot clear up, but its worker ends."""
    demo = start(*LONG)
    group = demo.group()
    demo.process.kill()

    wait_until(lambda: not living(group))


def test_a_worker_that_dies_is_reported(start: Callable[..., Demo]) -> None:
    """If the worker ends early the demo says so, with the end of the worker's log, and ends the rest of it."""
    demo = start(*LONG, "--json")
    group = demo.group()
    os.kill(group, signal.SIGKILL)
    code, out, err = demo.end()

    assert code == 1
    assert json.loads(out) == {"ok": False, "problems": ["the Celery worker ended early, with exit code -9"]}
    assert err.splitlines()[-1] == "Error: the Celery worker ended early, with exit code -9"
    assert living(group) == []
    assert list(demo.temporary.iterdir()) == []


def test_a_worker_that_does_not_start_is_reported(start: Callable[..., Demo], tmp_path: Path) -> None:
    """If the worker does not start, the demo shows what it said."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os\nif 'RANCH_DEMO_FOLDER' in os.environ:\n    os.write(2, b'no worker today')\n    os._exit(3)\n",
        encoding="utf-8",
    )
    demo = start(*SHORT, "--no-svg", PYTHONPATH=str(tmp_path))
    code, out, err = demo.end()

    assert (code, out) == (1, "")
    assert "no worker today\n" in err
    assert err.splitlines()[-1] == "Error: the Celery worker ended early, with exit code 3"
    assert list(demo.temporary.iterdir()) == []


def test_a_second_execution_is_noticed(start: Callable[..., Demo]) -> None:
    """What ran twice, or was never sent, is found in the record of executions, and the exit code is 1."""
    demo = start("--jobs", "200", "--json")
    executions = demo.find("executions")
    first = wait_until(lambda: executions.read_text(encoding="utf-8").partition("\n")[0])
    with executions.open("a", encoding="utf-8") as file:
        file.write(f"{first}\nsomebody bulk 0.0\n")
    code, out, err = demo.end()

    assert code == 1
    assert json.loads(out)["ok"] is False
    assert json.loads(out)["svg"] is None
    assert f"plain Celery: jobs that ran more than once: 1 ({first.split()[0]})" in err
    assert "plain Celery: jobs that ran, but were not sent: 1 (somebody)" in err
