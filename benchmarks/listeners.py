"""What those that listen cost for a job from enqueue to ack: metrics, and plugins, beside one that does nothing."""

from __future__ import annotations

import logging
import time
from timeit import repeat

from prometheus_client import CollectorRegistry
from rich.progress import Progress

from benchmarks.tables import Report
from ranch.hooks import hookimpl
from ranch.hooks.details import Claimed, Enqueued, Finished
from ranch.hooks.events import Events
from ranch.hooks.manager import Plugins
from ranch.meter import Meter
from ranch.model import Job, Lease, Priority
from ranch.observe import MetricsLog
from ranch.observe.prometheus import Prometheus

TIMES, ROUNDS = 100, 60
SIZES = (1, 100)


class Listener:
    """Hears of each step of a job, and does nothing."""

    @staticmethod
    @hookimpl
    def ranch_enqueued(details: Enqueued) -> None:
        pass

    @staticmethod
    @hookimpl
    def ranch_claimed(details: Claimed) -> None:
        pass

    @staticmethod
    @hookimpl
    def ranch_finished(details: Finished) -> None:
        pass


def listeners(progress: Progress) -> Report:
    """Measure each."""
    logger = logging.Logger("metrics", logging.INFO)  # noqa: LOG001 - with no handlers but its own
    logger.addHandler(logging.NullHandler())
    report = Report(
        "Listeners, microseconds of the processor for a job from enqueue to ack",
        ("listener", *(f"batches of {size}" for size in SIZES)),
        "In the threads that enqueue, claim and settle. What a log's handlers take for a line comes on top.",
    )
    for name, events in (
        ("metrics_enabled", Plugins().events.beside(Meter())),
        ("does nothing", Plugins([Listener]).events),
        ("Prometheus", Plugins([Prometheus(CollectorRegistry())]).events),
        ("Prometheus, by lanes", Plugins([Prometheus(CollectorRegistry(), lanes=True)]).events),
        ("MetricsLog, no handlers", Plugins([MetricsLog(logger)]).events),
    ):
        report.rows.append((name, *(f"{_us(events, size):.1f}" for size in SIZES)))
    progress.advance(progress.task_ids[0])
    return report


def _us(events: Events, size: int) -> float:
    leases = [_lease(number) for number in range(size)]
    jobs = [lease.job for lease in leases]

    def life() -> None:
        # As the operations have it: nothing is made where nobody listens.
        if events.enqueued:
            events.enqueued(Enqueued(queue="bench", jobs=jobs, seconds=0.1))
        if events.claimed:
            events.claimed(Claimed(queue="bench", leases=leases, at=1.0))
        if events.finished:
            events.finished(Finished(queue="bench", leases=leases))

    return min(repeat(life, number=TIMES, repeat=ROUNDS, timer=time.process_time)) / TIMES / size * 1e6


def _lease(number: int) -> Lease:
    job = Job(
        id=str(number),
        lane="acme",
        body=b"",
        content_type="",
        priority=Priority.NORMAL,
        cost=1.0,
        enqueued_at=0.0,
        due_at=0.0,
        attempts=1,
    )
    return Lease(job=job, token=str(number), deadline=0.0)
