"""Jobs in the memory of one process: for tests, simulations, and programs that are one process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

from ranch.backends.local import LocalBackend, LocalLanes
from ranch.backends.rows import COUNTERS, JobRow, LaneRow, QueueRow
from ranch.choice import StrategyChoice
from ranch.exceptions import BackendUnavailable
from ranch.typing import Clock, Strategy

T = TypeVar("T")


class Heap(Generic[T]):
    """Items in the order of their keys, where a key may change and an item may go.

    Entries that no longer hold are dropped when they come to the top, and all at once when they outnumber the rest.
    """

    def __init__(self) -> None:
        self._entries: list[tuple[tuple[float, str | int], T]] = []
        self._keys: dict[T, tuple[float, str | int]] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def put(self, item: T, key: tuple[float, str | int]) -> None:
        if self._keys.get(item) == key:
            return
        self._keys[item] = key
        heappush(self._entries, (key, item))
        if len(self._entries) > 2 * len(self._keys) + 64:
            self._entries = [(key, item) for item, key in self._keys.items()]
            heapify(self._entries)

    def discard(self, item: T) -> None:
        self._keys.pop(item, None)

    def first(self) -> T | None:
        """Return the item with the lowest key."""
        while self._entries:
            key, item = self._entries[0]
            if self._keys.get(item) == key:
                return item
            heappop(self._entries)
        return None

    def key(self, item: T) -> tuple[float, str | int]:
        return self._keys[item]


class MemoryTables:
    """The rows of one queue in dicts, indexed by heaps."""

    def __init__(self) -> None:
        self.queue = QueueRow()
        self._jobs: dict[str, JobRow] = {}
        self._lanes: dict[str, LaneRow] = {}
        #: By generation: those but the queue's own are of earlier strategies, and run empty.
        self._ready: dict[int, Heap[str]] = {}
        self._places: dict[str, Heap[str]] = {}
        self._timers: Heap[str] = Heap()

    def add_job(self, job: JobRow) -> None:
        self._jobs[job.id] = job
        self.put_job(job)

    def put_job(self, job: JobRow) -> None:
        if job.state == "ready":
            self._timers.discard(job.id)
            self._places.setdefault(job.lane, Heap()).put(job.id, (job.place, job.id))
        else:
            self._leave_lane(job)
            self._timers.put(job.id, (job.at, f"{job.state}{job.id}"))

    def drop_job(self, job: JobRow) -> None:
        self._leave_lane(job)
        self._timers.discard(job.id)
        del self._jobs[job.id]

    def _leave_lane(self, job: JobRow) -> None:
        if places := self._places.get(job.lane):
            places.discard(job.id)
            if not places:
                del self._places[job.lane]

    def job(self, job_id: str) -> JobRow | None:
        return self._jobs.get(job_id)

    def head(self, lane: str) -> JobRow | None:
        places = self._places.get(lane)
        first = places.first() if places else None
        return self._jobs[first] if first else None

    def due(self, limit: int) -> Sequence[JobRow]:
        jobs: list[JobRow] = []
        while len(jobs) < limit and (first := self._timers.first()) and self._timers.key(first)[0] <= self.queue.now:
            self._timers.discard(first)
            jobs.append(self._jobs[first])
        return jobs

    def next_at(self) -> float | None:
        first = self._timers.first()
        return self._timers.key(first)[0] if first else None

    def lane(self, key: str) -> LaneRow | None:
        return self._lanes.get(key)

    def put_lane(self, lane: LaneRow) -> None:
        self._lanes[lane.key] = lane
        for generation, ready in self._ready.items():
            if generation != lane.generation or not lane.pending:
                ready.discard(lane.key)
        if lane.pending:
            self._ready.setdefault(lane.generation, Heap()).put(lane.key, (lane.tag, lane.order))

    def next_lane(self) -> LaneRow | None:
        ready = self._ready.get(self.queue.generation)
        first = ready.first() if ready else None
        return self._lanes[first] if first else None

    def stale_lane(self) -> LaneRow | None:
        for generation in sorted(self._ready):
            if generation == self.queue.generation:
                break
            if first := self._ready[generation].first():
                return self._lanes[first]
            del self._ready[generation]
        return None

    def lanes(self) -> Iterable[LaneRow]:
        return self._lanes.values()

    def count_lanes(self) -> dict[str, int]:
        sums = {name: sum(getattr(lane, name) for lane in self._lanes.values()) for name in COUNTERS}
        return {**sums, "lanes": len(self._lanes), "backlogged": sum(map(len, self._ready.values()))}


class MemoryBackend(LocalBackend):
    """Keeps queues in the memory of this process; they end with it.

    A process forked from this one cannot reach it, and is told so instead of being given an empty copy.
    """

    def __init__(self, *, clock: Clock = time.time) -> None:
        self._clock = clock
        self._tables: dict[str, MemoryTables] = {}
        self._changed = threading.Condition(threading.RLock())
        self._process = os.getpid()

    def lanes(self, queue: str, strategy: Strategy, choice: StrategyChoice | None = None) -> LocalLanes:
        with self._changed:
            tables = self._tables.setdefault(queue, MemoryTables())
        return LocalLanes(strategy, choice, partial(self._begin, tables), partial(self._wait, tables))

    @contextmanager
    def _begin(self, tables: MemoryTables) -> Iterator[MemoryTables]:
        if os.getpid() != self._process:
            raise BackendUnavailable(
                f"memory:// lives in process {self._process}, and this is process {os.getpid()}: "
                "use sqlite:// or redis:// between processes"
            )
        with self._changed:
            tables.queue.now = round(self._clock(), 3)
            yield tables
            self._changed.notify_all()

    def _wait(self, tables: MemoryTables, timeout: float, tick: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: tables.queue.tick != tick, timeout)

    def close(self) -> None:
        """Do nothing: the queues stay until the object goes."""

    async def aclose(self) -> None:
        """Do as `close`."""
