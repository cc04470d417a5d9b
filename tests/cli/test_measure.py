from __future__ import annotations

import json

import pytest

from ranch.cli.demo.measure import Comparison, Waits, seconds
from ranch.cli.demo.run import Job, Run, plan


def served(interactive: float, bulk: float = 1.0, problems: tuple[str, ...] = ()) -> Run:
    """A run in which the jobs of each lane waited that long."""
    waits = [(lane, bulk if lane == "bulk" else interactive) for lane in plan(20)]
    return Run([Job(lane, 0.0, wait, wait + 0.02) for lane, wait in waits], problems)


def test_the_flood_comes_first() -> None:
    """All bulk jobs are sent before the first interactive one, and five from each of the others, in turn."""
    assert plan(2) == ["bulk"] * 2 + ["checkout", "signup", "support"] * 5


def test_waits() -> None:
    """A wait is from enqueueing to start, and p50 is the median."""
    jobs = [Job("a", 1.0, 2.0, 9.0), Job("a", 1.0, 5.0, 9.0), Job("a", 2.0, 4.0, 9.0), Job("b", 0.0, 9.0, 9.0)]

    assert Waits.of(jobs, "a") == Waits(jobs=3, p50=2.0, max=4.0)


@pytest.mark.parametrize(
    ("plain", "ranch", "verdict"),
    [
        (3.0, 0.1, "waited 3.00 s in plain Celery and 100 ms through ranch (medians), 30 times less"),
        (0.3, 0.1, "3.0 times less"),
        (0.1, 0.3, "3.0 times more"),
        (0.1, 0.11, "about the same"),
        (0.11, 0.1, "about the same"),
    ],
)
def test_the_conclusion_follows_the_numbers(plain: float, ranch: float, verdict: str) -> None:
    """The sentence says what was measured, be it good or bad for ranch."""
    sentence = Comparison(served(plain), served(ranch), "weighted-lru").conclusion()

    assert verdict in sentence
    assert sentence.startswith("Behind 20 bulk jobs, an interactive job waited ")


def test_nothing_is_concluded_from_a_faulty_run() -> None:
    """If a job was lost, no numbers are praised."""
    comparison = Comparison(served(3.0), served(0.1, problems=("jobs that never ran: 1 (x)",)), "bid")

    assert comparison.problems == ["ranch: jobs that never ran: 1 (x)"]
    assert "times" not in comparison.conclusion()
    assert comparison.to_json()["ok"] is False


def test_numbers_of_lanes_that_never_ran_are_json() -> None:
    """A lane without any job has no numbers, which JSON calls null."""
    empty = Comparison(Run([], ("jobs that never ran: 35 (…)",)), served(0.1), "bid").to_json()
    lanes = json.loads(json.dumps(empty, allow_nan=False))["lanes"]

    assert lanes["checkout"]["plain"] == {"jobs": 0, "p50": None, "max": None}
    assert lanes["checkout"]["ranch"]["jobs"] == 5


@pytest.mark.parametrize(
    ("value", "written"), [(0.0042, "4 ms"), (0.1, "100 ms"), (0.9999, "1.00 s"), (3.316, "3.32 s")]
)
def test_durations_are_written_for_readers(value: float, written: str) -> None:
    """Below a second in milliseconds, above it in seconds."""
    assert seconds(value) == written
