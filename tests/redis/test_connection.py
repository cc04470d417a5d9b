"""Connections: scripts forgotten, servers gone, forks, event loops, and waiting."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import redis as redis_py
import redis.asyncio

from ranch import AsyncWorker, Queue
from ranch.backends.redis import RedisBackend
from ranch.exceptions import BackendError, BackendUnavailable, ConfigError
from ranch.model import NewJob
from ranch.steps import adrive, drive
from ranch.strategies import WeightedLRU
from ranch.testing.forking import Child
from ranch.testing.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ranch.testing.server import RedisServer

JOB = NewJob(lane="a", body=b"x", content_type="application/json")


@pytest.fixture
def backend(redis_url: str) -> Iterator[RedisBackend]:
    """A backend on an empty server."""
    backend = RedisBackend(redis_url)
    yield backend
    backend.close()


def test_a_forgotten_script_is_sent_again(backend: RedisBackend) -> None:
    """A server that restarted or was told to forget its scripts is no trouble."""
    lanes = backend.lanes("q", WeightedLRU())
    drive(backend, lanes.enqueue([JOB]))

    backend._connections.client().script_flush()
    drive(backend, lanes.enqueue([JOB]))

    assert drive(backend, lanes.stats()).pending == 2


async def test_a_forgotten_script_is_sent_again_when_awaited(redis_url: str) -> None:
    """The same, awaited; and both ways see the same queue."""
    backend = RedisBackend(redis_url)
    lanes = backend.lanes("q", WeightedLRU())
    await adrive(backend, lanes.enqueue([JOB]))

    backend._connections.client().script_flush()
    await adrive(backend, lanes.enqueue([JOB]))
    claim = await adrive(backend, lanes.claim(5, 60.0, "me"))

    assert await adrive(backend, lanes.ack(claim.leases)) == []
    assert drive(backend, lanes.stats()).acked == 2
    await backend.aclose()


def test_each_event_loop_has_its_client(redis_url: str) -> None:
    """A backend used in one event loop after another works in each."""
    backend = RedisBackend(redis_url)
    lanes = backend.lanes("q", WeightedLRU())

    async def enqueue() -> None:
        await adrive(backend, lanes.enqueue([JOB]))
        await backend.aclose()

    asyncio.run(enqueue())
    asyncio.run(enqueue())

    assert drive(backend, lanes.stats()).pending == 2
    backend.close()


@pytest.mark.parametrize("url", ["http://localhost", "redis://localhost:port/0", "redis://localhost/shop"])
def test_a_url_that_cannot_be_is_refused(url: str) -> None:
    """A wrong address is a matter of configuration."""
    with pytest.raises(ConfigError, match="cannot be used"):
        RedisBackend(url)


def test_a_client_that_decodes_is_refused(redis_url: str) -> None:
    """Jobs are bytes; a client that makes text of them is not taken."""
    client = redis_py.Redis.from_url(redis_url, decode_responses=True)

    with pytest.raises(ConfigError, match="decode_responses"):
        RedisBackend.from_client(client)


async def test_clients_given_are_used_and_not_closed(redis_url: str) -> None:
    """Whoever brings clients keeps them; without an async one nothing can be awaited, and a worker says so."""
    client = redis_py.Redis.from_url(redis_url)
    async_client = redis.asyncio.Redis.from_url(redis_url)
    backend = RedisBackend.from_client(client, async_client)
    lanes = backend.lanes("q", WeightedLRU())

    await adrive(backend, lanes.enqueue([JOB]))
    await backend.aclose()

    assert drive(backend, lanes.stats()).pending == 1
    assert await async_client.ping()
    with pytest.raises(ConfigError, match="no async client"):
        await AsyncWorker(Queue("q", backend=RedisBackend.from_client(client))).run()
    await async_client.aclose()
    client.close()


def test_a_server_that_is_gone_and_comes_back(own_redis: RedisServer) -> None:
    """Without a server the backend is unavailable, after its retries; with one it works on."""
    backend = RedisBackend(own_redis.url, retries=1)
    lanes = backend.lanes("q", WeightedLRU())
    drive(backend, lanes.enqueue([JOB]))

    own_redis.kill()
    with pytest.raises(BackendUnavailable, match="cannot be reached") as caught:
        drive(backend, lanes.stats())
    own_redis.start()

    assert isinstance(caught.value.__cause__, redis_py.ConnectionError)
    assert len(drive(backend, lanes.enqueue([JOB])).jobs) == 1
    backend.close()


def test_a_full_server_refuses_and_changes_nothing(own_redis: RedisServer, refusals: Callable[[Any], int]) -> None:
    """When memory is short an enqueue is refused whole, and once; claims go on, so that the backlog shrinks."""
    backend = RedisBackend(own_redis.url)
    lanes = backend.lanes("q", WeightedLRU())
    drive(backend, lanes.enqueue([JOB, JOB]))
    server = backend._connections.client()
    server.config_set("maxmemory", 1)
    server.config_resetstat()

    with pytest.raises(BackendError, match="maxmemory"):
        drive(backend, lanes.enqueue([JOB]))
    assert refusals(server) == 1
    claim = drive(backend, lanes.claim(1, 60.0, "me"))
    lost = drive(backend, lanes.ack(claim.leases))

    stats = drive(backend, lanes.stats())
    assert (len(claim.leases), lost, stats.pending, stats.backlogged, stats.acked) == (1, [], 1, 1, 1)
    backend.close()


def test_a_forked_child_has_connections_of_its_own(backend: RedisBackend) -> None:
    """A child of fork and its parent use the backend at once, and neither reads the other's replies."""
    lanes = backend.lanes("q", WeightedLRU())
    drive(backend, lanes.enqueue([JOB]))

    def enqueue() -> None:
        for _ in range(200):
            assert len(drive(backend, lanes.enqueue([JOB])).jobs) == 1

    child = Child.doing(enqueue)
    for _ in range(200):
        assert drive(backend, lanes.stats()).lanes == 1
    child.join()

    assert drive(backend, lanes.stats()).pending == 201


