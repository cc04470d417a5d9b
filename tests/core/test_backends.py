"""The backends that ship, held to the suite that plugins are held to."""

from __future__ import annotations

import itertools

import pytest

from ranch import BackendUnavailable, Queue
from ranch.backends import ranking
from ranch.backends.memory import MemoryBackend
from ranch.backends.redis import RedisBackend, lanes
from ranch.backends.sqlite import SQLiteBackend
from ranch.testing import BackendSuite, FakeClock
from ranch.testing.forking import Child
from ranch.testing.server import GivenServer, RedisServer


@pytest.fixture(autouse=True)
def _few_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Histories have few lanes, so a change of the strategy takes several operations only if each moves one."""
    monkeypatch.setattr(ranking, "MOVES_PER_CALL", 1)
    monkeypatch.setattr(lanes, "MOVES_PER_CALL", 1)


class TestMemory(BackendSuite):
    examples = 10  # against itself

    def open(self, clock: FakeClock) -> MemoryBackend:
        return MemoryBackend(clock=clock)


class TestSQLite(BackendSuite):
    @pytest.fixture(autouse=True)
    def _number_files(self) -> None:
        self.numbers = itertools.count()

    def open(self, clock: FakeClock) -> SQLiteBackend:
        return SQLiteBackend(f"sqlite:///{self.tmp_path}/{next(self.numbers)}.db", clock=clock)

    def open_shared(self) -> str:
        return f"sqlite:///{self.tmp_path}/shared.db"


class TestRedis(BackendSuite):
    @pytest.fixture(autouse=True)
    def _take_server(self, redis_server: RedisServer | GivenServer) -> None:
        self.server = redis_server

    def open(self, clock: FakeClock) -> RedisBackend:
        self.server.empty()
        return RedisBackend(self.server.url, clock=clock)

    def open_shared(self) -> str:
        self.server.empty()
        return self.server.url


def test_memory_says_so_when_it_is_carried_over_a_fork() -> None:
    """The child is told, instead of working on a copy that nobody else sees."""
    queue = Queue("fleet", backend=MemoryBackend())

    def be_refused() -> None:
        with pytest.raises(BackendUnavailable, match="sqlite://"):
            queue.enqueue("acme", 1)

    Child.doing(be_refused).join()
