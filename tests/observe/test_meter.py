"""What was measured is left in the store: all of it, once, and not too much at a time."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ranch import AsyncQueue, Queue
from ranch.backends.sqlite import SQLiteBackend
from ranch.meter import LANES_AT_A_TIME, Meter
from ranch.metrics import JobTimes
from ranch.testing import FakeClock
from ranch.testing.forking import Child
from ranch.typing import WHOLE, Backend


@pytest.fixture
def meter() -> Meter:
    """One that has measured nothing."""
    return Meter()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured is to be left with each claim."""
    monkeypatch.setattr("ranch.meter.EVERY", 0.0)


def waits(counts) -> int:
    """Return how many waits were counted."""
    times = JobTimes()
    times.add_counts(counts)
    return times.wait.summary().count


def test_all_that_was_measured_is_taken_once(meter: Meter) -> None:
    """Of each lane, and of the queue; and again only when it was put back."""
    meter.waited("mail", "acme", 1.0)
    meter.waited("mail", "zoe", 1.0)
    meter.took("mail", "zoe", 2.0)
    taken = meter.take()

    assert {lane: waits(counts) for lane, counts in taken.items()} == {WHOLE: 2, "acme": 1, "zoe": 1}
    assert meter.take() == {}
    meter.waited("mail", "acme", 1.0)
    meter.put_back(taken)
    assert {lane: waits(counts) for lane, counts in meter.take().items()} == {WHOLE: 3, "acme": 2, "zoe": 1}


def test_lanes_have_their_turn(meter: Meter) -> None:
    """A thousand at a time, the longest waiting first, so that no claim waits long; those of the queue are not kept."""
    for number in range(2 * LANES_AT_A_TIME):
        meter.waited("mail", f"lane-{number}", 1.0)
    first, second = meter.take(), meter.take()

    assert waits(first[WHOLE]) == 2 * LANES_AT_A_TIME
    assert [first.keys(), second.keys()] == [
        {WHOLE, *(f"lane-{number}" for number in range(LANES_AT_A_TIME))},
        {f"lane-{number}" for number in range(LANES_AT_A_TIME, 2 * LANES_AT_A_TIME)},
    ]


def test_memory_has_an_end(meter: Meter) -> None:
    """Users invent lanes without end: beyond 10,000 their times count for the queue only."""
    for number in range(10_001):
        meter.waited("mail", f"lane-{number}", 1.0)
    taken = meter.take(lanes=20_000)

    assert waits(taken[WHOLE]) == 10_001
    assert len(taken) == 1 + 10_000


def test_a_forked_child_begins_anew(meter: Meter) -> None:
    """Its parent's times are not counted twice, and a lock that another thread held does not stop it."""
    meter.took("mail", "acme", 1.0)

    def begin_anew() -> None:
        assert meter._lock.acquire(timeout=5)
        meter._lock.release()
        assert meter.take() == {}

    with meter._lock:
        child = Child.doing(begin_anew)
    child.join()

    assert meter.take().keys() == {WHOLE, "acme"}


@pytest.mark.usefixtures("at_once")
def test_claims_leave_what_was_measured(backend: Backend) -> None:
    """When it is time, whether they find a job or not: nobody has to close anything."""
    queue = Queue("mail", backend=backend)
    queue.enqueue("acme", 1)
    queue.claim().ack()
    assert Queue("mail", backend=backend).metrics().process_time.count == 0
    assert queue.claim() is None

    assert Queue("mail", backend=backend).metrics().process_time.count == 1


def test_nothing_is_left_before_its_time(backend: Backend) -> None:
    """A claim is one round trip, as it was."""
    queue = Queue("mail", backend=backend)
    queue.enqueue_many([("acme", 1), ("acme", 2)])
    for _ in range(2):
        queue.claim().ack()

    assert Queue("mail", backend=backend).metrics().process_time.count == 0


async def test_who_closes_leaves_what_was_measured(backend: Backend) -> None:
    """Blocking or awaited."""
    with Queue("mail", backend=backend) as queue:
        queue.enqueue_many([("acme", 1), ("acme", 2)])
        queue.claim().ack()
    async with AsyncQueue("mail", backend=backend) as other:
        await (await other.claim()).ack()

    assert Queue("mail", backend=backend).metrics("acme").process_time.count == 2


def test_what_cannot_be_left_is_left_later(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is said, and keeps nobody from reading what there is."""
    backend = SQLiteBackend(f"sqlite:///{tmp_path}/ranch.db", lock_timeout=0.01)
    with Queue("mail", backend=backend) as queue, closing(sqlite3.connect(backend.path)) as other:
        queue.enqueue("acme", 1)
        queue.claim().ack()
        other.execute("BEGIN IMMEDIATE")
        meanwhile = queue.metrics()
        other.execute("ROLLBACK")

        assert (meanwhile.processed, meanwhile.process_time.count) == (1, 0)
        assert "queue 'mail': how long jobs took could not be left in the store" in caplog.text
        assert (queue.metrics().wait_time.count, queue.metrics("acme").process_time.count) == (1, 1)


def test_who_does_not_measure_has_no_times(backend: Backend, clock: FakeClock) -> None:
    """With ``metrics_enabled=False``: the counters are there all the same."""
    queue = Queue("mail", backend=backend, metrics_enabled=False)
    queue.enqueue("acme", 1)
    queue.claim().ack()
    metrics = queue.metrics()

    assert (metrics.processed, metrics.success_rate, metrics.process_time.count) == (1, 100, 0)
    assert queue._operations.events.claimed is None
