"""A queue's backend, once for each that ships: a promise is kept on all of them or it is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ranch.backends.memory import MemoryBackend
from ranch.backends.redis import RedisBackend
from ranch.backends.sqlite import SQLiteBackend
from ranch.testing import FakeClock
from ranch.typing import Backend


@pytest.fixture
def clock() -> FakeClock:
    """The time of `backend`."""
    return FakeClock()


@pytest.fixture(params=["memory", "sqlite", "redis"])
def backend(request: pytest.FixtureRequest, clock: FakeClock, tmp_path: Path) -> Iterator[Backend]:
    """An empty backend whose time is `clock`."""
    made: dict[str, Callable[[], Backend]] = {
        "memory": lambda: MemoryBackend(clock=clock),
        "sqlite": lambda: SQLiteBackend(f"sqlite:///{tmp_path}/ranch.db", clock=clock),
        "redis": lambda: RedisBackend(request.getfixturevalue("redis_url"), clock=clock),
    }
    backend = made[request.param]()
    yield backend
    backend.close()


@pytest.fixture(params=["sqlite", "redis"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store that several processes can share, in real time."""
    if request.param == "redis":
        url: str = request.getfixturevalue("redis_url")
        return url
    return f"sqlite:///{tmp_path}/ranch.db"
