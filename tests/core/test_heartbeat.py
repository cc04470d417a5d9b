"""Leases are kept alive by a thread that nothing else can hold up."""

from __future__ import annotations

import asyncio
import itertools
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from ranch import AsyncQueue, BackendUnavailable, LeaseLost, Queue
from ranch.backends.guard import GuardedBackend
from ranch.backends.redis import RedisBackend
from ranch.breaker import Breaker
from ranch.model import Lease
from ranch.testing import FakeClock
from ranch.testing.forking import Child
from ranch.testing.openers import Opener, opener
from ranch.testing.server import RedisServer
from ranch.testing.waiting import wait_until

#: Seconds, of the clock that a test moves: no machine is too busy for them. Beats go by the clock of the process.
LEASE = 0.6


@pytest.fixture(params=["sqlite", "redis"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """How a store is opened that processes can share."""
    return opener(request.param, request, tmp_path)


@pytest.fixture
def clock() -> FakeClock:
    """The time of the store."""
    return FakeClock()


@pytest.fixture
def queue(opened: Opener, clock: FakeClock) -> Iterator[Queue]:
    """A queue with one job."""
    with Queue("mail", backend=opened(clock), lease=LEASE) as queue:
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


def outlast(queue: Queue, clock: FakeClock, *leases: Lease, step: float = LEASE / 2) -> float:
    """Compute until time has passed four times, and leases were renewed each time.

    Returns the shortest time between two renewals, by the clock of the process.
    """
    at = []
    for _ in range(4):
        clock.advance(step)
        renewed = pytest.approx(clock() + LEASE, rel=0, abs=0.0005)
        while any(queue.explain(lease.job.id).at != renewed for lease in leases):
            sum(range(100_000))
        at.append(time.monotonic())
    return min(later - earlier for earlier, later in itertools.pairwise(at))


def test_a_lease_is_kept_while_the_job_runs(queue: Queue, clock: FakeClock) -> None:
    """For longer than it lasts, and no longer than the block; each renewal comes well before its end."""
    lease = claimed(queue)
    with lease.keep_alive():
        assert outlast(queue, clock, lease) < LEASE / 2
        assert queue.claim() is None
    clock.advance(LEASE)

    assert claimed(queue).job.id == lease.job.id


def test_a_short_lease_is_renewed_for_as_long_as_it_was_claimed_for(queue: Queue, clock: FakeClock) -> None:
    """Not for the queue's lease time, the first beat of which came too late."""
    with Queue("mail", backend=queue.backend, lease=3600) as patient:
        lease = patient.claim(lease=LEASE)
        assert lease is not None
        with lease.keep_alive():
            outlast(queue, clock, lease)
            assert queue.claim() is None
        clock.advance(LEASE)
        assert queue.claim() is not None


def test_an_event_loop_that_is_busy_loses_no_lease(queue: Queue, clock: FakeClock) -> None:
    """A coroutine that computes holds up everything but the heartbeat."""

    async def run() -> int:
        async with AsyncQueue("mail", backend=queue.backend, lease=LEASE) as awaited:
            lease = await awaited.claim()
            assert lease is not None
            with lease.keep_alive():
                outlast(queue, clock, lease)
            await lease.ack()
            return (await awaited.stats()).acked

    assert asyncio.run(run()) == 1
    assert beats() == []


def test_many_leases_share_a_thread(queue: Queue, clock: FakeClock) -> None:
    """It ends with the heartbeat, and with it every renewal."""
    queue.enqueue_many([("acme", n) for n in range(9)])
    leases = queue.claim_many(10)
    with queue.heartbeat() as heartbeat:
        heartbeat.add(leases)
        assert (len(heartbeat), len(beats())) == (10, 1)
        outlast(queue, clock, *leases)
        assert queue.claim() is None
        heartbeat.remove(leases[:1])
        queue.ack(leases[:1])
        assert len(heartbeat) == 9
    assert beats() == []
    clock.advance(LEASE)
    assert queue.reclaim() == 9


def test_a_heartbeat_can_be_started_again(queue: Queue, clock: FakeClock) -> None:
    """After it was stopped, by its next lease."""
    heartbeat = queue.heartbeat()
    heartbeat.stop()
    lease = claimed(queue)
    heartbeat.add([lease])
    outlast(queue, clock, lease)
    assert queue.claim() is None
    heartbeat.stop()
    heartbeat.stop()

    assert beats() == []


def test_a_lost_lease_is_told_of_once(queue: Queue, clock: FakeClock) -> None:
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
        outlast(queue, clock, kept)
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


def test_a_store_that_was_away_finds_its_leases_kept(
    redis_binary: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried until it is back, and then goes on as before."""
    options = ["--appendonly", "yes", "--appendfsync", "always"]
    with RedisServer(redis_binary, options) as server:
        backend = RedisBackend(server.url, clock=clock)
        queue = Queue("mail", backend=GuardedBackend(backend, Breaker(seconds=0.5)), lease=LEASE)
        queue.enqueue("acme", 1)
        lease = claimed(queue)
        with lease.keep_alive():
            server.kill()
            wait_until(lambda: "could not renew 1 leases" in caplog.text)
            server.start()
            wait_until(lambda: is_there(queue))
            outlast(queue, clock, lease)
            assert queue.claim() is None
        lease.ack()
        queue.close()


def is_there(queue: Queue) -> bool:
    """Whether the store answers."""
    with suppress(BackendUnavailable):
        return queue.stats().leased == 1
    return False


def test_a_forked_child_has_none_of_its_parents_leases(queue: Queue, clock: FakeClock) -> None:
    """And keeps its own alive."""
    heartbeat = queue.heartbeat()
    heartbeat.add([claimed(queue)])

    def keep_one() -> None:
        assert len(heartbeat) == 0
        queue.enqueue("child", 1)
        lease = claimed(queue)
        heartbeat.add([lease])
        outlast(queue, clock, lease, step=0.001)  # its clock is its own: the parent's lease is to last
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
