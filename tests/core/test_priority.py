"""The promises of priority classes."""

from __future__ import annotations

import pytest
from attrs import define
from hypothesis import given, settings
from hypothesis import strategies as st

from ranch import ConfigError, Queue
from ranch.backends.memory import MemoryBackend
from ranch.testing import FakeClock
from ranch.typing import Backend

CLASSES = {"a": 1, "b": 2, "c": 3, "d": 3, "e": 6}
STEP = 10.0
PRIORITY = {"name": "priority", "step": STEP}

#: Seconds that pass, and then a job for a lane, or a claim.
EVENTS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.5, 4.0, 11.0, 35.0]), st.one_of(st.none(), st.none(), st.sampled_from("abcde"))),
    min_size=10,
    max_size=200,
)


@define
class Seen:
    """What became of a job."""

    lane: str
    ready: float
    first: float = 0.0
    started: int = -1


def play(events: list[tuple[float, str | None]]) -> list[Seen]:
    """Play a history until the queue is empty; return its jobs, with when each came to the head of its lane."""
    clock = FakeClock()
    queue = Queue("q", backend=MemoryBackend(clock=clock), strategy=PRIORITY, lease=1e9)
    for lane, number in CLASSES.items():
        queue.lane(lane).update(data={"priority": number})
    jobs: list[Seen] = []
    waiting: dict[str, list[Seen]] = {lane: [] for lane in CLASSES}
    for number, (seconds, lane) in enumerate([*events, *[(1.0, None)] * len(events)]):
        clock.advance(seconds)
        if lane:
            jobs.append(Seen(lane, clock()))
            waiting[lane].append(jobs[-1])
            queue.enqueue(lane, None)
        elif lease := queue.claim():
            waiting[lease.job.lane].pop(0).started = number
        for queued in waiting.values():
            if queued and not queued[0].first:
                queued[0].first = clock()
    return jobs


@settings(max_examples=200)
@given(events=EVENTS)
def test_waiting_makes_up_for_a_lower_class(events: list[tuple[float, str | None]]) -> None:
    """A job at the head of its lane starts before any of a class d higher, ready more than d * step seconds later."""
    jobs = play(events)

    for low in jobs:
        for high in jobs:
            above = CLASSES[high.lane] - CLASSES[low.lane]
            if above > 0 and high.ready > low.first + above * STEP:
                assert low.started < high.started


def test_a_higher_class_goes_first_and_equals_take_turns(backend: Backend, clock: FakeClock) -> None:
    """Classes are numbers in the lanes' data, 3 for whoever has none, and a long queue takes no more turns."""
    queue = Queue("q", backend=backend, strategy="priority", lease=1e9)
    queue.lane("high").update(data={"priority": 5})
    queue.lane("low").update(data={"priority": 1})
    queue.lane("odd").update(data={"priority": "high"})
    for lane in ("low", "odd", "odd", "odd", "plain", "plain", "high"):
        queue.enqueue(lane, None)
        clock.advance(0.01)

    assert [lease.job.lane for lease in queue.claim_many(9)] == ["high", "odd", "plain", "odd", "plain", "odd", "low"]


def test_an_old_queue_does_not_pass_as_one(backend: Backend, clock: FakeClock) -> None:
    """However old the jobs of a low class are, one goes before a higher class, and then the next waits anew."""
    queue = Queue("q", backend=backend, strategy=PRIORITY, lease=1e9)
    queue.lane("low").update(data={"priority": 2})
    queue.enqueue_many([("low", None)] * 3)
    clock.advance(1000.0)
    queue.enqueue_many([("normal", None)] * 2)

    assert [lease.job.lane for lease in queue.claim_many(9)] == ["low", "normal", "normal", "low", "low"]


@pytest.mark.parametrize("step", [0, -1, float("inf"), float("nan"), "often"])
def test_a_step_is_a_time(step: object) -> None:
    """Seconds, more than none."""
    with pytest.raises(ConfigError, match="step"):
        Queue("q", backend="memory://", strategy={"name": "priority", "step": step})
