from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.servers import GivenServer, RedisServer, ServerMissing

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long an example takes depends on what else the machine does, and pytest's timeout ends what
# hangs. Under CI Hypothesis takes a profile of its own, which also makes its choices repeatable.
settings.register_profile("laptop", deadline=None)
if not os.environ.get("CI"):
    settings.load_profile("laptop")


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer | GivenServer]:
    """
    The Redis server that tests share, one for each process that runs tests.

    Tests that hurt their server take `own_redis`.
    """
    if url := os.environ.get("RANCH_TEST_REDIS_URL"):
        # As pytest-xdist numbers its processes: gw0, gw1, …
        process = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
        yield GivenServer(url, database=int(process.removeprefix("gw")))
        return
    with _new_server() as server:
        yield server


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
def own_redis() -> Iterator[RedisServer]:
    """A running Redis server for one test alone, which may kill it."""
    with _new_server() as server:
        yield server


def _new_server() -> RedisServer:
    try:
        return RedisServer()
    except ServerMissing as exc:
        # Green without a server means nothing, so whoever decides by the result must have one.
        if os.environ.get("CI"):
            raise
        pytest.skip(str(exc))
