"""Numbers in the log: when they change enough to be worth a line."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import Any, Final

from attrs import define, field, frozen

from ranch.hooks import hookimpl
from ranch.hooks.details import (
    BackendDown,
    BackendUp,
    Cancelled,
    Dead,
    Enqueued,
    Expired,
    Failed,
    Finished,
    Retried,
)
from ranch.listener import Listener
from ranch.metrics import success_rate

#: A counter is logged each time up to this,
_SMALL: Final = 5
#: then where it reaches these,
_BOUNDARIES: Final = (10, 100, 1000)
#: and from there on each time it has grown by this part; a mean or a rate, when it has changed by it.
CHANGE: Final = 0.1
#: How many last jobs a mean follows.
_FOLLOWED: Final = 100


def is_news(value: int, before: int, logged: int) -> bool:
    """Return whether a counter is to be logged that was `before` and is `value`, and was last logged at `logged`."""
    if value <= _SMALL or before < _SMALL:
        return True
    if any(before < boundary <= value for boundary in _BOUNDARIES):
        return True
    return value > _BOUNDARIES[-1] and value >= logged * (1 + CHANGE)


def has_moved(value: float, logged: float | None) -> bool:
    """Return whether a mean or a rate is to be logged that was last logged as `logged`."""
    return logged is None or abs(value - logged) > CHANGE * logged


@frozen
class _Line:
    """What is to be said of a queue or a backend."""

    name: str
    value: float
    where: dict[str, str]
    unit: str = ""
    level: int = logging.INFO
    more: dict[str, Any] = field(factory=dict)


@define
class _Queue:
    """What is known of a queue."""

    counts: defaultdict[str, int] = field(factory=lambda: defaultdict(int))
    #: The jobs that each mean was made of, and the mean.
    means: dict[str, tuple[int, float]] = field(factory=dict)
    #: What was logged last.
    logged: dict[str, float] = field(factory=dict)


class MetricsLog(Listener):
    """Logs the numbers of this process's queues, each when it has changed enough.

    - errors (``failed``, ``dead``, ``expired``, ``backend_down``): every change, as a warning;
    - counters (``enqueued``, ``processed``, ``retried``, ``cancelled``): each change up to 5, then where they reach 10,
      100 and 1000, then whenever they have grown by 10 %;
    - ``avg_process_time`` and ``avg_wait_time``, over the last 100 jobs or so, and ``success_rate``: when they have
      changed by more than 10 %;
    - ``batch``: each time several jobs were enqueued together, with the seconds that it took and the jobs in a second.

    A record has, beside its message, ``metric_name``, ``metric_value``, ``metric_unit`` and ``queue`` as attributes, so
    that a formatter that writes JSON makes fields of them. Costs some 13 microseconds for each job, 3 in batches,
    and what the logger's handlers take for a line, in the threads that enqueue, claim and settle it.

    Args:
        logger: Where it logs to, or the name of that.
    """

    def __init__(self, logger: logging.Logger | str = "ranch.metrics") -> None:
        super().__init__()
        self._logger = logging.getLogger(logger) if isinstance(logger, str) else logger

    def _begin(self) -> None:
        super()._begin()
        self._queues: defaultdict[str, _Queue] = defaultdict(_Queue)

    @hookimpl
    def ranch_enqueued(self, details: Enqueued) -> None:
        """Count, and tell of a batch."""
        jobs = len(details.jobs)
        self._count(details.queue, "enqueued", jobs)
        if jobs > 1:
            more = {"metric_seconds": details.seconds, "metric_rate": jobs / max(details.seconds, 1e-6)}
            self._say(_Line("batch", jobs, {"queue": details.queue}, unit="jobs", more=more))

    @hookimpl
    def ranch_finished(self, details: Finished) -> None:
        """Count."""
        super().ranch_finished(details)
        self._count(details.queue, "processed", len(details.leases))
        self._rate(details.queue)

    @hookimpl
    def ranch_failed(self, details: Failed) -> None:
        """Count, and tell of the error."""
        super().ranch_failed(details)
        self._error(details.queue, "failed", len(details.leases), details.error)
        self._rate(details.queue)

    @hookimpl
    def ranch_retried(self, details: Retried) -> None:
        """Count."""
        self._count(details.queue, "retried", len(details.leases))

    @hookimpl
    def ranch_dead(self, details: Dead) -> None:
        """Count, and tell of the error."""
        self._error(details.queue, "dead", len(details.jobs), details.death.error)

    @hookimpl
    def ranch_expired(self, details: Expired) -> None:
        """Count, and tell of it."""
        self._error(details.queue, "expired", len(details.jobs), "not claimed in time")

    @hookimpl
    def ranch_cancelled(self, details: Cancelled) -> None:
        """Count."""
        self._count(details.queue, "cancelled", len(details.jobs))

    @hookimpl
    def ranch_backend_down(self, details: BackendDown) -> None:
        """Tell of it."""
        more = {"metric_error": str(details.error)}
        self._say(_Line("backend_down", 1, {"backend": details.url}, level=logging.WARNING, more=more))

    @hookimpl
    def ranch_backend_up(self, details: BackendUp) -> None:
        """Tell for how long it was away."""
        self._say(_Line("backend_up", details.seconds, {"backend": details.url}, unit="s"))

    def waited(self, queue: str, lane: str, seconds: float) -> None:
        """Take a time into the mean."""
        self._mean(queue, "avg_wait_time", seconds)

    def took(self, queue: str, lane: str, seconds: float) -> None:
        """Take a time into the mean."""
        self._mean(queue, "avg_process_time", seconds)

    def _count(self, queue: str, name: str, jobs: int) -> None:
        with self._lock:
            known = self._queues[queue]
            before, value = known.counts[name], known.counts[name] + jobs
            known.counts[name] = value
            if not is_news(value, before, int(known.logged.get(name, 0))):
                return
            known.logged[name] = value
        self._say(_Line(name, value, {"queue": queue}, unit="jobs"))

    def _error(self, queue: str, name: str, jobs: int, error: str) -> None:
        with self._lock:
            counts = self._queues[queue].counts
            counts[name] += jobs
            value = counts[name]
        more = {"metric_error": error}
        self._say(_Line(name, value, {"queue": queue}, unit="jobs", level=logging.WARNING, more=more))

    def _mean(self, queue: str, name: str, seconds: float) -> None:
        with self._lock:
            known = self._queues[queue]
            jobs, mean = known.means.get(name, (0, 0.0))
            jobs = min(jobs + 1, _FOLLOWED)
            mean += (seconds - mean) / jobs
            known.means[name] = jobs, mean
        self._level(queue, name, mean, "s")

    def _rate(self, queue: str) -> None:
        counts = self._queues[queue].counts
        rate = success_rate(counts["processed"], counts["failed"])
        if rate is not None:
            self._level(queue, "success_rate", rate, "%")

    def _level(self, queue: str, name: str, value: float, unit: str) -> None:
        with self._lock:
            known = self._queues[queue]
            if not has_moved(value, known.logged.get(name)):
                return
            known.logged[name] = value
        self._say(_Line(name, value, {"queue": queue}, unit=unit))

    def _say(self, line: _Line) -> None:
        self._logger.log(
            line.level,
            "Queue metric update: %s is %.6g%s, %s",
            line.name,
            line.value,
            f" {line.unit}" if line.unit else "",
            ", ".join(f"{what} {name}" for what, name in line.where.items()),
            extra={
                "metric_name": line.name,
                "metric_value": line.value,
                "metric_unit": line.unit,
                **line.where,
                **line.more,
            },
        )
