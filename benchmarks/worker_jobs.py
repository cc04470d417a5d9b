"""No-op jobs a second through one worker process, on Redis."""

from __future__ import annotations

import time

from rich.progress import Progress

from benchmarks.claims import one_round
from benchmarks.tables import Report, rate
from ranch import Queue, Worker
from ranch.testing.server import RedisServer

JOBS = 5_000
CONCURRENCY = (1, 10, 100)


def _nothing() -> None:
    pass


async def _anothing() -> None:
    pass


def through_a_worker(progress: Progress) -> Report:
    """Measure coroutines and threads, beside one client that claims and acks one job after the other."""
    report = Report(
        "No-op jobs a second, one worker process on Redis",
        ("how", *(f"{slots} slots" for slots in CONCURRENCY), "x loop"),
        "x loop: the best of them against a loop of claim and ack, two round trips a job.",
    )
    with RedisServer() as server, Queue("bench", backend=server.url) as queue:
        queue.enqueue_many((f"lane{number % 10}", number) for number in range(JOBS))
        floor = one_round(lambda: queue.claim().ack(), JOBS)  # type: ignore[union-attr]  # there are so many
        report.rows.append(("claim, ack", rate(floor), *[""] * len(CONCURRENCY)))
        for name, function in (("coroutines", _anothing), ("threads", _nothing)):
            call = {"task": queue.task(function).name}
            rates = []
            for slots in CONCURRENCY:
                queue.enqueue_many((f"lane{number % 10}", call) for number in range(JOBS))
                began = time.perf_counter()
                Worker(queue, concurrency=slots, max_jobs=JOBS).run()
                rates.append(JOBS / (time.perf_counter() - began))
            report.rows.append((name, *map(rate, rates), f"{max(rates) / floor:.1f}"))
        progress.advance(progress.task_ids[0])
    return report
