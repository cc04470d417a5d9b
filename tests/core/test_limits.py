"""Limits, and the explanation of what they hold up."""

from __future__ import annotations

import json

import pytest

from ranch import AsyncQueue, InvalidJob, Queue, QueueFull, Rate, Retry
from ranch.limits import NONE
from ranch.testing import FakeClock
from ranch.typing import Backend


@pytest.fixture
def queue(backend: Backend) -> Queue:
    """An empty queue whose claims are made by ``me``."""
    return Queue("mail", backend=backend, owner="me", lease=60)


def test_a_lane_has_its_cap(queue: Queue) -> None:
    """Never more leased at a time; the others go on, and what is lifted is gone."""
    queue.lane("acme").limit(max_in_flight=2)
    queue.enqueue_many([("acme", n) for n in range(5)] + [("globex", 9)])

    leases = queue.claim_many(9)
    assert [lease.job.payload for lease in leases] == [0, 9, 1]
    leases[0].ack()
    assert [lease.job.payload for lease in queue.claim_many(9)] == [2]
    queue.lane("acme").limit(max_in_flight=None)
    assert len(queue.claim_many(9)) == 2
    assert queue.lane("acme").limits == NONE


def test_a_lane_has_its_rate(queue: Queue, clock: FakeClock) -> None:
    """So many jobs in a time, evenly; text or value."""
    queue.lane("acme").limit(rate="2/m")
    queue.enqueue_many([("acme", n) for n in range(5)])

    assert len(queue.claim_many(9)) == 1
    clock.advance(30)
    assert len(queue.claim_many(9)) == 1
    assert queue.lane("acme").limits.rate == Rate(2, 60)


def test_pausing_holds_a_lane_or_all(queue: Queue) -> None:
    """What is enqueued waits, what is leased goes on."""
    queue.enqueue_many([("acme", 1), ("acme", 2), ("globex", 3)])
    leased = queue.claim()
    assert leased is not None
    queue.lane("acme").pause()
    queue.enqueue("acme", 4)
    assert [lease.job.payload for lease in queue.claim_many(9)] == [3]
    queue.pause()
    queue.lane("acme").resume()
    assert queue.claim() is None
    assert queue.limits().paused
    leased.ack()
    queue.resume()

    assert [lease.job.payload for lease in queue.claim_many(9)] == [2, 4]
    assert queue.limits() == NONE


def test_a_full_lane_says_so(queue: Queue) -> None:
    """Nothing of the batch is stored; a queue has a limit of its own."""
    queue.lane("acme").limit(max_pending=2)
    queue.enqueue("acme", 1)
    with pytest.raises(QueueFull, match="no more than 2 jobs may wait in lane 'acme'") as full:
        queue.enqueue_many([("globex", 1), ("acme", 2), ("acme", 3)])
    assert (full.value.lane, full.value.limit, queue.stats().enqueued) == ("acme", 2, 1)
    queue.limit(max_pending=1)
    with pytest.raises(QueueFull, match="in the queue"):
        queue.enqueue("globex", 1)


def test_a_limit_that_is_none_is_refused(queue: Queue) -> None:
    """With the one that was meant; nothing is changed."""
    for limit in (queue.limit, queue.lane("acme").limit):
        with pytest.raises(InvalidJob, match="no limit 'max_inflight', did you mean 'max_in_flight'"):
            limit(max_inflight=3, max_pending=1)
        with pytest.raises(InvalidJob, match="a rate is"):
            limit(rate="fast", max_pending=1)
    with pytest.raises(InvalidJob, match="for a lane"):
        queue.limit(overflow="drop-oldest")

    assert queue.limits() == NONE
    assert queue.lanes() == []


def test_a_job_that_waits_is_explained(queue: Queue) -> None:
    """By its place in its lane and by its lane's place."""
    queue.enqueue_many([("acme", 1), ("acme", 2), ("globex", 3)])
    jobs = {stored.job.payload: stored.job.id for stored in queue.jobs()}

    assert str(queue.explain(jobs[1])) == f"job {jobs[1]} of lane 'acme' runs next."
    assert str(queue.explain(jobs[2])) == (
        f"job {jobs[2]} of lane 'acme' is ready. 1 job of its lane goes before it. Its lane is served next."
    )
    other = queue.explain(jobs[3])
    assert str(other) == f"job {jobs[3]} of lane 'globex' is ready. 1 lane is served before its own."
    assert (other.state, other.ahead, other.lanes_ahead, other.runs_next) == ("ready", 0, 1, False)
    assert str(queue.explain(lane="acme")) == "lane 'acme' runs next."
    assert str(queue.explain(lane="nobody")) == "lane 'nobody' has 0 ready, 0 delayed, 0 leased jobs."


