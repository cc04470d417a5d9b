"""What becomes of a job that is enqueued and claimed."""

from __future__ import annotations

from datetime import datetime, timezone

from ranch.choice import StrategyChoice
from ranch.model import Priority
from ranch.queue import Queue
from ranch.steps import drive
from ranch.strategies import WeightedLRU
from ranch.testing.backend.case import BackendCase, claimed
from ranch.testing.clock import FakeClock
from ranch.typing import TIMERS_PER_CALL, Backend


class Jobs(BackendCase):
    """Enqueueing and claiming."""

    def test_a_job_comes_back_as_it_was_enqueued(self, queue: Queue, clock: FakeClock) -> None:
        """Enqueue, claim, ack: the payload, the id and the numbers are the same, and then the job is gone."""
        payload = {"to": "a@b.c", "at": datetime(2026, 1, 2, tzinfo=timezone.utc), "n": [1, 2.5, None, "ü"]}

        job = queue.enqueue("acme", payload, priority=4, cost=2.0)
        lease = queue.claim()

        assert lease is not None
        assert lease.job.payload == payload
        assert (lease.job.id, lease.job.lane, lease.job.priority, lease.job.cost) == (
            job.id,
            "acme",
            Priority.HIGH,
            2.0,
        )
        assert (lease.job.enqueued_at, lease.job.attempts, lease.deadline) == (clock(), 1, clock() + 30.0)
        lease.ack()
        assert queue.claim() is None
        assert queue.stats().acked == 1

    def test_lanes_take_turns_whatever_their_backlog(self, queue: Queue) -> None:
        """A lane with one job does not wait behind a lane with a hundred."""
        queue.enqueue_many([("bulk", n) for n in range(100)])
        queue.enqueue("acme", "hello")

        assert "hello" in claimed(queue, 2)

    def test_a_lane_is_first_in_first_out(self, queue: Queue) -> None:
        """Jobs of one priority leave their lane in the order in which they came."""
        queue.enqueue_many([("acme", n) for n in range(50)])

        assert claimed(queue) == list(range(50))

    def test_priority_is_a_head_start_and_not_a_wall(self, queue: Queue, clock: FakeClock) -> None:
        """A higher job overtakes those that came a little earlier, and none that waited longer than its head start."""
        queue.enqueue("acme", "low", priority=2)
        clock.advance(1.0)
        queue.enqueue("acme", "normal", priority=3)
        clock.advance(Priority.NORMAL.head_start)
        queue.enqueue("acme", "late normal", priority=3)
        queue.enqueue("acme", "critical", priority=6)

        assert claimed(queue) == ["critical", "normal", "low", "late normal"]

    def test_a_delayed_job_waits_for_its_time(self, queue: Queue, clock: FakeClock) -> None:
        """It is not in its lane before, and stands behind those that were ready earlier."""
        queue.enqueue("acme", "later", delay=10)
        queue.enqueue("acme", "now")
        assert queue.lane("acme").stats.delayed == 1

        assert claimed(queue) == ["now"]
        clock.advance(9.999)
        assert queue.claim() is None
        clock.advance(0.001)
        assert claimed(queue) == ["later"]

    def test_a_claim_does_a_bounded_share_of_the_housekeeping(self, queue: Queue, clock: FakeClock) -> None:
        """However many jobs fall due together, one claim brings no more than `TIMERS_PER_CALL` into their lanes."""
        queue.enqueue_many([("acme", n) for n in range(TIMERS_PER_CALL + 10)], delay=1)
        clock.advance(1)

        assert claimed(queue, 1) == [0]
        assert (queue.stats().pending, queue.stats().delayed) == (TIMERS_PER_CALL - 1, 10)

    def test_a_batch_of_claims_is_as_many_claims(self, backend: Backend) -> None:
        """Ten at once are the same ten, in the same order, as one after the other."""
        one, ten = Queue("one", backend=backend), Queue("ten", backend=backend)
        for queue in (one, ten):
            queue.lane("a").update(weight=0.5)
            queue.enqueue_many([(lane, f"{lane}{n}") for lane in "abc" for n in range(8)])

        singly = [lease.job.payload for _ in range(10) if (lease := one.claim())]

        assert claimed(ten, 10) == singly

    def test_a_batch_larger_than_a_round_trip_is_one_batch(self, queue: Queue) -> None:
        """More jobs than go into one call are enqueued and claimed all the same, in order."""
        queue.enqueue_many([("acme", n) for n in range(2500)])

        assert claimed(queue, 3000) == list(range(2500))

    def test_nothing_at_all_is_a_batch_too(self, queue: Queue, backend: Backend) -> None:
        """Operations on no items do nothing."""
        lanes = backend.lanes("mail", WeightedLRU(), StrategyChoice("weighted-lru"))

        assert queue.enqueue_many([]) == []
        queue.ack([])
        queue.release([])
        assert queue.renew([]) == []
        assert drive(backend, lanes.read([])) == []
        assert drive(backend, lanes.update([])) is None
        assert queue.stats().lanes == 0

    def test_queues_in_one_backend_do_not_see_each_other(self, backend: Backend) -> None:
        """Two names, two queues; one name, one queue."""
        mail, more_mail, video = (Queue(name, backend=backend) for name in ("mail", "mail", "video"))
        mail.enqueue("acme", 1)

        assert video.claim() is None
        assert more_mail.claim() is not None
