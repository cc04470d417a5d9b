"""What a lease is good for, and what becomes of its job."""

from __future__ import annotations

import pytest

from ranch.exceptions import LeaseLost
from ranch.letters import Death
from ranch.queue import Queue
from ranch.testing.backend.case import BackendCase, DrivenLanes, claimed
from ranch.testing.clock import FakeClock


class Leases(BackendCase):
    """Settling, renewing and reclaiming."""

    def test_an_expired_lease_gives_the_job_to_the_next(self, queue: Queue, clock: FakeClock) -> None:
        """The job goes back to the front of its lane, counted; the old owner's lease is good for nothing."""
        queue.enqueue_many([("acme", n) for n in range(3)])
        first = queue.claim(lease=5)
        assert first is not None

        clock.advance(5)
        second = queue.claim()

        assert second is not None
        assert (second.job.id, second.job.attempts, second.job.reclaims) == (first.job.id, 2, 1)
        for settle in (first.ack, first.release, first.renew):
            with pytest.raises(LeaseLost, match=first.job.id):
                settle()
        second.ack()
        assert claimed(queue) == [1, 2]

    def test_reclaim_brings_back_what_has_expired_in_bounded_steps(self, queue: Queue, clock: FakeClock) -> None:
        """Each call takes at most as many as it was told to; in the end all stand as they stood."""
        queue.enqueue_many([("acme", n) for n in range(70)])
        queue.claim_many(70, lease=1)
        clock.advance(2)

        assert [queue.reclaim(50), queue.reclaim(50), queue.reclaim(50)] == [50, 20, 0]
        assert claimed(queue) == list(range(70))

    def test_failures_are_counted_and_those_after_which_a_job_is_tried_again(self, lanes: DrivenLanes) -> None:
        """At once or later, for its lane and for the queue; one that dies of its failure is not tried again."""
        lanes.put("a", "now", "later", "released", "dead")
        now, later, released, dead = lanes.take()
        lanes.release([now], 0.0, failed=True)
        lanes.release([later], 60.0, failed=True)
        lanes.release([released], 60.0)
        lanes.bury([dead], Death())

        for stats in (lanes.stats(), lanes.read(["a"])[0].stats):
            assert (stats.failed, stats.retried, stats.released, stats.died) == (3, 2, 1, 1)

    def test_a_renewed_lease_lasts_longer(self, queue: Queue, clock: FakeClock) -> None:
        """Renewing sets the deadline anew from now; the token stays, so the old object settles too."""
        queue.enqueue("acme", 1)
        lease = queue.claim(lease=5)
        assert lease is not None
        clock.advance(4)

        renewed = lease.renew(10)

        assert renewed.deadline == clock() + 10
        clock.advance(9)
        assert queue.claim() is None
        lease.ack()

    def test_a_final_lease_is_the_last_one(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """Its job is a dead letter once it expires, however seldom it came back; renewed again it stays so."""
        lanes.put("acme", "final", "other")
        final, other = lanes.take(lease=5.0)
        renewed, lost = lanes.renew([final], 10.0, final=True)
        assert (renewed[0].deadline, renewed[0].token, lost) == (clock() + 10, final.token, [])
        clock.advance(5)
        assert lanes.names() == ["other"]
        lanes.renew([final], 10.0)
        assert lanes.renew([other], 10.0, final=True) == ([], [other])

        clock.advance(10)
        claim = lanes.claim(9, 30.0, "me")
        assert [(ending.how, ending.job.id) for ending in claim.ended] == [("dead", final.job.id)]
        assert [lease.job.body for lease in claim.leases] == []
        assert lanes.letter(final.job.id).death.reason == "worker lost"
        assert lanes.ack([final]) == [final]

    def test_what_had_a_final_lease_may_be_settled(self, lanes: DrivenLanes) -> None:
        """As any other: done, or given back."""
        lanes.put("acme", "done", "back")
        leases = lanes.take()
        lanes.renew(leases, 10.0, final=True)
        assert lanes.ack(leases[:1]) == []
        assert not lanes.release(leases[1:], 0.0).lost
        assert lanes.names() == ["back"]

    def test_a_released_job_keeps_its_place(self, queue: Queue) -> None:
        """Given back, it is the next of its lane again, with the attempt counted and no harm done."""
        queue.enqueue_many([("acme", n) for n in range(3)])
        lease = queue.claim()
        assert lease is not None

        lease.release()

        again = queue.claim()
        assert again is not None
        assert (again.job.payload, again.job.attempts, again.job.reclaims) == (0, 2, 0)

    def test_a_job_released_with_a_delay_comes_later(self, queue: Queue, clock: FakeClock) -> None:
        """It leaves its lane until then."""
        queue.enqueue_many([("acme", n) for n in range(2)])
        lease = queue.claim()
        assert lease is not None

        lease.release(delay=5)

        assert claimed(queue) == [1]
        clock.advance(5)
        assert claimed(queue) == [0]

    def test_what_is_lost_in_a_batch_does_not_hold_up_the_rest(self, queue: Queue) -> None:
        """A batch settles what it can and names what it could not."""
        queue.enqueue_many([("acme", n) for n in range(3)])
        leases = queue.claim_many(3)
        leases[1].ack()

        with pytest.raises(LeaseLost) as lost:
            queue.ack(leases)

        assert lost.value.job_ids == (leases[1].job.id,)
        assert queue.stats().acked == 3

    def test_a_lease_is_settled_once(self, queue: Queue) -> None:
        """Acked or released, its token is worth nothing any more, and trying changes nothing."""
        queue.enqueue_many([("acme", n) for n in range(2)])
        done, back = queue.claim_many(2)
        done.ack()
        back.release()
        before = queue.stats()

        for settle in (done.ack, done.release, done.renew, back.ack, back.release, back.renew):
            with pytest.raises(LeaseLost):
                settle()

        assert queue.stats() == before