def test_a_job_that_does_not_wait_is_explained(queue: Queue, clock: FakeClock) -> None:
    """Who has it and until when, when it comes, why it died, or that it is gone."""
    job = queue.enqueue("acme", 1, delay=60)
    assert str(queue.explain(job.id)) == f"job {job.id} of lane 'acme' is delayed until 2001-09-09 01:47:40 UTC."
    clock.advance(60)
    lease = queue.claim()
    assert lease is not None
    assert str(queue.explain(job.id)) == f"job {job.id} of lane 'acme' is leased to me until 2001-09-09 01:48:40 UTC."
    lease.fail(ValueError("no such user"), retry=Retry.never())
    dead = queue.explain(job.id)
    assert str(dead) == (
        f"job {job.id} of lane 'acme' is dead since 2001-09-09 01:47:40 UTC: failed (ValueError: no such user)."
    )
    assert dead.death is not None
    queue.dead.purge()
    gone = queue.explain(job.id)

    assert (gone.state, gone.lane) == ("unknown", None)
    assert "is not in queue 'mail'" in str(gone)


def test_what_is_held_up_is_explained(queue: Queue, clock: FakeClock) -> None:
    """With the limit that does it, and the time at which it ends, if that is known."""
    queue.lane("acme").limit(max_in_flight=1)
    queue.lane("globex").limit(rate="1/m")
    queue.enqueue_many([("acme", 1), ("acme", 2), ("globex", 3), ("globex", 4), ("initech", 5)])
    queue.lane("initech").pause()
    queue.claim_many(9)

    assert "The lane is at its cap of 1 leased job." in str(queue.explain(lane="acme"))
    until = queue.explain(lane="globex")
    assert "The lane is at its rate of 1 in 60 s until 2001-09-09 01:47:40 UTC." in str(until)
    assert until.blocked_until == clock() + 60
    assert "The lane is paused." in str(queue.explain(lane="initech"))
    assert [queue.explain(lane=key).state for key in ("acme", "globex", "initech")] == ["blocked"] * 3
    queue.pause()
    assert str(queue.explain(lane="acme")).endswith("The whole queue is paused.")


def test_an_explanation_is_json(queue: Queue) -> None:
    """All of it, with what is limited."""
    queue.lane("acme").limit(rate="1/m", max_in_flight=3)
    job = queue.enqueue("acme", {"any": "payload"})

    explained = json.loads(json.dumps(queue.explain(job.id).as_dict()))
    assert explained["runs_next"] is True
    assert explained["limits"] == {"rate": {"jobs": 1, "per": 60.0, "burst": 1}, "max_in_flight": 3}
    lease = queue.claim()
    assert lease is not None
    lease.bury("no such task")
    assert json.loads(json.dumps(queue.explain(job.id).as_dict()))["death"]["reason"] == "no such task"


def test_it_is_one_thing_that_is_explained(queue: Queue) -> None:
    """A job or a lane, not both and not neither."""
    for call in (queue.explain, lambda: queue.explain("1", lane="acme")):
        with pytest.raises(InvalidJob, match="one job"):
            call()


async def test_an_awaited_queue_is_limited_and_explained(backend: Backend) -> None:
    """With the same words."""
    async with AsyncQueue("mail", backend=backend) as queue:
        lane = queue.lane("acme")
        await lane.limit(max_pending=2)
        await queue.enqueue_many([("acme", 1), ("acme", 2)])
        await lane.pause()
        await queue.pause()

        assert (await lane.limits).max_pending == 2
        assert "paused" in str(await queue.explain(lane="acme"))
        await queue.resume()
        await lane.resume()
        assert await queue.limits() == NONE
        assert (await queue.explain(lane="acme")).runs_next
        ids = [stored.job.id async for stored in queue.jobs()]
        assert await queue.cancel(ids[0])
        assert await lane.purge() == 1
        assert await queue.purge() == 0
