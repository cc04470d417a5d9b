"""Leases are kept alive by a thread that nothing else can hold up."""

from __future__ import annotations

import asyncio
import itertools
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ranch import AsyncQueue, LeaseLost, Queue
from ranch.model import Lease
from ranch.testing.forking import Child
from ranch.testing.server import RedisServer
from ranch.testing.waiting import wait_until

#: Seconds. Long enough for a busy machine to come round to three beats.
LEASE = 1.5


@pytest.fixture
def queue(shared_url: str) -> Iterator[Queue]:
    """A queue in real time, with one job."""
    with Queue("mail", backend=shared_url, lease=LEASE) as queue:
        queue.enqueue("acme", 1)
        yield queue


def claimed(queue: Queue) -> Lease:
    """Claim the job that there is."""
    taken = queue.claim()
    assert taken is not None
    return taken


def beats() -> list[threading.Thread]:
    """What renews leases in this process."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("ranch-heartbeat")]


def busy_for(seconds: float) -> None:
    """Hold up whoever calls."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        sum(range(1000))


def test_a_lease_is_kept_while_the_job_runs(queue: Queue) -> None:
    """For longer than it lasts, and no longer than the block."""
    lease = queue.claim()
    assert lease is not None
    with lease.keep_alive():
        busy_for(2 * LEASE)
        assert queue.claim() is None
    lease.ack()

    assert queue.stats().acked == 1


def test_a_short_lease_is_renewed_for_as_long_as_it_was_claimed_for(queue: Queue) -> None:
    """Not for the queue's lease time, the first beat of which came too late."""
    with Queue("mail", backend=queue.backend, lease=3600) as patient:
        lease = patient.claim(lease=LEASE)
        assert lease is not None
        with lease.keep_alive():
            busy_for(2 * LEASE)
            assert queue.claim() is None
        wait_until(lambda: queue.claim() is not None)


def test_an_event_loop_that_is_busy_loses_no_lease(shared_url: str) -> None:
    """A coroutine that computes holds up everything but the heartbeat."""

    async def run() -> int:
        async with AsyncQueue("mail", backend=shared_url, lease=LEASE) as queue:
            await queue.enqueue("acme", 1)
            lease = await queue.claim()
            assert lease is not None
            with lease.keep_alive():
                busy_for(2 * LEASE)
            await lease.ack()
            return (await queue.stats()).acked

    assert asyncio.run(run()) == 1
    assert beats() == []


def test_many_leases_share_a_thread(queue: Queue) -> None:
    """It ends with the heartbeat, and with it every renewal."""
    queue.enqueue_many([("acme", n) for n in range(9)])
    leases = queue.claim_many(10)
    with queue.heartbeat() as heartbeat:
        heartbeat.add(leases)
        assert (len(heartbeat), len(beats())) == (10, 1)
        busy_for(2 * LEASE)
        assert queue.claim() is None
        heartbeat.remove(leases[:1])
        queue.ack(leases[:1])
        assert len(heartbeat) == 9
    assert beats() == []
    wait_until(lambda: queue.reclaim() and queue.stats().reclaimed == 9)


def test_a_heartbeat_can_be_started_again(queue: Queue) -> None:
    """After it was stopped, by its next lease."""
    heartbeat = queue.heartbeat()
    heartbeat.stop()
    heartbeat.add([claimed(queue)])
    busy_for(2 * LEASE)
    assert queue.claim() is None
    heartbeat.stop()
    heartbeat.stop()

    assert beats() == []


def test_a_lost_lease_is_told_of_once(queue: Queue) -> None:
    """And is renewed no more; a callback that fails harms nobody."""
    lost: list[str] = []

    def on_lost(lease: Lease) -> None:
        lost.append(lease.job.id)
        raise ValueError("not today")

    queue.enqueue("globex", 2)
    taken, kept = queue.claim_many(2)
    queue.release([taken])  # as if it had been taken back
    with queue.heartbeat(on_lost) as heartbeat:
        heartbeat.add([taken, kept])
        wait_until(lambda: lost)
        busy_for(LEASE)
        assert (lost, len(heartbeat)) == ([taken.job.id], 1)
        kept.ack()


def test_a_lost_lease_is_logged(queue: Queue, caplog: pytest.LogCaptureFixture) -> None:
    """If nobody else wants to know."""
    lease = queue.claim()
    assert lease is not None
    lease.release()
    with lease.keep_alive():
        wait_until(lambda: "was lost" in caplog.text)

    with pytest.raises(LeaseLost):
        lease.ack()


def test_a_store_that_was_away_finds_its_leases_kept(redis_binary: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is tried until it is back, and then goes on as before."""
    options = ["--appendonly", "yes", "--appendfsync", "always"]
    with RedisServer(redis_binary, options) as server, Queue("mail", backend=server.url, lease=2 * LEASE) as queue:
        queue.enqueue("acme", 1)
        lease = queue.claim()
        assert lease is not None
        with lease.keep_alive():
            server.kill()
            wait_until(lambda: "could not renew 1 leases" in caplog.text)
            server.start()
            busy_for(4 * LEASE)
            assert queue.claim() is None
        lease.ack()


def test_a_forked_child_has_none_of_its_parents_leases(queue: Queue) -> None:
    """And keeps its own alive."""
    heartbeat = queue.heartbeat()
    heartbeat.add([claimed(queue)])

    def keep_one() -> None:
        assert len(heartbeat) == 0
        queue.enqueue("child", 1)
        heartbeat.add(queue.claim_many(1))
        busy_for(2 * LEASE)
        assert len(heartbeat) == 1
        stats = queue.stats()
        assert (stats.leased, stats.reclaimed) == (2, 0)

    Child.doing(keep_one).join()
    heartbeat.stop()


def test_leases_come_and_go_from_many_threads() -> None:
    """The thread lives on, whatever is added and removed as it looks for what is due."""
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with Queue("crowd", backend="memory://") as queue, queue.heartbeat() as heartbeat:
            queue.enqueue_many([("acme", number) for number in range(1000)])
            leases = queue.claim_many(1000)
            heartbeat.add(leases, 60)
            (thread,) = (beat for beat in beats() if beat.name.endswith("crowd"))

            def come_and_go(some: list[Lease]) -> None:
                for lease in some:
                    heartbeat.remove([lease])
                    # Each time another one, so that something is due all the time.
                    heartbeat.add([lease], next(lasts))

            lasts = (0.001 + number / 1e6 for number in itertools.count())
            with ThreadPoolExecutor(1) as pool:
                for _ in range(20):
                    pool.submit(come_and_go, leases).result()
                    assert thread.is_alive()
    finally:
        sys.setswitchinterval(switching)
