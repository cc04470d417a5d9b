"""Numbers for Prometheus: what a process does, and what a store holds. Needs ``ranch-scheduler[prometheus]``."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ranch.exceptions import BackendError
from ranch.hooks import hookimpl
from ranch.hooks.details import (
    BackendDown,
    BackendUp,
    Cancelled,
    Claimed,
    Dead,
    Enqueued,
    Expired,
    Failed,
    Finished,
    Released,
    Retried,
)
from ranch.listener import Listener
from ranch.model import Job
from ranch.observe.status import oldest_wait
from ranch.queue import Queue

log = logging.getLogger("ranch")

#: Seconds: from a job that is claimed at once to one of some hours.
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)

#: What is counted, by the hook that tells of it.
_COUNTED: Final = {
    "enqueued": "Jobs put into lanes.",
    "claimed": "Claims, those of a job that came back included.",
    "finished": "Jobs acked.",
    "released": "Jobs given back unharmed.",
    "failed": "Claims that ended in a failure.",
    "retried": "Failures after which the job is tried again.",
    "dead": "Jobs that became dead letters.",
    "expired": "Jobs that expired before they ran.",
    "cancelled": "Jobs cancelled, purged, or dropped to make room.",
}


class Prometheus(Listener):
    """Counts what this process does, and how long its jobs wait and run.

    Give it to the queues: ``Queue(…, plugins=Plugins([Prometheus()]))``. Counters are ``ranch_jobs_enqueued_total`` and
    so on for ``claimed``, ``finished``, ``released``, ``failed``, ``retried``, ``dead``, ``expired`` and ``cancelled``;
    histograms ``ranch_job_wait_seconds`` and ``ranch_job_run_seconds``; gauge ``ranch_backend_up`` by URL, from the
    first time that it is down. Sums over all processes are those of the fleet. Costs some 18 microseconds for each job,
    5 in batches, in the threads that enqueue, claim and settle it.

    Args:
        registry: Where the numbers are kept; there can be one such object in each.
        lanes: Whether they have a label ``lane`` beside ``queue``. Each lane makes some 45 series, for ever, so only
            where lanes are few and known.
        buckets: Of the histograms, in seconds.
    """

    def __init__(
        self, registry: CollectorRegistry = REGISTRY, *, lanes: bool = False, buckets: Sequence[float] = BUCKETS
    ) -> None:
        super().__init__()
        self._lanes = lanes
        labels = ("queue", "lane") if lanes else ("queue",)
        self._counters = {
            name: Counter(f"ranch_jobs_{name}", text, labels, registry=registry) for name, text in _COUNTED.items()
        }
        self._wait, self._run = (
            Histogram(name, text, labels, registry=registry, buckets=buckets)
            for name, text in (
                ("ranch_job_wait_seconds", "From when a job was ready to its first claim."),
                ("ranch_job_run_seconds", "From a claim until the job was acked or failed; in Celery, while it ran."),
            )
        )
        self._up = Gauge("ranch_backend_up", "Whether the backend answers.", ("url",), registry=registry)

    def waited(self, queue: str, lane: str, seconds: float) -> None:
        """Observe a time."""
        self._wait.labels(*self._labels(queue, lane)).observe(seconds)

    def took(self, queue: str, lane: str, seconds: float) -> None:
        """Observe a time."""
        self._run.labels(*self._labels(queue, lane)).observe(seconds)

    @hookimpl
    def ranch_enqueued(self, details: Enqueued) -> None:
        """Count."""
        self._count("enqueued", details.queue, details.jobs)

    @hookimpl
    def ranch_claimed(self, details: Claimed) -> None:
        """Count, and observe the times."""
        super().ranch_claimed(details)
        self._count("claimed", details.queue, [lease.job for lease in details.leases])

    @hookimpl
    def ranch_finished(self, details: Finished) -> None:
        """Count, and observe the times."""
        super().ranch_finished(details)
        self._count("finished", details.queue, [lease.job for lease in details.leases])

    @hookimpl
    def ranch_released(self, details: Released) -> None:
        """Count."""
        super().ranch_released(details)
        self._count("released", details.queue, [lease.job for lease in details.leases])

    @hookimpl
    def ranch_failed(self, details: Failed) -> None:
        """Count, and observe the times."""
        super().ranch_failed(details)
        self._count("failed", details.queue, [lease.job for lease in details.leases])

    @hookimpl
    def ranch_retried(self, details: Retried) -> None:
        """Count."""
        self._count("retried", details.queue, [lease.job for lease in details.leases])

    @hookimpl
    def ranch_dead(self, details: Dead) -> None:
        """Count."""
        self._count("dead", details.queue, details.jobs)

    @hookimpl
    def ranch_expired(self, details: Expired) -> None:
        """Count."""
        self._count("expired", details.queue, details.jobs)

    @hookimpl
    def ranch_cancelled(self, details: Cancelled) -> None:
        """Count."""
        self._count("cancelled", details.queue, details.jobs)

    @hookimpl
    def ranch_backend_down(self, details: BackendDown) -> None:
        """Show it."""
        self._up.labels(details.url).set(0)

    @hookimpl
    def ranch_backend_up(self, details: BackendUp) -> None:
        """Show it."""
        self._up.labels(details.url).set(1)

    def _count(self, name: str, queue: str, jobs: Sequence[Job]) -> None:
        counter = self._counters[name]
        if self._lanes:
            for job in jobs:
                counter.labels(queue, job.lane).inc()
        else:
            counter.labels(queue).inc(len(jobs))

    def _labels(self, queue: str, lane: str) -> tuple[str, ...]:
        return (queue, lane) if self._lanes else (queue,)


#: What a store says of a queue, by the field of `QueueStats`.
_GAUGES: Final = {
    "pending": "Jobs ready to be claimed.",
    "delayed": "Jobs waiting for their time.",
    "leased": "Jobs claimed and not settled.",
    "dead": "Dead letters that are kept.",
    "lanes": "Lanes that are known.",
    "backlogged": "Lanes that wait to be served.",
    "blocked": "Lanes with ready jobs that a limit keeps from being served.",
}
_TOTALS: Final = (
    *("enqueued", "claimed", "acked", "released", "reclaimed", "failed", "retried", "died", "expired", "cancelled"),
)


class StoreCollector(Collector):
    """Reads what the stores hold when Prometheus asks: one process is enough for the whole fleet.

    ``REGISTRY.register(StoreCollector([queue]))``. Gauges are ``ranch_queue_pending`` and so on for ``delayed``,
    ``leased``, ``dead``, ``lanes``, ``backlogged`` and ``blocked``; counters, over all processes since the queue was
    first used, ``ranch_queue_enqueued_total`` and so on, by the names of `QueueStats`. ``ranch_queue_up`` is 0 for a
    queue whose store does not answer; of that there is nothing else then. Costs one round trip for each queue, and what
    `oldest_wait` costs.

    Args:
        queues: Which ones.
        oldest_wait_lanes: How many lanes are looked at for ``ranch_queue_oldest_wait_seconds``, by a round trip each;
            if more of them wait, it is left out. 0: it is never looked for.
    """

    def __init__(self, queues: Iterable[Queue], *, oldest_wait_lanes: int = 100) -> None:
        self._queues = list(queues)
        self._oldest_wait_lanes = oldest_wait_lanes

    def describe(self) -> Iterator[Metric]:
        """Name the metrics. No round trip."""
        yield from self._families().values()

    def collect(self) -> Iterator[Metric]:
        """Read the numbers."""
        families = self._families()
        for queue in self._queues:
            name = [queue.name]
            try:
                stats = queue.stats()
                wait = oldest_wait(queue, lanes=self._oldest_wait_lanes) if self._oldest_wait_lanes else None
            except BackendError as exc:
                # A scrape that fails would take the numbers of everything else with it.
                log.warning("no numbers of queue %r for Prometheus: %s", name[0], exc)
                families["up"].add_metric(name, 0)
                continue
            families["up"].add_metric(name, 1)
            for field in (*_GAUGES, *_TOTALS):
                families[field].add_metric(name, getattr(stats, field))
            if wait is not None:
                families["oldest_wait"].add_metric(name, wait)
        yield from families.values()

    def _families(self) -> dict[str, GaugeMetricFamily | CounterMetricFamily]:
        gauges = {field: (f"ranch_queue_{field}", text) for field, text in _GAUGES.items()}
        gauges["up"] = ("ranch_queue_up", "Whether the queue's store answered.")
        gauges["oldest_wait"] = (
            "ranch_queue_oldest_wait_seconds",
            "For how long the first job of a lane has been ready at most.",
        )
        families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {
            field: GaugeMetricFamily(name, text, labels=["queue"]) for field, (name, text) in gauges.items()
        }
        for field in _TOTALS:
            text = f"{field.capitalize()}, since the queue was first used."
            families[field] = CounterMetricFamily(f"ranch_queue_{field}", text, labels=["queue"])
        return families
