"""What becomes of jobs that fail, or cannot be run at all."""

from __future__ import annotations

import pytest

from ranch import AsyncQueue, DecodeError, InvalidJob, LeaseLost, Policy, Queue, Retry
from ranch.testing import FakeClock
from ranch.typing import Backend


@pytest.fixture
def queue(backend: Backend) -> Queue:
    """An empty queue that tries jobs again after five seconds, three attempts in all."""
    return Queue("mail", backend=backend, retry=Retry.fixed(5, max_attempts=3))


def fail_once(queue: Queue, retry: Retry | None = None) -> None:
    """Claim a job, and let it fail."""
    lease = queue.claim()
    assert lease is not None
    lease.fail(ValueError("no such user"), retry=retry)


def test_a_failed_job_is_tried_again_until_its_attempts_are_used_up(queue: Queue, clock: FakeClock) -> None:
    """After its delay each time; then it is a dead letter, with the error and its traceback."""
    job = queue.enqueue("acme", {"to": "a@b.c"})
    for _ in range(2):
        fail_once(queue)
        assert queue.claim() is None
        clock.advance(5)
    lease = queue.claim()
    assert lease is not None
    assert (lease.job.attempts, lease.job.failures) == (3, 2)
    try:
        int("x")
    except ValueError as error:
        lease.fail(error)
    clock.advance(3600)

    assert queue.claim() is None
    letter = queue.dead.get(job.id)
    assert letter is not None
    assert letter.job.payload == {"to": "a@b.c"}
    assert letter.died_at == clock() - 3600
    assert (letter.death.kind, letter.death.reason, letter.death.error) == (
        "failure",
        "failed",
        "ValueError: invalid literal for int() with base 10: 'x'",
    )
    assert "test_failures.py" in letter.death.traceback
    stats = queue.stats()
    assert (stats.failed, stats.died, stats.dead, stats.pending, stats.delayed, stats.leased) == (3, 1, 1, 0, 0, 0)


def test_a_failures_own_retry_goes_before_the_queues(queue: Queue, clock: FakeClock) -> None:
    """Whoever runs the job may know better when to come back, or that there is no use."""
    queue.enqueue("acme", 1)
    fail_once(queue, Retry.custom([0]))
    fail_once(queue, Retry.never())

    assert [letter.death.reason for letter in queue.dead.list()] == ["failed"]


def test_a_retrys_timeout_goes_by_the_backends_clock(queue: Queue, clock: FakeClock) -> None:
    """From the enqueue on, whatever this machine's clock says."""
    patient = Retry.fixed(20, max_attempts=None, timeout=60)
    queue.enqueue("acme", 1)
    clock.advance(15)
    fail_once(queue, patient)
    clock.advance(20)
    fail_once(queue, patient)
    assert queue.stats().delayed == 1
    clock.advance(20)
    fail_once(queue, patient)

    assert (queue.stats().dead, queue.stats().failed) == (1, 3)


def test_a_letter_older_than_its_retrys_timeout_is_tried_once_more(queue: Queue, clock: FakeClock) -> None:
    """The time counts from the first enqueue on, however often somebody revives it."""
    patient = Retry.fixed(5, max_attempts=None, timeout=60)
    queue.enqueue("acme", 1)
    clock.advance(100)
    for _ in range(2):
        fail_once(queue, patient)
        assert (queue.stats().dead, queue.stats().delayed) == (1, 0)
        assert len(queue.dead.retry()) == 1


def test_asking_for_the_time_shortens_no_lease(queue: Queue, clock: FakeClock) -> None:
    """Whoever was killed between that and the failure has the job for as long as it was claimed for."""
    queue.enqueue("acme", 1)
    lease = queue.claim(lease=300)
    assert lease is not None
    steps = queue._operations.fail([lease], "away", Retry.fixed(1, timeout=1000))
    queue.backend.perform(next(steps))
    steps.close()  # killed
    clock.advance(299)

    assert queue.claim() is None
    clock.advance(1)
    assert queue.claim() is not None


def test_many_jobs_fail_at_once(queue: Queue) -> None:
    """Each goes its own way; the lost ones are named, and the others settled all the same."""
    queue.enqueue_many([("acme", n) for n in range(150)])
    leases = queue.claim_many(150)
    leases[0].ack()
    with pytest.raises(LeaseLost) as lost:
        queue.fail(leases, "the mail server is away", retry=Retry.fixed(5, timeout=60, jitter=0.5))

    assert lost.value.job_ids == (leases[0].job.id,)
    assert (queue.stats().delayed, queue.stats().leased, queue.stats().failed) == (149, 0, 149)


def test_what_cannot_be_run_is_buried(queue: Queue) -> None:
    """At once, with a reason to find it by."""
    queue.enqueue_many([("acme", n) for n in range(3)])
    first, second, third = queue.claim_many(3)
    first.bury("no such task", error="mail.send")
    queue.bury([second], "bad input", error=ValueError("x"), kind="failure")

    assert [letter.death.reason for letter in queue.dead.list(kind="system")] == ["no such task"]
    assert [letter.death.error for letter in queue.dead.list(kind="failure")] == ["ValueError: x"]
    assert (queue.stats().failed, queue.stats().died) == (2, 2)
    with pytest.raises(LeaseLost):
        first.bury("again")
    for reason, kind in (("", "system"), ("x", "sad")):
        with pytest.raises(InvalidJob):
            third.bury(reason, kind=kind)
    with pytest.raises(InvalidJob, match="an exception or a text, not 7"):
        third.fail(7)


class Upper:
    """A serializer that the queue does not read."""

    content_type = "text/upper"

    def dumps(self, payload: str) -> bytes:
        return payload.upper().encode()

    def loads(self, body: bytes) -> str:
        return body.decode()


