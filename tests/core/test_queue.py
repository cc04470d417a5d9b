"""What a user of `Queue` is promised beside what its backend does: values are checked before a backend sees them."""

from __future__ import annotations

import pickle

import pytest

from ranch import InvalidJob, Queue, SerializationError
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
