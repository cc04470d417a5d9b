"""Redis that Sentinels watch: a real primary, a real replica, a real fail-over."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

import pytest
import redis

from ranch import AsyncQueue, LeaseLost, Queue
from ranch.backends.redis import RedisBackend
from ranch.exceptions import BackendUnavailable
from ranch.testing.topologies import WatchedServers
from ranch.testing.waiting import wait_until


@pytest.fixture
def watched(redis_binary):
    """A primary with a replica and a Sentinel, as new."""
    with WatchedServers(redis_binary) as servers:
        yield servers


def test_a_fail_over_in_the_middle_of_work(watched):
    """The primary is killed: calls wait or fail until the replica has taken over, and then go on there."""
    backend = RedisBackend(watched.url, retries=100)
    with Queue("q", backend=backend) as queue:
        jobs = [queue.enqueue("a", number).id for number in range(20)]

        watched.lose_primary()
        impatient = Queue("q", backend=RedisBackend(watched.url, retries=0))
        with pytest.raises(BackendUnavailable):
            impatient.stats()
        watched.let_replica_take_over()
        later = queue.enqueue("a", 20)  # tries until there is a primary again
        watched.wait_for_failover()

        leases = queue.claim_many(100)
        queue.ack(leases)

        assert {lease.job.id for lease in leases} == {*jobs, later.id}
        assert impatient.stats().acked == len(leases)
        impatient.close()


def test_a_planned_fail_over(watched):
    """Both servers stay up and change roles: nobody stays with the one that has become the replica."""
    done, stop = [], threading.Event()

    def work():
        with Queue("q", backend=RedisBackend(watched.url, retries=100)) as queue:
            while not stop.is_set():
                queue.enqueue("a", 1)
                # What the old primary has accepted since the other one is there is lost with it.
                with suppress(LeaseLost):
                    if lease := queue.claim(wait=1.0):
                        lease.ack()
                        done.append(1)

    worker = threading.Thread(target=work)
    worker.start()
    wait_until(lambda: len(done) > 10)
    watched.fail_over()
    soon = len(done) + 20
    wait_until(lambda: len(done) > soon)
    stop.set()
    worker.join(30.0)

    assert not worker.is_alive()
    with redis.Redis.from_url(watched.replica.url) as client:
        assert int(client.hget("{ranch:q}:meta", "acked")) > 0


async def test_a_fail_over_when_awaited(watched):
    """The same with the clients of asyncio."""
    async with AsyncQueue("q", backend=RedisBackend(watched.url, retries=100)) as queue:
        await queue.enqueue("a", 1)
        await asyncio.to_thread(watched.primary.kill)
        await asyncio.to_thread(watched.let_replica_take_over)
        await queue.enqueue("a", 2)
        await asyncio.to_thread(watched.wait_for_failover)

        # Replication does not wait, so the first may be lost with the server, which is said in the documentation.
        assert (await queue.claim_many(2))[-1].job.payload == 2


def test_sentinels_that_are_away(redis_binary):
    """Who cannot be asked cannot tell where the primary is."""
    queue = Queue("q", backend=RedisBackend("redis+sentinel://127.0.0.1:1,127.0.0.1:2/mymaster", retries=0))

    with pytest.raises(BackendUnavailable, match="mymaster"):
        queue.stats()
    queue.close()
