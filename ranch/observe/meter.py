"""The numbers of queues and lanes, with the times that this process has measured."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from attrs import frozen

from ranch.aqueue import AsyncQueue
from ranch.hooks import hookimpl
from ranch.hooks.details import Retried
from ranch.model import LaneStats
from ranch.observe.histogram import Histogram, Summary
from ranch.observe.listener import Listener
from ranch.queue import Queue

#: How many lanes have numbers of their own; the longest without news is forgotten first.
_LANES: Final = 10_000


@frozen(kw_only=True)
class Metrics:
    """A queue, or a lane, in the numbers that a dashboard shows."""

    #: Since the queue, or the lane, was first used, by all processes.
    enqueued: int
    #: Jobs that were acked, by all processes.
    processed: int
    #: Claims that ended in a failure, by all processes.
    failed: int
    #: Failures after which the job is tried again, in this process.
    retried: int
    #: Of what was processed or failed, how much was processed, in percent; None before the first. All processes.
    success_rate: float | None
    #: How long jobs ran, in this process.
    process_time: Summary
    #: How long jobs waited before their first claim, as far as this process has made it.
    wait_time: Summary


def success_rate(processed: int, failed: int) -> float | None:
    """Return the part that was processed, in percent; None if there was nothing."""
    return 100 * processed / (processed + failed) if processed + failed else None


class _Numbers:
    """What was measured of a queue or a lane."""

    def __init__(self) -> None:
        self.retried = 0
        self.process_time = Histogram()
        self.wait_time = Histogram()


class Meter(Listener):
    """Measures how long jobs wait and run in this process, by queue and by lane.

    Give it to the queues: ``Queue(…, plugins=Plugins([meter]))``. Costs some 9 microseconds for each job, 4 in
    batches, in the thread that claims and settles it. Keeps 10,000 lanes at most.
    """

    def _begin(self) -> None:
        super()._begin()
        self._queues: defaultdict[str, _Numbers] = defaultdict(_Numbers)
        self._lanes: dict[tuple[str, str], _Numbers] = {}

    def metrics(self, queue: Queue, lane: str | None = None) -> Metrics:
        """Return the numbers of a queue, or of a lane of it. One round trip.

        The counters are the store's, so they are those of the whole fleet. `Metrics.retried` and the times are what
        this meter was told. For times of a fleet see `FleetMeter`.
        """
        stats = queue.stats() if lane is None else queue.lane(lane).stats
        return self._metrics(stats, queue.name, lane)

    async def ametrics(self, queue: AsyncQueue, lane: str | None = None) -> Metrics:
        """As `metrics`, of an `AsyncQueue`."""
        stats = await queue.stats() if lane is None else await queue.lane(lane).stats
        return self._metrics(stats, queue.name, lane)

    def _metrics(self, stats: LaneStats, queue: str, lane: str | None) -> Metrics:
        with self._lock:
            found = self._queues.get(queue) if lane is None else self._lanes.get((queue, lane))
            here = found or _Numbers()
            return Metrics(
                enqueued=stats.enqueued,
                processed=stats.acked,
                failed=stats.failed,
                retried=here.retried,
                success_rate=success_rate(stats.acked, stats.failed),
                process_time=here.process_time.summary(),
                wait_time=here.wait_time.summary(),
            )

    def numbers(self, queue: str) -> dict[str, Any]:
        """Return what this process has measured of a queue, as JSON values."""
        with self._lock:
            here = self._queues.get(queue) or _Numbers()
            return {
                "retried": here.retried,
                "process_time": here.process_time.as_dict(),
                "wait_time": here.wait_time.as_dict(),
            }

    def waited(self, queue: str, lane: str, seconds: float) -> None:
        """Take note of how long a job has waited."""
        with self._lock:
            for numbers in self._of(queue, lane):
                numbers.wait_time.add(seconds)

    def took(self, queue: str, lane: str, seconds: float) -> None:
        """Take note of how long a job has run."""
        with self._lock:
            for numbers in self._of(queue, lane):
                numbers.process_time.add(seconds)

    @hookimpl
    def ranch_retried(self, details: Retried) -> None:
        """Count jobs that are tried again."""
        with self._lock:
            for lease in details.leases:
                for numbers in self._of(details.queue, lease.job.lane):
                    numbers.retried += 1

    def _of(self, queue: str, lane: str) -> tuple[_Numbers, _Numbers]:
        lanes, key = self._lanes, (queue, lane)
        # Taken out and put back at the end: so the first is the one longest without news.
        lanes[key] = of_lane = lanes.pop(key, None) or _Numbers()
        if len(lanes) > _LANES:
            del lanes[next(iter(lanes))]
        return self._queues[queue], of_lane
