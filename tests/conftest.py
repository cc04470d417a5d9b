from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

# By name, so that they are there before ranch is installed anew, too.
from ranch.testing.plugin import ranch_backend, ranch_clock, ranch_queue, ranch_redis  # noqa: F401
from ranch.testing.server import RedisServer, ServerMissing, find_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ranch.testing.server import GivenServer

# How long an example takes depends on what else the machine does, and pytest's timeout ends what
# hangs. Under CI Hypothesis takes a profile of its own, which also makes its choices repeatable.
settings.register_profile("laptop", deadline=None)
if not os.environ.get("CI"):
    settings.load_profile("laptop")


@pytest.fixture(scope="session")
def redis_binary() -> Path:
    """The program of a Redis server, for tests that start their own."""
    try:
        return find_server()
    except ServerMissing as exc:
        # Green for want of a server means nothing to those who decide by the result.
        if os.environ.get("CI"):
            raise
        pytest.skip(str(exc))


@pytest.fixture(scope="session")
def redis_server(ranch_redis: RedisServer | GivenServer) -> RedisServer | GivenServer:  # noqa: F811 - a fixture
    """
    The Redis server that tests share, one for each process that runs tests.

    Tests that hurt their server take `own_redis`.
    """
    return ranch_redis


@pytest.fixture
def redis_url(redis_server: RedisServer | GivenServer) -> str:
    """The address of an empty Redis."""
    redis_server.empty()
    return redis_server.url


@pytest.fixture
def redis_tcp_url(redis_server: RedisServer | GivenServer, redis_url: str) -> str:
    """The address of the same empty Redis for clients that speak TCP only, such as Celery's."""
    return redis_server.tcp_url


@pytest.fixture
def own_redis(redis_binary: Path) -> Iterator[RedisServer]:
    """A running Redis server for one test alone, which may kill it."""
    with RedisServer(redis_binary) as server:
        yield server
