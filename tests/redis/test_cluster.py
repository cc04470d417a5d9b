"""A real cluster of three nodes."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest
import redis

from ranch import AsyncQueue, LeaseLost, Queue
from ranch.backends.redis import RedisBackend
from ranch.backends.redis.keys import Keys
from ranch.backends.redis.scripts import LUA, load
from ranch.backends.redis.twins import Twin
from ranch.exceptions import BackendError, BackendUnavailable
from ranch.strategies import WeightedLRU
from ranch.testing.server import ServerFailed
from ranch.testing.topologies import ClusterServers
from ranch.testing.waiting import wait_until


@pytest.fixture(scope="module")
def servers(redis_binary):
    """A cluster for the tests of this module."""
    with ExitStack() as stack:
        try:
            servers = stack.enter_context(ClusterServers(redis_binary))
        except ServerFailed as exc:
            if "cluster-port" not in str(exc):
                raise
            pytest.skip("before Redis 7 a cluster cannot be put on any free ports")
        yield servers


@pytest.fixture
def cluster(servers):
    """An empty cluster."""
    servers.empty()
    return servers


def test_every_operation(cluster):
    """All that a queue can do is done, on a server that refuses keys of other nodes."""
    with Queue("q", backend=cluster.url, lease=600.0) as queue:
        queue.enqueue_many([("a", 1), ("b", 2)])
        queue.enqueue("a", 3, delay=0.001)
        queue.lane("a").update(weight=2.0, tags={"plan": "free"})
        first, second = queue.claim_many(2)
        first.ack()
        second.release(delay=0.001)
        wait_until(lambda: queue.reclaim() or queue.stats().pending == 2)
        lease = queue.claim()
        queue.renew([lease])
        queue.set_strategy("round-robin")
        assert queue.claim(wait=5.0)
        assert queue.claim(wait=0.1) is None
        assert [lane.key for lane in queue.lanes(tag=("plan", "free"))] == ["a"]
        assert queue.read_strategy().name == "round-robin"

        assert (queue.stats().leased, queue.stats().acked) == (2, 1)


async def test_a_result_is_waited_for(cluster):
    """Blocking and awaited, on whichever node its queue lies."""
    with ThreadPoolExecutor() as pool:
        for name in (f"queue-{number}" for number in range(6)):
            async with AsyncQueue(name, backend=cluster.url) as queue:
                job = await queue.enqueue("a", 1, result_ttl=60)
                awaited = asyncio.ensure_future(queue.result(job.id, 30.0))
                with Queue(name, backend=cluster.url) as other:
                    waited = pool.submit(other.result, job.id, 30.0)
                    lease = await queue.claim()
                    await lease.ack(name)

                    assert [await awaited, waited.result(30.0)] == [name, name]


async def test_every_node_gets_the_scripts(cluster):
    """Queues lie on different nodes, none of which has seen the scripts; one client serves them, awaited too."""
    for client in cluster.clients:
        client.script_flush()
    names = [f"queue-{number}" for number in range(12)]
    assert {cluster.owner(Keys("ranch:", name).meta) for name in names} == {0, 1, 2}
    backend = RedisBackend(cluster.url)

    for name in names:
        Queue(name, backend=backend).enqueue("a", name)
    for name in names:
        lease = await AsyncQueue(name, backend=backend).claim()
        assert lease.job.payload == name
        await lease.ack()

    await backend.aclose()


def test_a_slot_that_moves_while_its_queue_is_used(cluster):
    """Calls wait while the queue is on the move, and go on with the other node; no job is lost or done twice."""
    tag = Keys("ranch:", "q").tag
    ids, done, stop = [], [], threading.Event()

    def work(part):
        with Queue("q", backend=RedisBackend(cluster.url, retries=50), lease=600.0) as queue:
            number = 0
            while not stop.is_set():
                ids.append(queue.enqueue(f"lane {part} {number % 20}", number).id)
                number += 1
                if number % 3 == 0:
                    for lease in queue.claim_many(3):
                        done.append(lease.job.id)
                        with suppress(LeaseLost):
                            lease.ack()
                queue.lane(f"lane {part} {number % 20}").update(weight=2.0)

    with ThreadPoolExecutor(2) as pool:
        workers = [pool.submit(work, part) for part in range(2)]
        try:
            for _ in range(2):
                soon = len(ids) + 100
                wait_until(lambda soon=soon: len(ids) > soon)
                to = (cluster.owner(tag) + 1) % 3
                for _ in cluster.move(tag, to):
                    pass
            soon = len(ids) + 100
            wait_until(lambda: len(ids) > soon)
        finally:
            stop.set()
        for worker in workers:
            worker.result(60.0)

    with Queue("q", backend=cluster.url) as queue:
        done += [lease.job.id for lease in queue.claim_many(10_000)]
        stats = queue.stats()
    assert cluster.owner(tag) == to
    assert sorted(done) == sorted(set(done)) == sorted(ids)
    assert stats.pending == 0
    assert stats.enqueued == len(ids)


def test_a_queue_on_the_move_is_never_seen_by_halves(cluster):
    """Half of the keys here and half there, a call is done in full or not at all."""
    tag = Keys("ranch:", "q").tag
    with Queue("q", backend=RedisBackend(cluster.url, retries=0), lease=600.0) as queue:
        queue.enqueue_many([(f"lane {number}", number) for number in range(4)])
        queue.enqueue("lane 0", "later", delay=60.0)
        held, refused = queue.claim(), []
        stats, lanes = queue.stats(), queue.lanes()
        moves = cluster.move(tag, (cluster.owner(tag) + 1) % 3)
        for _ in range(4):
            next(moves)
        for look, before in ((queue.stats, stats), (queue.lanes, lanes), (queue.read_strategy, None)):
            try:
                assert look() == before or before is None
            except BackendUnavailable as exc:
                refused.append(str(exc))
        for _ in moves:
            pass
        held.ack()

        assert len(refused) >= 2
        assert queue.stats().acked == 1


def test_scripts_that_use_keys_of_lanes_name_two_keys(cluster):
    """So a node that has only some of a queue's keys refuses them; a script with one key it would run without the rest.

    The prefixes among the declared keys are no keys of their own, so they are always missing, and that is the point.
    """
    for file in LUA.iterdir():
        if file.name.endswith(".lua"):
            keys = load(file.name.removesuffix(".lua"), Twin.of(WeightedLRU())).keys
            assert len(keys) >= 2 or not any(key.endswith("prefix") for key in keys), file.name


def test_a_client_for_one_server_is_told_that_it_met_a_cluster(cluster, refusals):
    """With the URL that it should have, at once."""
    cluster.clients[0].config_resetstat()
    name = next(f"q{n}" for n in range(50) if cluster.owner(Keys("ranch:", f"q{n}").tag) != 0)

    queue = Queue(name, backend=cluster.nodes[0].tcp_url)
    with queue, pytest.raises(BackendError, match=r"use redis\+cluster://"):
        queue.enqueue("a", 1)
    assert refusals(cluster.clients[0]) == 1


def test_a_cluster_client_made_elsewhere(cluster):
    """It may be given as well."""
    host, port = "127.0.0.1", cluster.nodes[2].port
    with redis.RedisCluster(host=host, port=port) as client:
        queue = Queue("q", backend=RedisBackend.from_client(client))

        assert queue.enqueue("a", 1).lane == "a"


def test_a_cluster_that_is_away(redis_binary):
    """Like any server that is."""
    queue = Queue("q", backend=RedisBackend("redis+cluster://127.0.0.1:1", retries=0))

    with pytest.raises(BackendUnavailable, match="cannot be reached"):
        queue.stats()


def test_a_node_that_is_gone_and_comes_back(cluster):
    """Its queues are away, and are found again when it is back."""
    number = cluster.owner(Keys("ranch:", "q").tag)
    with Queue("q", backend=RedisBackend(cluster.url, retries=2)) as queue:
        queue.enqueue("a", 1)
        cluster.nodes[number].kill()
        with pytest.raises(BackendUnavailable):
            queue.enqueue("a", 2)
        cluster.nodes[number].start()

        patient = Queue("q", backend=RedisBackend(cluster.url, retries=30))
        patient.enqueue("a", 3)
        assert [lease.job.payload for lease in queue.claim_many(5)][-1] == 3
        patient.close()


def test_a_replica_takes_over_from_a_node_that_is_lost(redis_binary):
    """Its queues are away until then, and go on with what was replicated."""
    with ClusterServers(redis_binary) as own:
        number = own.owner(Keys("ranch:", "q").tag)
        replica = own.add_replica(number)
        with Queue("q", backend=RedisBackend(own.url, retries=100)) as queue:
            queue.enqueue("a", 1)
            own.lose(number, replica)
            with pytest.raises(BackendUnavailable), Queue("q", backend=RedisBackend(own.url, retries=0)) as impatient:
                impatient.stats()
            own.let_replica_take_over(number)

            queue.enqueue("a", 2)

            assert [lease.job.payload for lease in queue.claim_many(5)] == [1, 2]
            with redis.Redis.from_url(replica.url) as client:
                assert client.info("replication")["role"] == "master"
