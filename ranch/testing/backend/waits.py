"""How a claim waits, and how others share a backend meanwhile: threads, and an event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ranch.aqueue import AsyncQueue
from ranch.choice import StrategyChoice
from ranch.exceptions import LeaseLost
from ranch.queue import Queue
from ranch.steps import drive
from ranch.strategies import WeightedLRU
from ranch.testing.backend.case import BackendCase
from ranch.typing import Backend


class Waits(BackendCase):
    """Waiting, and sharing."""

    def test_a_waiting_claim_gets_a_job_that_comes(self, queue: Queue) -> None:
        """A claim that waits returns as soon as somebody enqueues, long before its time is up."""
        timer = threading.Timer(0.05, queue.enqueue, ("acme", "hello"))
        timer.start()
        started = time.monotonic()

        lease = queue.claim(wait=30)

        assert lease is not None
        assert lease.job.payload == "hello"
        assert time.monotonic() - started < 15
        timer.join()

    def test_a_waiting_claim_gives_up_in_time(self, queue: Queue) -> None:
        """Without a job it returns None when the time is up, not before."""
        started = time.monotonic()

        assert queue.claim(wait=0.2) is None
        assert time.monotonic() - started >= 0.2

    def test_an_empty_claim_tells_what_there_is_to_wait_for(self, queue: Queue, backend: Backend) -> None:
        """The seconds until a delayed job falls due or a lease expires, whichever comes first; None for neither."""
        lanes = backend.lanes("mail", WeightedLRU(), StrategyChoice("weighted-lru"))
        assert drive(backend, lanes.claim(1, 30.0, "me")).idle_for is None

        queue.enqueue("acme", "later", delay=12.5)
        assert drive(backend, lanes.claim(1, 30.0, "me")).idle_for == 12.5

        queue.enqueue("acme", "now")
        queue.claim(lease=7.25)
        assert drive(backend, lanes.claim(1, 30.0, "me")).idle_for == 7.25

    def test_a_change_after_the_claim_ends_the_wait(self, queue: Queue, backend: Backend) -> None:
        """No wake-up is lost: what came between an empty claim and the wait ends the wait at once."""
        lanes = backend.lanes("mail", WeightedLRU(), StrategyChoice("weighted-lru"))
        claim = drive(backend, lanes.claim(1, 30.0, "me"))
        queue.enqueue("acme", "hello")
        started = time.monotonic()

        drive(backend, lanes.wait(30.0, claim.tick))

        assert time.monotonic() - started < 15

    def test_threads_share_a_backend(self, queue: Queue) -> None:
        """Four threads that enqueue and claim at once lose nothing and run nothing twice."""

        def work(thread: int) -> list[tuple[int, int]]:
            ran: list[tuple[int, int]] = []
            for number in range(50):
                queue.enqueue(f"lane{number % 5}", (thread, number))
                for lease in queue.claim_many(2):
                    ran.append((lease.job.payload[0], lease.job.payload[1]))
                    lease.ack()
            return ran

        with ThreadPoolExecutor(4) as threads:
            ran = [payload for payloads in threads.map(work, range(4)) for payload in payloads]
        ran += [(lease.job.payload[0], lease.job.payload[1]) for lease in queue.claim_many(200)]

        assert sorted(ran) == [(thread, number) for thread in range(4) for number in range(50)]

    def test_who_awaits_a_job_keeps_nobody_out(self, backend: Backend) -> None:
        """However many do so: others are answered meanwhile, though the event loop has two threads."""
        asyncio.run(self._await_in_numbers(backend))

    async def _await_in_numbers(self, backend: Backend) -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
        async with AsyncQueue("mail", backend=backend) as queue:
            waiting = [asyncio.create_task(queue.claim(wait=60.0)) for _ in range(50)]
            started = time.monotonic()
            for _ in range(20):
                await queue.stats()
            await queue.enqueue_many([("acme", number) for number in range(50)])
            leases = await asyncio.wait_for(asyncio.gather(*waiting), 50.0)

            assert time.monotonic() - started < 50.0
            assert sorted(lease.job.payload for lease in leases if lease) == list(range(50))

    def test_operations_can_be_awaited(self, backend: Backend) -> None:
        """Each does the same in an event loop."""
        asyncio.run(self._await_each(backend))

    async def _await_each(self, backend: Backend) -> None:
        queue = AsyncQueue("mail", backend=backend, lease=30.0)
        async with queue:
            job = await queue.enqueue("acme", {"n": 0})
            await queue.enqueue_many([("acme", {"n": 1}), ("globex", {"n": 2})], priority=4)
            lane = queue.lane("acme")
            await lane.update(weight=0.5, tags={"tier": "gold"}, data={"bid": 3})

            leases = await queue.claim_many(3)
            assert {lease.job.payload["n"] for lease in leases} == {0, 1, 2}
            assert job.id in {lease.job.id for lease in leases}
            renewed = await leases[0].renew(60)
            assert renewed.deadline > leases[0].deadline
            await leases[0].ack()
            with pytest.raises(LeaseLost):
                await leases[0].ack()
            await leases[1].release()
            await queue.release([leases[2]], delay=5)
            assert await queue.claim(wait=0.01) is not None
            assert await queue.claim() is None
            assert await queue.reclaim() == 0

            assert (await lane.read()).tags == {"tier": "gold"}
            assert (await lane.stats).enqueued == 2
            assert [lane.key for lane in await queue.lanes(tag=("tier", "gold"))] == ["acme"]
            assert (await queue.stats()).acked == 1