def test_what_cannot_be_decoded_is_no_matter_of_retries(queue: Queue, backend: Backend) -> None:
    """The error that reading the payload raised makes a dead letter of kind system; the lane goes on."""
    unread = Queue("mail", backend=backend, serializer=Upper()).enqueue("acme", "hello")
    queue.enqueue("acme", "read")
    first = queue.claim()
    assert first is not None
    with pytest.raises(DecodeError, match=f"job {unread.id} cannot be decoded: the payload is text/upper") as error:
        first.job.payload  # noqa: B018 - reading it is the point
    first.fail(error.value)

    (letter,) = queue.dead.list()
    assert (letter.job.id, letter.death.kind, letter.death.reason) == (unread.id, "system", "cannot decode")
    assert "text/upper" in letter.death.error
    second = queue.claim()
    assert second is not None
    assert second.job.payload == "read"


def test_only_its_own_payload_condemns_a_job(queue: Queue) -> None:
    """A job that could not read another one's payload has failed as any job does."""
    queue.enqueue("acme", 1)
    lease = queue.claim()
    assert lease is not None
    lease.fail(DecodeError("00000099999", "of another"))

    assert (queue.stats().delayed, queue.stats().failed) == (1, 1)


def test_a_lost_workers_job_ends_as_a_dead_letter(backend: Backend, clock: FakeClock) -> None:
    """Once its lease has expired more often than the policy allows."""
    queue = Queue("mail", backend=backend, lease=10, policy=Policy(max_reclaims=2))
    queue.enqueue("acme", 1)
    for _ in range(3):
        assert queue.claim() is not None
        clock.advance(11)

    assert queue.claim() is None
    (letter,) = queue.dead.list()
    assert (letter.death.kind, letter.death.reason) == ("system", "worker lost")


@pytest.fixture
def graveyard(queue: Queue, clock: FakeClock) -> Queue:
    """A queue with four dead letters: two of lane acme that failed, one each of other lanes and reasons."""
    queue.enqueue_many([("acme", 1), ("globex", 2), ("acme", 3), ("initech", 4)])
    by_payload = {lease.job.payload: lease for lease in queue.claim_many(4)}
    for payload in (1, 2, 3):
        by_payload[payload].fail("x", retry=Retry.never())
        clock.advance(1)
    by_payload[4].bury("no such task")
    return queue


def test_dead_letters_are_listed(graveyard: Queue) -> None:
    """The oldest first; all of them, or those of a lane, a reason or a kind."""

    def payloads(**chosen: str) -> list[int]:
        return [letter.job.payload for letter in graveyard.dead.list(**chosen)]

    assert payloads() == [1, 2, 3, 4]
    assert payloads(lane="acme") == [1, 3]
    assert payloads(reason="no such task") == payloads(kind="system") == [4]
    assert payloads(lane="acme", kind="system") == []
    assert graveyard.dead.get("00000099999") is None


def test_dead_letters_are_retried(graveyard: Queue) -> None:
    """By their ids, or by what they have in common; their failures are forgotten."""
    first, *_ = graveyard.dead.list()

    assert [job.id for job in graveyard.dead.retry([first.job.id, "00000099999"])] == [first.job.id]
    assert [job.payload for job in graveyard.dead.retry(lane="acme")] == [3]
    lease = graveyard.claim()
    assert lease is not None
    assert (lease.job.payload, lease.job.failures) == (1, 0)
    assert graveyard.dead.retry([]) == []
    assert len(graveyard.dead.retry()) == 2
    stats = graveyard.stats()
    assert (stats.revived, stats.dead, stats.pending, stats.leased) == (4, 0, 3, 1)


def test_dead_letters_are_purged(graveyard: Queue) -> None:
    """For good, and counted."""
    first, *_ = graveyard.dead.list()

    assert graveyard.dead.purge([first.job.id, first.job.id]) == 1
    assert graveyard.dead.purge(kind="system") == 1
    assert graveyard.dead.purge([]) == 0
    assert graveyard.dead.purge() == 2
    assert (graveyard.stats().dead, graveyard.stats().died) == (0, 4)


def test_ids_and_a_choice_contradict_each_other(graveyard: Queue) -> None:
    """Nobody purges more than he meant."""
    for ids, chosen in ((["1"], {"lane": "acme"}), ("00000000001", {}), ([1], {})):
        with pytest.raises(InvalidJob):
            graveyard.dead.purge(ids, **chosen)

    assert graveyard.stats().dead == 4


def test_more_dead_letters_than_a_page_are_all_read(queue: Queue) -> None:
    """And retried, in as many round trips as it takes."""
    queue.enqueue_many([("acme", n) for n in range(1100)])
    while leases := queue.claim_many(100):
        queue.fail(leases, "x", retry=Retry.never())

    assert sorted(letter.job.payload for letter in queue.dead.list()) == list(range(1100))
    assert len(queue.dead.retry(reason="failed")) == 1100
    assert queue.stats().pending == 1100


async def test_an_awaited_queue_fails_and_buries(backend: Backend, clock: FakeClock) -> None:
    """With the same results."""
    async with AsyncQueue("mail", backend=backend, retry=Retry.fixed(5, max_attempts=2)) as queue:
        await queue.enqueue_many([("acme", n) for n in range(2)])
        first, second = await queue.claim_many(2)
        await first.fail("x")
        await second.bury("no such task")
        clock.advance(5)
        again = await queue.claim()
        assert again is not None
        await again.fail("x")

        assert [letter.job.payload async for letter in queue.dead.list()] == [1, 0]
        assert (await queue.dead.get(second.job.id)) is not None
        assert [job.payload for job in await queue.dead.retry(kind="system")] == [1]
        assert await queue.dead.purge() == 1
