"""Opening an empty store of each kind that ships, on a clock given by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from ranch.backends.memory import MemoryBackend
from ranch.backends.redis import RedisBackend
from ranch.backends.sqlite import SQLiteBackend
from ranch.testing.clock import FakeClock
from ranch.typing import Backend

#: Makes an empty backend whose time is the clock.
Opener: TypeAlias = Callable[[FakeClock], Backend]


def open_memory(clock: FakeClock) -> Backend:
    """Make the backend that others are compared with."""
    return MemoryBackend(clock=clock)


def opener(store: str, request: pytest.FixtureRequest, folder: Path) -> Opener:
    """Return how an empty `memory`, `sqlite` (in the folder) or `redis` (from the fixture `ranch_redis`) is made."""
    if store == "memory":
        return open_memory
    if store == "sqlite":
        numbers: Iterator[int] = iter(range(1_000_000))
        return lambda clock: SQLiteBackend(f"sqlite:///{folder}/{next(numbers)}.db", clock=clock)
    server = request.getfixturevalue("ranch_redis")

    def on_redis(clock: FakeClock) -> Backend:
        server.empty()
        return RedisBackend(server.url, clock=clock)

    return on_redis
