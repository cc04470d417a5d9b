"""How jobs have ended, and with what result."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import pytest

from ranch.answers import Outcome
from ranch.aqueue import AsyncQueue
from ranch.exceptions import (
    JobCancelled,
    JobExpired,
    JobFailed,
    ResultNotReady,
    ResultUnknown,
    SerializationError,
)
from ranch.letters import WORKER_LOST, Death
from ranch.policy import Policy
from ranch.queue import Queue
from ranch.retry import Retry
from ranch.testing.backend.case import BackendCase, DrivenLanes
from ranch.testing.backend.limits import limit
from ranch.testing.clock import FakeClock
from ranch.typing import Backend

#: Long, for a store may go by its own time to remove what is kept.
TTL: Final = 600.0
RESULT: Final = Outcome(how="done", body=b"\0\xff\0", content_type="text/plain")
FAILED: Final = Death(error="ValueError: ü", traceback="Traceback …")


def _ack(lanes: DrivenLanes, result: Outcome = RESULT, limit: int = 1) -> None:
    leases = lanes.take(limit)
    assert lanes.ack(leases, {lease.token: result for lease in leases}) == []


def _expire(lanes: DrivenLanes, clock: FakeClock) -> None:
    clock.advance(5.0)
    assert lanes.take() == []


def _bury(lanes: DrivenLanes, job_id: str) -> None:
    assert lanes.bury(lanes.take(), FAILED) == []


#: How a job that nobody has leased may end, and what is told of it then.
_ENDS: Final[dict[str, tuple[Callable[[DrivenLanes, str, FakeClock], Any], Outcome]]] = {
    "done": (lambda lanes, _, __: _ack(lanes), RESULT),
    "dead": (lambda lanes, job_id, _: _bury(lanes, job_id), Outcome(how="dead", death=FAILED)),
    "cancelled": (lambda lanes, job_id, _: lanes.cancel([job_id]), Outcome(how="cancelled")),
    "expired": (lambda lanes, _, clock: _expire(lanes, clock), Outcome(how="expired")),
}


class Results(BackendCase):
    """How a job has ended is kept in the step in which it ends, for as long as the job says."""

    @pytest.mark.parametrize("how", _ENDS)
    def test_it_is_kept_how_a_job_ends(self, lanes: DrivenLanes, clock: FakeClock, how: str) -> None:
        """For its `result_ttl`, to the millisecond; a dead one's letter tells it as long as it is there."""
        end, told = _ENDS[how]
        (job_id,) = lanes.put("a", "1", result_ttl=TTL, expires=5.0)
        assert lanes.outcome(job_id) == Outcome(how="open")
        end(lanes, job_id, clock)

        assert lanes.outcome(job_id) == told
        clock.advance(TTL - 0.001)
        assert lanes.outcome(job_id) == told
        clock.advance(0.001)
        assert lanes.outcome(job_id) == (told if how == "dead" else None)

    @pytest.mark.parametrize("how", _ENDS)
    def test_nothing_is_kept_of_who_does_not_ask(self, lanes: DrivenLanes, clock: FakeClock, how: str) -> None:
        """Of a job without a `result_ttl`: not even the result that comes with its ack."""
        end, told = _ENDS[how]
        (job_id,) = lanes.put("a", "1", expires=5.0)
        assert lanes.outcome(job_id) == Outcome(how="open", kept=False)

        end(lanes, job_id, clock)

        assert lanes.outcome(job_id) == (told if how == "dead" else None)

    def test_a_job_is_dropped(self, lanes: DrivenLanes) -> None:
        """To make room for another one, and that is kept too."""
        limit(lanes, "a", max_pending=1, overflow="drop-oldest")
        (job_id,) = lanes.put("a", "1", result_ttl=TTL)

        lanes.put("a", "2")

        assert lanes.outcome(job_id) == Outcome(how="dropped")

    def test_a_job_is_given_up_with_its_worker(self, backend: Backend, clock: FakeClock) -> None:
        """One whose leases have expired too often is dead, and whoever waits is told."""
        lanes = DrivenLanes(backend, policy=Policy(max_reclaims=1))
        (job_id,) = lanes.put("a", "1", result_ttl=TTL)
        for _ in range(2):
            lanes.lose(clock)
        lanes.take()

        assert lanes.outcome(job_id) == Outcome(how="dead", death=WORKER_LOST)

    def test_a_lost_lease_leaves_no_result(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """What somebody says who is not the owner any more counts for nothing; the owner's counts."""
        (job_id,) = lanes.put("a", "1", result_ttl=TTL)
        (old,) = lanes.take(1, lease=1.0)
        clock.advance(1.0)
        (new,) = lanes.take(1)

        assert lanes.ack([old], {old.token: RESULT}) == [old]

        assert lanes.outcome(job_id) == Outcome(how="open")
        assert lanes.ack([new], {new.token: Outcome(how="done")}) == []
        assert lanes.outcome(job_id) == Outcome(how="done")

    def test_a_revived_job_is_open_again(self, lanes: DrivenLanes) -> None:
        """And when it is done at last, its result is kept as long as it was to be."""
        (job_id,) = lanes.put("a", "1", result_ttl=TTL)
        _bury(lanes, job_id)

        lanes.revive([job_id])

        assert lanes.outcome(job_id) == Outcome(how="open")
        _ack(lanes)
        assert lanes.outcome(job_id) == RESULT

    def test_each_result_is_its_own_jobs(self, lanes: DrivenLanes) -> None:
        """In one ack of many, some with a result, and some without."""
        ids = lanes.put("a", *map(str, range(250)), result_ttl=TTL)
        leases = lanes.take(250)
        results = {lease.token: Outcome(how="done", body=lease.job.body, content_type="t") for lease in leases[::2]}

        assert lanes.ack(leases, results) == []

        outcomes = [lanes.outcome(job_id) for job_id in ids]
        assert [outcome and outcome.body for outcome in outcomes[::2]] == [str(n).encode() for n in range(0, 250, 2)]
        assert outcomes[1::2] == [None] * 125

    def test_the_ttl_goes_along(self, queue: Queue, clock: FakeClock) -> None:
        """It is the job's own wherever that is read: leased, delayed, dead, as another one's twin, and on schedule."""
        stored = queue.enqueue("a", 1, result_ttl=2.5, dedup_key="k", delay=1.0)
        twin = queue.enqueue("a", 1, dedup_key="k")
        queue.schedule("* * * * *", 1, name="beat", lane="a", result_ttl=2.5)
        clock.advance(60.0)
        first, second = queue.claim(), queue.claim()
        assert first
        assert second

        assert [job.result_ttl for job in (stored, twin, first.job, second.job)] == [2.5] * 4
        queue.bury([first], "no good")
        assert [letter.job.result_ttl for letter in queue.dead.list()] == [2.5]

    @pytest.mark.parametrize(("given", "kept"), [(None, None), (0, None), (0.25, 0.25)])
    def test_no_time_is_not_at_all(self, queue: Queue, given: float | None, kept: float | None) -> None:
        """A `result_ttl` of 0 is none."""
        assert queue.enqueue("a", 1, result_ttl=given).result_ttl == kept

    def test_a_queue_tells_the_result(self, queue: Queue, clock: FakeClock) -> None:
        """As the payload was written; and in its own error for whatever else has become of the job."""
        ids = [queue.enqueue("a", n, result_ttl=TTL, expires=50.0, cost=1.0).id for n in range(6)]
        done, empty, odd, dead, gone, late = ids
        leases = queue.claim_many(4)
        leases[0].ack({"ü": [1, None]})
        leases[1].ack()
        leases[2].ack(object())
        leases[3].fail(ValueError("no such user"), retry=Retry.never())
        queue.cancel(gone)
        clock.advance(50.0)
        queue.reclaim()

        assert queue.result(done) == queue.result(done) == {"ü": [1, None]}
        assert queue.result(empty, 0) is None
        with pytest.raises(SerializationError, match=f"job {odd} is done, but its result could not be kept: .*object"):
            queue.result(odd)
        with pytest.raises(JobFailed, match=f"job {dead}: failed: ValueError: no such user") as failed:
            queue.result(dead)
        assert failed.value.traceback.endswith("ValueError: no such user\n")
        with pytest.raises(JobCancelled, match=f"job {gone} was cancelled before it ran"):
            queue.result(gone)
        with pytest.raises(JobExpired, match=f"job {late} has expired"):
            queue.result(late)
        with pytest.raises(ResultUnknown, match="enqueued without a result_ttl"):
            queue.result(queue.enqueue("a", 1).id)
        with pytest.raises(ResultUnknown, match="there is no such job, or it ended longer ago"):
            queue.result("00000000000")

    def test_who_waits_too_short_is_told(self, queue: Queue) -> None:
        """A result that is not there in time is none yet, and may be there later."""
        job = queue.enqueue("a", 1, result_ttl=TTL)

        for timeout in (0, 0.01):
            with pytest.raises(ResultNotReady, match="has not ended within"):
                queue.result(job.id, timeout)

    @pytest.mark.parametrize("how", ["done", "dead", "cancelled"])
    def test_who_waits_is_woken(self, queue: Queue, how: str) -> None:
        """All who wait, and long before they would give up."""
        job_id = queue.enqueue("a", 1, result_ttl=TTL).id
        told: list[object] = []

        def wait() -> None:
            try:
                told.append(queue.result(job_id, 60.0))
            except Exception as exc:  # noqa: BLE001 - which is what is asked for
                told.append(type(exc))

        waiting = [threading.Thread(target=wait) for _ in range(3)]
        for thread in waiting:
            thread.start()
        began = time.monotonic()
        if how == "cancelled":
            queue.cancel(job_id)
        elif lease := queue.claim():
            lease.ack(7) if how == "done" else lease.bury("no good")
        for thread in waiting:
            thread.join(60.0)

        expected: object = {"done": 7, "dead": JobFailed, "cancelled": JobCancelled}[how]
        assert told == [expected] * 3
        assert time.monotonic() - began < 30

    def test_many_await_results(self, backend: Backend) -> None:
        """In one event loop that goes on meanwhile."""

        async def run() -> list[object]:
            queue = AsyncQueue("mail", backend=backend)
            jobs = await queue.enqueue_many([("a", n) for n in range(20)], result_ttl=TTL)
            waiting = [asyncio.ensure_future(queue.result(job.id, 60.0)) for job in jobs]
            await asyncio.sleep(0)
            for lease in await queue.claim_many(20):
                await lease.ack(lease.job.payload)
            try:
                return list(await asyncio.gather(*waiting))
            finally:
                await queue.close()

        assert asyncio.run(run()) == list(range(20))