@pytest.mark.usefixtures("patient")
def test_an_enqueue_ends_a_wait(redis_url: str) -> None:
    """Who waits is woken by the bell, not by the end of their patience."""
    backend = RedisBackend(redis_url, socket_timeout=600.0)
    lanes = backend.lanes("q", WeightedLRU())
    waiter = threading.Thread(target=lambda: drive(backend, lanes.wait(300.0, 0)))
    waiter.start()
    wait_until(lambda: backend._connections.client().info("clients")["blocked_clients"])
    drive(backend, lanes.enqueue([JOB]))
    waiter.join(60.0)

    assert not waiter.is_alive()
    backend.close()


@pytest.mark.usefixtures("patient")
def test_a_ring_before_the_wait_is_not_lost(redis_url: str) -> None:
    """A job that comes between an empty claim and the wait ends the wait at once."""
    backend = RedisBackend(redis_url, socket_timeout=600.0)
    lanes = backend.lanes("q", WeightedLRU())
    claim = drive(backend, lanes.claim(1, 60.0, "me"))
    drive(backend, lanes.enqueue([JOB]))

    start = time.monotonic()
    drive(backend, lanes.wait(300.0, claim.tick))

    assert time.monotonic() - start < 60
    backend.close()


@pytest.mark.parametrize(
    ("options", "expected"), [({}, 2.0), ({"socket_timeout": 1.0}, 0.5), ({"socket_timeout": 60}, 2.0)]
)
def test_waits_end_well_before_the_client_gives_up(redis_url: str, options: dict[str, float], expected: float) -> None:
    """A client that gives up first would wait again and again, on a new connection each time."""
    backend = RedisBackend(redis_url, **options)

    call = next(backend.lanes("q", WeightedLRU()).wait(30.0, 0))

    assert call.args == (expected,)


async def test_a_cancelled_wait_leaves_the_connection_usable(redis_url: str) -> None:
    """A wait that is cancelled takes nothing along: later steps get their own replies."""
    backend = RedisBackend(redis_url)
    lanes = backend.lanes("q", WeightedLRU())

    with pytest.raises(TimeoutError if hasattr(asyncio, "timeout") else asyncio.TimeoutError):
        await asyncio.wait_for(adrive(backend, lanes.wait(30.0, 0)), 0.05)
    await adrive(backend, lanes.enqueue([JOB]))

    assert (await adrive(backend, lanes.stats())).pending == 1
    await backend.aclose()
