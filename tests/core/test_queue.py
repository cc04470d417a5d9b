"""What a user of `Queue` is promised beside what its backend does: values are checked before a backend sees them."""

from __future__ import annotations

import pickle

import pytest

from ranch import InvalidJob, Queue, SerializationError
from ranch.testing import FakeClock
from ranch.typing import Backend


@pytest.fixture
def queue(backend: Backend) -> Queue:
    """An empty queue under the default strategy."""
    return Queue("mail", backend=backend, lease=30.0)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"lane": ""}, "empty"),
        ({"lane": "x" * 257}, "at most 256"),
        ({"lane": 7}, "named by a str, not by int 7"),
        ({"lane": "\ud800"}, "valid Unicode"),
        ({"delay": float("nan")}, "delay"),
        ({"delay": "soon"}, "delay is a number, not str 'soon'"),
        ({"cost": 0}, "cost must be a finite number > 0, not 0"),
        ({"cost": float("inf")}, "cost"),
        ({"priority": 0}, "1 \\(very low\\) to 6 \\(critical\\), not 0"),
        ({"priority": 2.5}, "not 2.5"),
        ({"priority": True}, "not True"),
        ({"expires": 0}, "expires must be a finite number > 0, not 0"),
        ({"lease": -1}, "lease must be"),
        ({"dedup_key": ""}, "dedup_key needs a name"),
        ({"dedup_for": 5}, "give a dedup_key, or dedup=True"),
        ({"result_ttl": -1}, "result_ttl must be a finite number >= 0, not -1"),
        ({"prio": 5}, "'prio' is no option of a job, did you mean 'priority'"),
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
    with pytest.raises(InvalidJob, match="tags are a mapping"):
        queue.lane("acme").update(tags=["gold"])
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


def test_the_same_payload_is_enqueued_once(queue: Queue) -> None:
    """With ``dedup``, while it waits or runs, in the same lane; whoever enqueues is told of the one that is there."""
    first = queue.enqueue("acme", {"to": "a@b.c"}, dedup=True)
    second = queue.enqueue("acme", {"to": "a@b.c"}, dedup=True)
    elsewhere, changed = queue.enqueue_many([("globex", {"to": "a@b.c"}), ("acme", {"to": "d@b.c"})], dedup=True)
    lease = queue.claim()
    while_it_runs = queue.enqueue("acme", {"to": "a@b.c"}, dedup=True)
    assert lease is not None
    lease.ack()
    after = queue.enqueue("acme", {"to": "a@b.c"}, dedup=True)

    assert (first.duplicate, second.duplicate, second.id) == (False, True, first.id)
    assert second.payload == {"to": "a@b.c"}
    assert not elsewhere.duplicate
    assert not changed.duplicate
    assert (while_it_runs.duplicate, while_it_runs.id) == (True, first.id)
    assert (after.duplicate, after.id != first.id) == (False, True)


def test_a_dedup_key_is_for_one_job(queue: Queue, clock: FakeClock) -> None:
    """It is the caller's word for "the same", for as long as he says; several jobs need keys of their own."""
    first = queue.enqueue("acme", 1, dedup_key="nightly", dedup_for=60)
    assert queue.enqueue("globex", 2, dedup_key="nightly").id == first.id
    clock.advance(61)
    assert not queue.enqueue("acme", 3, dedup_key="nightly").duplicate
    with pytest.raises(InvalidJob, match=r"'weekly' is for one job, and these are 2.*dedup=True"):
        queue.enqueue_many([("acme", 1), ("acme", 2)], dedup_key="weekly")
    assert queue.stats().enqueued == 2


def test_a_jobs_own_lease_goes_before_the_claims(queue: Queue, clock: FakeClock) -> None:
    """And renewing without a number means as long again, not the queue's time."""
    queue.enqueue("acme", 1, lease=300)
    queue.enqueue("acme", 2)
    own, given = queue.claim_many(2, lease=10)

    assert (own.deadline - clock(), own.seconds) == (300, 300)
    assert (given.deadline - clock(), given.seconds) == (10, 10)
    clock.advance(5)
    renewed = queue.renew([own, given])
    assert [lease.deadline - clock() for lease in renewed] == [300, 10]
    assert renewed[1].renew(7).deadline == clock() + 7


def test_cancelling_takes_what_waits(queue: Queue) -> None:
    """A job that is ready or delayed goes; one that is leased goes on; one that is not there is no fault."""
    leased, ready, delayed, other = (queue.enqueue("acme", n, delay=60 * (n == 2)) for n in range(4))
    lease = queue.claim()
    assert lease is not None

    assert queue.cancel(ready.id)
    assert not queue.cancel(ready.id)
    assert not queue.cancel(leased.id)
    assert [job.payload for job in queue.cancel_many([delayed.id, "00000099999", other.id])] == [2, 3]
    lease.ack()
    stats = queue.stats()
    assert (stats.pending, stats.delayed, stats.leased, stats.cancelled, stats.acked) == (0, 0, 0, 3, 1)
    with pytest.raises(InvalidJob, match="list of str"):
        queue.cancel_many("00000000001")


def test_purging_takes_all_that_waits(queue: Queue) -> None:
    """Of a lane or of the queue, ready and delayed, over many pages; what is leased goes on."""
    queue.enqueue_many([("acme", n) for n in range(250)])
    queue.enqueue_many([("acme", n) for n in range(120)], delay=60)
    queue.enqueue_many([("globex", 1), ("globex", 2)])
    queue.enqueue("globex", 3, delay=60)
    queue.claim_many(4)

    assert queue.lane("acme").purge() == 368
    assert queue.lane("nobody").purge() == 0
    acme, globex = queue.lanes()
    assert (acme.stats.pending, acme.stats.delayed, acme.stats.leased) == (0, 0, 2)
    assert (globex.stats.pending, globex.stats.delayed, globex.stats.leased) == (0, 1, 2)
    assert queue.purge() == 1
    assert (queue.stats().cancelled, queue.stats().leased) == (369, 4)


def test_all_jobs_can_be_read(queue: Queue) -> None:
    """Each with its state; of a lane those that are ready, in their order."""
    queue.enqueue_many([("acme", n) for n in range(1100)])
    queue.enqueue("globex", "later", delay=60)
    queue.enqueue("globex", "now")
    queue.claim_many(2)

    assert [stored.job.payload for stored in queue.jobs(lane="acme")] == list(range(1, 1100))
    states = [stored.state for stored in {stored.job.id: stored for stored in queue.jobs()}.values()]
    assert {state: states.count(state) for state in states} == {"ready": 1099, "leased": 2, "delayed": 1}
