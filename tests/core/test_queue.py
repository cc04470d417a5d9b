"""What a user of `Queue` is promised, on every backend."""

from __future__ import annotations

import pickle
import threading
import time
from datetime import datetime, timezone

import pytest

from ranch import InvalidJob, LeaseLost, Priority, Queue, SerializationError
from ranch.testing import FakeClock
from ranch.typing import Backend


@pytest.fixture
def queue(backend: Backend) -> Queue:
    """An empty queue under the default strategy."""
    return Queue("mail", backend=backend, lease=30.0)


def claimed(queue: Queue, limit: int = 100) -> list[object]:
    """Claim up to `limit` jobs and return their payloads."""
    return [lease.job.payload for lease in queue.claim_many(limit)]


def test_a_job_comes_back_as_it_was_enqueued(queue: Queue, clock: FakeClock) -> None:
    """Enqueue, claim, ack: the payload, the id and the numbers are the same, and then the job is gone."""
    payload = {"to": "a@b.c", "at": datetime(2026, 1, 2, tzinfo=timezone.utc), "n": [1, 2.5, None, "ü"]}

    job = queue.enqueue("acme", payload, priority=4, cost=2.0)
    lease = queue.claim()

    assert lease is not None
    assert lease.job.payload == payload
    assert (lease.job.id, lease.job.lane, lease.job.priority, lease.job.cost) == (job.id, "acme", Priority.HIGH, 2.0)
    assert (lease.job.enqueued_at, lease.job.attempts, lease.deadline) == (clock(), 1, clock() + 30.0)
    lease.ack()
    assert queue.claim() is None
    assert queue.stats().acked == 1


def test_lanes_take_turns_whatever_their_backlog(queue: Queue) -> None:
    """A lane with one job does not wait behind a lane with a hundred."""
    queue.enqueue_many([("bulk", n) for n in range(100)])
    queue.enqueue("acme", "hello")

    assert "hello" in claimed(queue, 2)


def test_a_lane_is_first_in_first_out(queue: Queue) -> None:
    """Jobs of one priority leave their lane in the order in which they came."""
    queue.enqueue_many([("acme", n) for n in range(50)])

    assert claimed(queue) == list(range(50))


def test_priority_is_a_head_start_and_not_a_wall(queue: Queue, clock: FakeClock) -> None:
    """A higher job overtakes those that came a little earlier, and none that waited longer than its head start."""
    queue.enqueue("acme", "low", priority=2)
    clock.advance(1.0)
    queue.enqueue("acme", "normal", priority=3)
    clock.advance(Priority.NORMAL.head_start)
    queue.enqueue("acme", "late normal", priority=3)
    queue.enqueue("acme", "critical", priority=6)

    assert claimed(queue) == ["critical", "normal", "low", "late normal"]


def test_a_delayed_job_waits_for_its_time(queue: Queue, clock: FakeClock) -> None:
    """It is not in its lane before, and stands behind those that were ready earlier."""
    queue.enqueue("acme", "later", delay=10)
    queue.enqueue("acme", "now")
    assert queue.lane("acme").stats.delayed == 1

    assert claimed(queue) == ["now"]
    clock.advance(9.999)
    assert queue.claim() is None
    clock.advance(0.001)
    assert claimed(queue) == ["later"]


def test_an_expired_lease_gives_the_job_to_the_next(queue: Queue, clock: FakeClock) -> None:
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


def test_reclaim_brings_back_what_has_expired_in_bounded_steps(queue: Queue, clock: FakeClock) -> None:
    """Each call takes at most as many as it was told to; in the end all stand as they stood."""
    queue.enqueue_many([("acme", n) for n in range(70)])
    queue.claim_many(70, lease=1)
    clock.advance(2)

    assert [queue.reclaim(50), queue.reclaim(50), queue.reclaim(50)] == [50, 20, 0]
    assert claimed(queue) == list(range(70))


def test_a_renewed_lease_lasts_longer(queue: Queue, clock: FakeClock) -> None:
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


def test_a_released_job_keeps_its_place(queue: Queue) -> None:
    """Given back, it is the next of its lane again, with the attempt counted and no harm done."""
    queue.enqueue_many([("acme", n) for n in range(3)])
    lease = queue.claim()
    assert lease is not None

    lease.release()

    again = queue.claim()
    assert again is not None
    assert (again.job.payload, again.job.attempts, again.job.reclaims) == (0, 2, 0)


