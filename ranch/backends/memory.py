"""Jobs in the memory of one process: for tests, simulations, and programs that are one process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ranch.backends.memory_tables import MemoryTables
from ranch.backends.tables import TableBackend
from ranch.exceptions import BackendUnavailable
from ranch.typing import Clock


class MemoryBackend(TableBackend):
    """Keeps queues in the memory of this process; they end with it.

    A process forked from this one cannot reach it, and is told so instead of being given an empty copy.
    """

    def __init__(self, *, clock: Clock = time.time) -> None:
        self._clock = clock
        self._tables: dict[str, MemoryTables] = {}
        self._changed = threading.Condition(threading.RLock())
        self._process = os.getpid()

    @contextmanager
    def begin(self, queue: str, *, reading: bool = False) -> Iterator[MemoryTables]:
        """Hold the lock that all queues share. Nothing is undone: operations refuse before they change anything."""
        if os.getpid() != self._process:
            raise BackendUnavailable(
                f"memory:// lives in process {self._process}, and this is process {os.getpid()}: "
                "use sqlite:// or redis:// between processes"
            )
        with self._changed:
            tables = self._tables.setdefault(queue, MemoryTables())
            tables.queue.now = round(self._clock(), 3)
            yield tables
            if not reading:
                self._changed.notify_all()

    def wait(self, queue: str, timeout: float, tick: int) -> None:
        """Wait for a change, of any queue."""
        with self._changed:
            tables = self._tables.setdefault(queue, MemoryTables())
            self._changed.wait_for(lambda: tables.queue.tick != tick, timeout)

    def close(self) -> None:
        """Do nothing: the queues stay until the object goes."""

    async def aclose(self) -> None:
        """Do as `close`."""
