"""Connections that are cut, silent, slow, or lead nowhere; pools; and answers that are lost on the way."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import redis

from ranch import AsyncQueue, LeaseLost, Queue, QueueFull
from ranch.backends.redis import RedisBackend
from ranch.exceptions import BackendUnavailable, ConfigError
from ranch.hooks import hookimpl
from ranch.hooks.manager import Plugins
from ranch.testing import FakeClock
from ranch.testing.waiting import wait_until


def test_cut_connections_are_made_anew(proxy):
    """Whoever had a connection in hand notices nothing."""
    with Queue("q", backend=proxy.url) as queue:
        queue.enqueue("a", 1)

        for _ in range(3):
            proxy.cut()
            queue.enqueue("a", 1)

        assert queue.stats().pending == 4


async def test_cut_connections_are_made_anew_when_awaited(proxy):
    """The same, awaited."""
    async with AsyncQueue("q", backend=proxy.url) as queue:
        await queue.enqueue("a", 1)

        proxy.cut()
        await queue.enqueue("a", 1)

        assert (await queue.stats()).pending == 2


def test_a_call_waits_for_a_server_that_is_back_soon(proxy):
    """A server that is away for less than a second is bridged by trying again."""
    with Queue("q", backend=RedisBackend(proxy.url, retries=20)) as queue:
        queue.enqueue("a", 1)
        proxy.refuse()
        back = threading.Timer(0.3, proxy.accept)
        back.start()

        queue.enqueue("a", 2)
        back.join()

        assert queue.stats().pending == 2


def test_a_call_is_made_five_times(proxy, monkeypatch):
    """With four pauses, of 1.2 seconds on average and 2.4 at most; silence is borne for five seconds each time."""
    backend = RedisBackend(proxy.url)
    with Queue("q", backend=backend) as queue:
        queue.enqueue("a", 1)
        before = proxy.connections
        proxy.lose_answers(100)

        pauses = []
        monkeypatch.setattr("redis.retry.sleep", pauses.append)
        with pytest.raises(BackendUnavailable):
            queue.stats()

    # The first went over the connection that was open.
    assert proxy.connections - before == len(pauses) == 4
    assert sum(pauses) <= 2.4
    told = backend._connections.client().connection_pool.connection_kwargs
    assert (told["socket_timeout"], told["socket_connect_timeout"], told["health_check_interval"]) == (5.0, 5.0, 30)


def test_a_silent_server_is_given_up_on(proxy):
    """A host that lost its power says nothing: each attempt ends with its time, and then the call does."""
    with Queue("q", backend=RedisBackend(proxy.url, socket_timeout=0.2, retries=1)) as queue:
        wait_until(lambda: is_answered(queue))
        proxy.freeze()

        start = time.monotonic()
        with pytest.raises(BackendUnavailable, match="Timeout"):
            queue.stats()
        took = time.monotonic() - start
        proxy.thaw()

        assert took < 9.0  # as long as it would take with the five seconds that are the default
        wait_until(lambda: is_answered(queue))


def is_answered(queue):
    """Whether a call comes back in time, for which the machine may have too much else to do."""
    with suppress(BackendUnavailable):
        return queue.stats().pending == 0


async def test_a_silent_server_is_given_up_on_when_awaited(proxy):
    """The same, awaited."""
    async with AsyncQueue("q", backend=RedisBackend(proxy.url, socket_timeout=0.2, retries=1)) as queue:
        while not await is_awaited(queue):
            pass
        proxy.freeze()

        with pytest.raises(BackendUnavailable, match=r"[Tt]ime"):
            await queue.stats()
        proxy.thaw()

        while not await is_awaited(queue):
            pass


async def is_awaited(queue):
    """The same as `is_answered`, awaited."""
    with suppress(BackendUnavailable):
        return (await queue.stats()).pending == 0


def test_a_connection_that_went_silent_while_idle_is_found_before_it_is_used(proxy):
    """Nothing that counts is sent on it: one enqueue stays one, although the connection was dead."""
    backend = RedisBackend(proxy.url, socket_timeout=60.0, health_check_interval=1)
    queue = Queue("q", backend=backend)
    queue.enqueue("a", 1)
    connection = backend._connections.client().connection_pool._available_connections[0]
    connection._sock.settimeout(0.3)  # of this one alone: no answer of the server comes too late
    proxy.freeze()  # as a firewall that has forgotten the connection
    # redis-py 5 goes by the clock on the wall.
    now = time.time if connection.next_health_check > 1e9 else time.monotonic
    wait_until(lambda: now() > connection.next_health_check)
    thaw = threading.Timer(0.4, proxy.thaw)
    thaw.start()

    queue.enqueue("a", 2)
    thaw.join()

    assert queue.stats().enqueued == 2
    queue.close()


def test_an_enqueue_that_filled_the_lane_and_lost_its_answer(proxy):
    """Sent again it finds the lane full, with the job in it that it has stored itself."""
    with Queue("q", backend=proxy.url) as queue:
        queue.lane("a").limit(max_pending=2)
        queue.enqueue("a", "first")
        proxy.lose_answers(1)

        with pytest.raises(QueueFull):
            queue.enqueue("a", "second")

        assert [lease.job.payload for lease in queue.claim_many(10)] == ["first", "second"]


def test_a_cancel_that_lost_its_answer(proxy):
    """Sent again it finds no job: the answer is no and nobody is told, though the job is cancelled."""
    told = []

    class Watch:
        @hookimpl
        def ranch_cancelled(self, details):
            told.extend(job.id for job in details.jobs)

    with Queue("q", backend=proxy.url, plugins=Plugins([Watch()])) as queue:
        first, second = queue.enqueue_many([("a", 1), ("a", 2)])
        assert queue.cancel(first.id)  # the server knows the script by now
        proxy.lose_answers(1)

        assert not queue.cancel(second.id)

        assert queue.stats().cancelled == 2
        assert told == [first.id]


def test_a_schedule_whose_removal_lost_its_answer(proxy):
    """Sent again it finds none, and that there was one is said all the same."""
    with Queue("q", backend=proxy.url) as queue:
        queue.schedule(every=60, payload=1, name="beat", lane="a")
        steps = queue._operations.remove_schedule("beat")
        step = steps.send(queue.backend.perform(next(steps)))
        proxy.lose_answers(1)
        # The answer is lost, and it looks again.
        step = steps.send(queue.backend.perform(step))
        with pytest.raises(StopIteration) as end:
            steps.send(queue.backend.perform(step))

        assert end.value.value is True
        assert queue.schedules.list() == []


def test_an_answer_that_is_lost_is_asked_for_again(proxy):
    """The work is done once more: at least once is the promise, for enqueues too."""
    with Queue("q", backend=proxy.url) as queue:
        queue.enqueue("a", "first")
        proxy.lose_answers(1)
        queue.enqueue("a", "second")

        payloads = [lease.job.payload for lease in queue.claim_many(10)]

    assert payloads == ["first", "second", "second"]


def test_an_enqueue_with_a_key_that_lost_its_answer(proxy):
    """Sent again it finds the job that it has stored itself, so there is one, which reads as a duplicate."""
    with Queue("q", backend=proxy.url) as queue:
        queue.enqueue("a", "first")
        proxy.lose_answers(1)

        second = queue.enqueue("a", "second", dedup_key="second")

        assert second.duplicate
        assert [lease.job.payload for lease in queue.claim_many(10)] == ["first", "second"]


def test_a_lost_answer_to_an_ack_reads_as_a_lost_lease(proxy):
    """The job is done with, and its owner, who asked twice, is told that it is no longer theirs."""
    with Queue("q", backend=proxy.url) as queue:
        queue.enqueue_many([("a", 1), ("a", 2)])
        queue.claim().ack()  # the server knows the script by now
        lease = queue.claim()
        proxy.lose_answers(1)

        with pytest.raises(LeaseLost):
            lease.ack()

        assert queue.stats().acked == 2


def test_a_lost_answer_to_a_claim_costs_a_lease(proxy):
    """The job comes back when the lease that nobody knows of has expired."""
    clock = FakeClock()
    with Queue("q", backend=RedisBackend(proxy.url, clock=clock), lease=30.0) as queue:
        queue.enqueue_many([("a", 1), ("a", 2)])
        proxy.lose_answers(1)

        assert queue.claim().job.payload == 2
        assert queue.claim() is None
        clock.advance(30.0)
        again = queue.claim()

    assert (again.job.payload, again.job.reclaims) == (1, 1)


@pytest.mark.parametrize("after", [1, 7, 40])
def test_a_truncated_answer_is_no_answer(proxy, after):
    """Half of it is never taken for the whole."""
    with Queue("q", backend=proxy.url) as queue:
        queue.enqueue_many([("a", "x" * 100)] * 3)
        proxy.lose_answers(1, after=after)

        assert queue.stats().pending == 3


def test_a_slow_network_slows_down_and_no_more(proxy):
    """Answers that come late are the answers to their calls."""
    with Queue("q", backend=proxy.url) as queue:
        queue.enqueue("a", 0)
        proxy.delay = 0.05
        with ThreadPoolExecutor(4) as pool:
            ids = list(pool.map(lambda number: queue.enqueue("a", number).id, range(1, 9)))

        assert len(set(ids)) == 8
        assert queue.stats().pending == 9


def test_a_wait_that_is_cut_goes_on(proxy, redis_url):
    """Whoever waits for a job gets it, although the connection did not last."""
    with Queue("q", backend=proxy.url) as queue, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(queue.claim, wait=60.0)
        with redis.Redis.from_url(redis_url) as client:
            wait_until(lambda: client.info("clients")["blocked_clients"])
        proxy.cut()
        queue.enqueue("a", 1)

        assert waiting.result(60.0).job.payload == 1


def test_a_wait_that_ends_without_a_job_is_no_failure(redis_url):
    """A server that has nothing to say is there."""
    with Queue("q", backend=redis_url) as queue:
        assert queue.claim(wait=0.2) is None


def test_a_host_that_is_not_known(redis_url):
    """A name that leads nowhere is a store that is away."""
    queue = Queue("q", backend=RedisBackend("redis://nowhere.invalid:6379/0", retries=0))

    with pytest.raises(BackendUnavailable, match=r"nowhere\.invalid"):
        queue.stats()


def test_who_finds_the_pool_empty_waits_for_a_connection(proxy):
    """With max_connections there are never more, and nobody is refused for that."""
    with Queue("q", backend=f"{proxy.url}?max_connections=2") as queue:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: queue.enqueue("a", number), range(200)))

        assert proxy.connections <= 2
        assert queue.stats().pending == 200


async def test_who_finds_the_pool_empty_waits_for_a_connection_when_awaited(redis_server, redis_url):
    """The same, awaited."""
    async with AsyncQueue("q", backend=f"{redis_server.tcp_url}?max_connections=2") as queue:
        await asyncio.gather(*(queue.enqueue("a", number) for number in range(100)))

        assert (await queue.stats()).pending == 100


async def test_a_burst_of_coroutines_finds_the_store_there(proxy):
    """However many call at once, over no more connections than a server bears."""
    async with AsyncQueue("q", backend=proxy.url) as queue:
        await asyncio.gather(*(queue.enqueue("a", number) for number in range(500)))

        assert (await queue.stats()).pending == 500
    assert proxy.connections <= 105


def test_as_many_threads_may_wait_as_there_are(redis_url):
    """Each has a connection of its own, and none is refused one."""
    with Queue("q", backend=redis_url) as queue, ThreadPoolExecutor(150) as pool:
        waits = [pool.submit(queue.claim, wait=60.0) for _ in range(150)]
        with redis.Redis.from_url(redis_url) as client:
            wait_until(lambda: client.info("clients")["blocked_clients"] == 150)
        queue.enqueue_many([("a", number) for number in range(150)])

        assert sorted(wait.result(60.0).job.payload for wait in waits) == list(range(150))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis+sentinel://host:26379", "expected redis"),
        ("redis+sentinel://:26379/service", "no host"),
        ("redis+cluster://host:6379/3", "database 0"),
        ("redis+what://host:6379/3", "expected redis"),
        ("redis://host:6379/0?ssl_ca_certs=/ca.pem", "write rediss"),
        ("redis://host:6379/0?wheels=4", "wheels"),
        ("redis+cluster://host:6379/0?wheels=4", "wheels"),
        ("redis://host:6379/0?socket_timeout=soon", "socket_timeout"),
        ("redis://host:6379/0?retries=many", "many"),
    ],
)
def test_a_url_that_cannot_be_is_refused_at_once(url, said):
    """Before anything is opened, with what is wrong."""
    with pytest.raises(ConfigError, match=said):
        RedisBackend(url)
