"""What limits, expiries and leases of jobs add to a claim on Redis."""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import Any

from rich.progress import Progress

from benchmarks.claims import BATCH, LANES, PAYLOAD, Server
from benchmarks.tables import Report
from ranch import Queue
from ranch.testing.server import RedisServer

LIMITS: dict[str, Any] = {"max_in_flight": 1_000_000, "rate": "1000000/s"}
JOBS: dict[str, Any] = {"expires": 3600.0, "lease": 60.0}
IN_USE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "bare": ({}, {}),
    "max_in_flight": ({"max_in_flight": LIMITS["max_in_flight"]}, {}),
    "rate": ({"rate": LIMITS["rate"]}, {}),
    "expires": ({}, {"expires": JOBS["expires"]}),
    "lease": ({}, {"lease": JOBS["lease"]}),
    "all of them": (LIMITS, JOBS),
}
#: In turns, so that a busy moment of the machine is shared by all of them.
ROUNDS = 20
CLAIMS = 100


def by_limit(progress: Progress) -> Report:
    """Measure claims from 1,000 lanes that have limits, of jobs that have an expiry and a lease of their own."""
    report = Report(
        "Claims on Redis with limits, expiry and leases in use",
        ("in use", "server us/job", "x bare", f"x{BATCH}: us/job", "x bare"),
        "x bare: server time against a claim without any of it, median of rounds in turns (at most 1.5).",
    )
    with RedisServer() as running:
        single, batched = (_measured(running.url, size) for size in (1, BATCH))
    for name in IN_USE:
        cells = (cell for spent in (single, batched) for cell in _cells(spent, name))
        report.rows.append((name, *cells))
    progress.advance(progress.task_ids[0])
    return report


def _cells(spent: dict[str, list[float]], name: str) -> tuple[str, str]:
    ratio = median(here / bare for here, bare in zip(spent[name], spent["bare"], strict=True))
    return f"{median(spent[name]):.1f}", f"{ratio:.2f}"


def _measured(url: str, size: int) -> dict[str, list[float]]:
    server = Server(url)
    queues = {name: _filled(url, f"{name.replace(' ', '-')}-{size}", size, *IN_USE[name]) for name in IN_USE}
    spent: dict[str, list[float]] = {name: [] for name in IN_USE}
    for _ in range(ROUNDS):
        for name, queue in queues.items():
            spent[name].append(server.spent("evalsha", partial(_claim, queue, size), CLAIMS * size))
    for queue in queues.values():
        queue.close()
    return spent


def _claim(queue: Queue, size: int) -> None:
    for _ in range(CLAIMS):
        queue.claim_many(size)


def _filled(url: str, name: str, size: int, limits: dict[str, Any], job: dict[str, Any]) -> Queue:
    queue, lanes = Queue(name, backend=url, lease=3600.0), LANES[1]
    if limits:
        for number in range(lanes):
            queue.lane(f"lane{number}").limit(**limits)
    items = ((f"lane{number % lanes}", PAYLOAD) for number in range(2 * ROUNDS * CLAIMS * size))
    queue.enqueue_many(items, **job)
    return queue
