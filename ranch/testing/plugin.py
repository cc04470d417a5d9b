"""The pytest plugin: fixtures for tests of what is built on ranch. Installed with the extra ``testing``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ranch.testing.clock import FakeClock

if TYPE_CHECKING:
    from celery import Celery

    from ranch.celery import Ranch
    from ranch.queue import Queue
    from ranch.testing.server import GivenServer, RedisServer
    from ranch.typing import Backend

# So that an assertion of a suite that fails shows the values, as one in a test module does.
pytest.register_assert_rewrite(
    *(f"ranch.testing.{suite}" for suite in ("backend", "histories", "serializer", "strategy", "weight_function"))
)


@pytest.fixture
def ranch_clock() -> FakeClock:
    """The time of `ranch_backend`: it moves when it is told to."""
    return FakeClock()


@pytest.fixture(scope="session")
def ranch_redis() -> Iterator[RedisServer | GivenServer]:
    """A Redis or Valkey server, one for each process that runs tests.

    The one that RANCH_TEST_REDIS_URL names, **whose data are removed**; else one of the tests' own. Without any the
    test is skipped; in CI, where CI is set to anything, it fails, for a skipped test there is one that nobody runs.
    """
    from ranch.testing.server import ServerMissing, shared_server

    with ExitStack() as stack:
        try:
            server = stack.enter_context(shared_server())
        except ServerMissing as exc:
            if os.environ.get("CI"):
                raise
            pytest.skip(str(exc))
        yield server


@pytest.fixture(params=["memory", "sqlite", "redis"])
def ranch_backend(request: pytest.FixtureRequest, ranch_clock: FakeClock, tmp_path: Path) -> Iterator[Backend]:
    """An empty backend whose time is `ranch_clock`, once for each kind that ships."""
    from ranch.testing.openers import opener

    backend = opener(request.param, request, tmp_path)(ranch_clock)
    yield backend
    backend.close()


@pytest.fixture
def ranch_queue(ranch_backend: Backend) -> Queue:
    """An empty queue on `ranch_backend` under the default strategy; leases last 30 seconds."""
    from ranch.queue import Queue

    return Queue("test", backend=ranch_backend, lease=30.0)


@pytest.fixture
def ranch_celery(celery_app: Celery) -> Ranch:
    """The app of ``celery.contrib.pytest`` with lanes, which are in the memory of the test.

    What else is set stands in the fixture ``celery_config``, under ``ranch``. Ask for it before ``celery_worker``.
    """
    from ranch.celery import Ranch

    return Ranch(celery_app, backend="memory://")