def test_a_job_released_with_a_delay_comes_later(queue: Queue, clock: FakeClock) -> None:
    """It leaves its lane until then."""
    queue.enqueue_many([("acme", n) for n in range(2)])
    lease = queue.claim()
    assert lease is not None

    lease.release(delay=5)

    assert claimed(queue) == [1]
    clock.advance(5)
    assert claimed(queue) == [0]


def test_what_is_lost_in_a_batch_does_not_hold_up_the_rest(queue: Queue) -> None:
    """A batch settles what it can and names what it could not."""
    queue.enqueue_many([("acme", n) for n in range(3)])
    leases = queue.claim_many(3)
    leases[1].ack()

    with pytest.raises(LeaseLost) as lost:
        queue.ack(leases)

    assert lost.value.job_ids == (leases[1].job.id,)
    assert queue.stats().acked == 3


def test_a_batch_of_claims_is_as_many_claims(backend: Backend) -> None:
    """Ten at once are the same ten, in the same order, as one after the other."""
    one, ten = Queue("one", backend=backend), Queue("ten", backend=backend)
    for queue in (one, ten):
        queue.lane("a").update(weight=0.5)
        queue.enqueue_many([(lane, f"{lane}{n}") for lane in "abc" for n in range(8)])

    singly = [lease.job.payload for _ in range(10) if (lease := one.claim())]

    assert claimed(ten, 10) == singly


def test_a_batch_larger_than_a_round_trip_is_one_batch(queue: Queue) -> None:
    """More jobs than go into one call are enqueued and claimed all the same, in order."""
    queue.enqueue_many([("acme", n) for n in range(2500)])

    assert claimed(queue, 3000) == list(range(2500))


def test_weights_tags_and_data_are_kept_and_merged(queue: Queue) -> None:
    """An update changes what it names, removes what it sets to None, and leaves the rest."""
    lane = queue.lane("acme")
    lane.update(weight=0.5, tags={"tier": "gold", "region": "eu"}, data={"bid": 3, "plan": {"seats": [1, 2]}})
    lane.update(tags={"region": None}, data={"note": "ü"})
    queue.lane("globex").update(tags={"tier": "silver"})

    read = lane.read()

    assert (read.weight, read.tags) == (0.5, {"tier": "gold"})
    assert read.data == {"bid": 3, "plan": {"seats": [1, 2]}, "note": "ü"}
    assert [lane.key for lane in queue.lanes(tag=("tier", "gold"))] == ["acme"]
    assert [lane.key for lane in queue.lanes()] == ["acme", "globex"]
    assert queue.lane("never used").read().weight == 1.0


def test_a_new_weight_acts_on_the_backlog(queue: Queue) -> None:
    """Half the weight is twice the share, for jobs that were waiting already."""
    queue.enqueue_many([(lane, lane) for _ in range(40) for lane in "ab"])
    queue.lane("a").update(weight=0.5)

    assert sum(lane == "a" for lane in claimed(queue, 30)) in {19, 20, 21}


def test_a_new_bid_acts_on_the_backlog(backend: Backend) -> None:
    """Who raises the bid while waiting goes first at once."""
    queue = Queue("gpu", backend=backend, strategy="bid")
    queue.enqueue_many([(lane, lane) for lane in "abc"])
    queue.lane("b").update(data={"bid": 2})
    queue.lane("c").update(data={"bid": 5})

    assert claimed(queue) == ["c", "b", "a"]


def test_queues_in_one_backend_do_not_see_each_other(backend: Backend) -> None:
    """Two names, two queues; one name, one queue."""
    mail, more_mail, video = (Queue(name, backend=backend) for name in ("mail", "mail", "video"))
    mail.enqueue("acme", 1)

    assert video.claim() is None
    assert more_mail.claim() is not None


def test_counters_tell_what_happened(queue: Queue, clock: FakeClock) -> None:
    """A lane's numbers add up, and a queue's are the sums over its lanes."""
    queue.enqueue_many([("acme", n) for n in range(5)])
    queue.enqueue("acme", "later", delay=60)
    queue.enqueue("globex", 1)
    done, back, _lost = queue.claim_many(3, lease=10)
    done.ack()
    back.release()
    clock.advance(10)
    queue.reclaim()

    stats = queue.stats()

    assert (stats.enqueued, stats.claimed, stats.acked, stats.released, stats.reclaimed) == (7, 3, 1, 1, 1)
    assert (stats.pending, stats.delayed, stats.leased, stats.lanes, stats.backlogged) == (5, 1, 0, 2, 2)
    per_lane = [lane.stats for lane in queue.lanes()]
    assert sum(lane.pending for lane in per_lane) == stats.pending
    assert sum(lane.enqueued for lane in per_lane) == stats.enqueued


