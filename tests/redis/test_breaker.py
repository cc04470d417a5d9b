"""The breaker before a Redis that a URL names: what is told, to whom, and what does not count."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from ranch import AsyncQueue, BackendUnavailable, Queue
from ranch.backends.guard import GuardedBackend
from ranch.backends.redis import RedisBackend
from ranch.hooks import hookimpl
from ranch.hooks.manager import Plugins
from ranch.testing.server import RedisServer
from ranch.testing.waiting import wait_until


class Watch:
    """A plugin that notes what it is told of stores."""

    def __init__(self):
        self.told = []

    @hookimpl
    def ranch_backend_down(self, details):
        self.told.append(details)

    @hookimpl
    def ranch_backend_up(self, details):
        self.told.append(details)


@pytest.fixture
def watch():
    """What the hooks are told."""
    return Watch()


def fail(queue):
    """Make a call in vain."""
    with pytest.raises(BackendUnavailable):
        queue.stats()


def is_back(queue):
    """Whether the store answers."""
    try:
        queue.stats()
    except BackendUnavailable:
        return False
    return True


def test_a_store_that_is_killed_and_comes_back_is_told_of(redis_binary, watch):
    """Once each, without its password, and with how long it was away; two queues on one backend share the breaker."""
    with RedisServer(redis_binary, ["--appendonly", "yes", "--appendfsync", "always"]) as server:
        url = server.url.replace("unix://", "unix://default:secret@") + "&retries=0"
        with redis.Redis.from_url(server.url) as client:
            client.acl_setuser("default", enabled=True, reset_passwords=True, passwords=["+secret"])
        first = Queue("mail", backend=url, plugins=Plugins([watch]))
        second = Queue("ads", backend=first.backend)
        first.enqueue("acme", 1)
        server.kill()
        killed = time.monotonic()
        for _ in range(3):
            fail(first)
        with pytest.raises(BackendUnavailable, match="3 calls in a row"):
            second.claim()
        (down,) = watch.told
        assert "secret" not in down.url
        assert "default:***@" in down.url
        assert isinstance(down.error, BackendUnavailable)

        server.start()
        wait_until(lambda: is_back(second))

        assert first.claim().job.payload == 1
        down, up = watch.told
        assert up.url == down.url
        assert 0 < up.seconds <= time.monotonic() - killed
        first.close()


async def test_an_awaited_queue_is_guarded_too(own_redis, watch):
    """By the same breaker."""
    async with AsyncQueue("mail", backend=own_redis.url + "&retries=0", plugins=Plugins([watch])) as queue:
        own_redis.kill()
        for _ in range(4):
            with pytest.raises(BackendUnavailable):
                await queue.stats()
    assert len(watch.told) == 1


def test_waits_that_are_cut_do_not_open_it(own_redis, watch):
    """However many connections wait when the server cuts them: the next call is answered."""
    with Queue("mail", backend=own_redis.url + "&retries=0", plugins=Plugins([watch])) as queue:
        with redis.Redis.from_url(own_redis.url) as client, ThreadPoolExecutor(5) as pool:
            waits = [pool.submit(queue.claim, wait=60.0) for _ in range(5)]
            wait_until(lambda: client.info("clients")["blocked_clients"] == 5)

            def are_cut():
                # One that does not wait at that moment, but looks for itself, connects anew and waits again.
                client.client_kill_filter(_type="normal", skipme=True)
                return all(wait.done() for wait in waits)

            wait_until(are_cut, interval=0.1)
            assert all(isinstance(wait.exception(), BackendUnavailable) for wait in waits)

        assert queue.stats().pending == 0
    assert watch.told == []


def test_none_where_it_was_switched_off_or_the_backend_was_made_elsewhere(own_redis):
    """And none before a store that cannot be away."""
    made = RedisBackend(own_redis.url)

    assert isinstance(Queue("q", backend=own_redis.url).backend, GuardedBackend)
    assert not isinstance(Queue("q", backend=own_redis.url, breaker_failures=0).backend, GuardedBackend)
    assert Queue("q", backend=made).backend is made
    assert not isinstance(Queue("q", backend="memory://").backend, GuardedBackend)


def test_a_listener_may_use_the_store(redis_binary):
    """It is called with nothing held, so what it asks of the same store fails or is answered, and does not hang."""
    with RedisServer(redis_binary) as server:
        asked = threading.Event()

        class Curious:
            @hookimpl
            def ranch_backend_down(self, details):
                fail(queue)
                asked.set()

        queue = Queue("mail", backend=server.url + "&retries=0", plugins=Plugins([Curious()]))
        server.kill()
        for _ in range(3):
            fail(queue)
        assert asked.is_set()
