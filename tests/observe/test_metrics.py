"""Queues and lanes in numbers: those of all processes, whoever asks."""

from __future__ import annotations

from typing import Any

import pytest

from ranch import AsyncQueue, BackendUnavailable, InvalidJob, Queue, Retry
from ranch.backends.memory import MemoryBackend
from ranch.histogram import Summary
from ranch.policy import Policy
from ranch.testing import FakeClock
from ranch.typing import Backend


def test_the_numbers_are_those_of_all(backend: Backend, clock: FakeClock) -> None:
    """Of the queue and of each lane: what two have done, in one sum, that each of them and a third one reads."""
    one, other, third = (Queue("mail", backend=backend) for _ in range(3))
    one.enqueue_many([("acme", n) for n in range(3)] + [("zoe", 1)])
    clock.advance(10)
    for queue in (one, other):
        for lease in queue.claim_many(2):
            if lease.job.lane == "zoe":
                lease.ack()
            else:
                lease.fail("away", retry=Retry.fixed(0, max_attempts=9))
    other.claim().ack()
    one.claim().fail("away", retry=Retry.never())
    for queue in (one, other):
        queue._drive(queue._operations.leave_times())

    whole, acme, zoe = (third.metrics(lane) for lane in (None, "acme", "zoe"))
    assert (whole.enqueued, whole.processed, whole.failed, whole.retried) == (4, 2, 4, 3)
    assert (acme.enqueued, acme.processed, acme.failed, acme.retried) == (3, 1, 4, 3)
    assert (zoe.enqueued, zoe.processed, zoe.failed, zoe.success_rate) == (1, 1, 0, 100)
    assert whole.success_rate == pytest.approx(100 / 3)
    assert [each.process_time.count for each in (whole, acme, zoe)] == [6, 5, 1]
    assert [each.wait_time.count for each in (whole, acme, zoe)] == [3, 2, 1]
    assert whole.wait_time.mean == pytest.approx(10, abs=0.01)
    assert whole.wait_time.p50 == whole.wait_time.p95 == pytest.approx(10, rel=0.025)
    assert [one.metrics(), other.metrics()] == [whole, whole]


def test_who_asks_sees_what_it_has_done(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once: what was measured here is left in the store first."""
    process_time = FakeClock()
    monkeypatch.setattr("ranch.times.monotonic", process_time)
    queue = Queue("mail", backend=backend)
    queue.enqueue("acme", 1)
    lease = queue.claim()
    process_time.advance(0.07)
    lease.ack()

    assert queue.metrics().process_time.p50 == pytest.approx(0.07, rel=0.025)
    assert queue.metrics("acme") == queue.metrics()


async def test_an_awaited_queue_has_the_same(backend: Backend) -> None:
    """With the same names."""
    async with AsyncQueue("mail", backend=backend) as queue:
        await queue.enqueue("acme", 1)
        await (await queue.claim()).ack()
        whole, lane = await queue.metrics(), await queue.metrics("acme")

    assert whole == lane == Queue("mail", backend=backend).metrics()
    assert (whole.processed, whole.process_time.count, whole.success_rate) == (1, 1, 100)


def test_what_was_never_used_has_no_numbers(backend: Backend) -> None:
    """Nothing is made up: what was not measured is None. A name that cannot be is an error."""
    queue = Queue("mail", backend=backend)
    for metrics in (queue.metrics(), queue.metrics("nobody")):
        assert (metrics.enqueued, metrics.success_rate) == (0, None)
        assert metrics.process_time == metrics.wait_time == Summary(count=0, mean=None, p50=None, p95=None)
    assert queue.lanes() == []
    with pytest.raises(InvalidJob, match="a lane needs a name"):
        queue.metrics("")


def test_queues_have_their_own_numbers(backend: Backend) -> None:
    """Those of one say nothing of another, in one store."""
    queue, other = Queue("mail", backend=backend), Queue("reports", backend=backend)
    queue.enqueue("acme", 1)
    queue.claim().ack()

    assert (queue.metrics().process_time.count, other.metrics().process_time.count) == (1, 0)


def test_numbers_of_a_lane_go_with_it(backend: Backend, clock: FakeClock) -> None:
    """What a lane has counted is forgotten when it is; what the queue has is not."""
    queue = Queue("mail", backend=backend, policy=Policy(lane_ttl=60))
    queue.enqueue("acme", 1)
    queue.claim().ack()
    assert queue.metrics("acme").process_time.count == 1
    for _ in range(4):
        clock.advance(60)
        queue.reclaim()

    assert queue.metrics("acme").processed == queue.metrics("acme").process_time.count == 0
    assert queue.metrics().processed == queue.metrics().process_time.count == 1


def test_what_cannot_be_left_is_left_later() -> None:
    """All of it, after one call in vain, and not one for each hundred lanes."""

    class Store(MemoryBackend):
        away, asked = False, 0

        def perform(self, step: Any) -> Any:
            self.asked += 1
            if self.away:
                raise BackendUnavailable("out for lunch")
            return super().perform(step)

    store = Store()
    queue = Queue("mail", backend=store)
    queue.enqueue_many([(f"lane {n}", n) for n in range(250)])
    queue.ack([lease for _ in range(3) for lease in queue.claim_many(100)])
    store.away, store.asked = True, 0
    queue._drive(queue._operations.leave_times())
    assert store.asked == 1

    store.away = False
    queue._drive(queue._operations.leave_times())
    reader = Queue("mail", backend=store)
    assert reader.metrics().process_time.count == 250
    assert all(reader.metrics(f"lane {n}").process_time.count == 1 for n in range(250))