def test_a_waiting_claim_gets_a_job_that_comes(queue: Queue) -> None:
    """A claim that waits returns as soon as somebody enqueues, long before its time is up."""
    timer = threading.Timer(0.05, queue.enqueue, ("acme", "hello"))
    timer.start()
    started = time.monotonic()

    lease = queue.claim(wait=30)

    assert lease is not None
    assert lease.job.payload == "hello"
    assert time.monotonic() - started < 15
    timer.join()


def test_a_waiting_claim_gives_up_in_time(queue: Queue) -> None:
    """Without a job it returns None when the time is up, not before."""
    started = time.monotonic()

    assert queue.claim(wait=0.2) is None
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"lane": ""}, "empty"),
        ({"lane": "x" * 257}, "at most 256"),
        ({"lane": 7}, "named by a str, not by int 7"),
        ({"lane": "\ud800"}, "valid Unicode"),
        ({"delay": -1}, "delay must be a finite number >= 0, not -1"),
        ({"delay": float("nan")}, "delay"),
        ({"delay": "soon"}, "delay is a number, not str 'soon'"),
        ({"cost": 0}, "cost must be a finite number > 0, not 0"),
        ({"cost": float("inf")}, "cost"),
        ({"priority": 0}, "1 \\(very low\\) to 6 \\(critical\\), not 0"),
        ({"priority": 2.5}, "not 2.5"),
        ({"priority": True}, "not True"),
    ],
)
def test_a_bad_job_is_refused_and_nothing_stored(queue: Queue, call: dict[str, object], said: str) -> None:
    """The call that was given it says what is wrong with which value."""
    with pytest.raises(InvalidJob, match=said):
        queue.enqueue(**{"lane": "acme", "payload": 1, **call})

    assert queue.stats().enqueued == 0


def test_one_bad_job_in_a_batch_refuses_the_batch(queue: Queue) -> None:
    """All are checked before the first is stored."""
    with pytest.raises(InvalidJob):
        queue.enqueue_many([("acme", 1), ("", 2)])
    with pytest.raises(InvalidJob, match="pair"):
        queue.enqueue_many([("acme", 1), "x"])
    with pytest.raises(SerializationError, match="json"):
        queue.enqueue_many([("acme", 1), ("acme", object())])

    assert queue.stats().enqueued == 0


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf"), "1", True])
def test_a_bad_weight_is_refused(queue: Queue, weight: object) -> None:
    """The lane keeps the one it has."""
    with pytest.raises(InvalidJob, match="weight"):
        queue.lane("acme").update(weight=weight)

    assert queue.lane("acme").read().weight == 1.0


def test_bad_metadata_are_refused(queue: Queue) -> None:
    """Tags are strings, custom data JSON; nothing of a bad update is kept."""
    with pytest.raises(InvalidJob, match="tag value"):
        queue.lane("acme").update(weight=2.0, tags={"tier": 1})
    with pytest.raises(InvalidJob, match="JSON"):
        queue.lane("acme").update(data={"bid": float("nan")})
    with pytest.raises(InvalidJob, match="empty"):
        queue.lane("")

    assert queue.lanes() == []


def test_claims_refuse_numbers_that_cannot_be(queue: Queue) -> None:
    """A limit below 1, a lease of no time, a wait without end."""
    for call in (
        lambda: queue.claim_many(0),
        lambda: queue.claim_many(1.5),
        lambda: queue.claim(lease=0),
        lambda: queue.claim(wait=-1),
        lambda: queue.claim(wait=float("inf")),
        lambda: queue.reclaim(0),
    ):
        with pytest.raises(InvalidJob):
            call()


def test_a_payload_that_does_not_decode_says_so_and_stays_yours(queue: Queue, backend: Backend) -> None:
    """Only reading the payload fails; the job can still be settled."""

    class Upper:
        content_type = "text/upper"

        def dumps(self, payload: str) -> bytes:
            return payload.upper().encode()

        def loads(self, body: bytes) -> str:
            return body.decode()

    Queue("mail", backend=backend, serializer=Upper()).enqueue("acme", "hello")
    lease = queue.claim()

    assert lease is not None
    with pytest.raises(SerializationError, match="text/upper"):
        lease.job.payload  # noqa: B018 - reading it is the point
    lease.ack()


def test_jobs_and_leases_pickle(queue: Queue) -> None:
    """What was claimed can be handed to another process as a value."""
    queue.enqueue("acme", {"n": 1})
    lease = queue.claim()
    assert lease is not None

    job = pickle.loads(pickle.dumps(lease.job))

    assert (job, job.body) == (lease.job, lease.job.body)
