"""Jobs through a lane against the same jobs in plain Celery: one worker, one run, by turns."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import redis
from attrs import frozen
from rich.progress import Progress

from benchmarks.tables import Report, rate
from ranch.testing.server import RedisServer
from ranch.testing.waiting import wait_until

JOBS = 1_500
ROUNDS = 3
LANES = 10


@frozen
class Rates:
    """Jobs a second, of one round."""

    published: float
    finished: float


@contextmanager
def worker(environment: dict[str, str]) -> Iterator[None]:
    """Run a prefork worker of two processes."""
    command = [sys.executable, "-W", "ignore", "-m", "celery", "-A", "benchmarks.app", "worker", "-P", "prefork", "-c"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "error"]
    running = subprocess.Popen([*command, "2", *quiet], env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        running.terminate()
        running.wait(30)


def through_lanes(progress: Progress) -> Report:
    """Publish no-op jobs and run them, plain and laned in turn."""
    report = Report(
        f"Celery: {JOBS:,} no-op jobs over {LANES} lanes, prefork -c 2, Redis",
        ("", "published/s", "finished/s", "published, ratio", "finished, ratio"),
        f"Medians of {ROUNDS} rounds; ratios to plain Celery, to reach 1.0 finished and 0.8 published.",
    )
    with RedisServer() as server:
        environment = {"RANCH_BENCH_BROKER": server.tcp_url}
        os.environ.update(environment)
        from benchmarks.app import nothing

        client = redis.Redis.from_url(server.tcp_url)
        ways: dict[str, Callable[[int], Any]] = {
            "plain Celery": lambda _: nothing.delay(),
            "ranch": lambda number: nothing.apply_async(lane=f"lane{number % LANES}"),
        }
        rounds: dict[str, list[Rates]] = {way: [] for way in ways}
        with worker(environment):
            for send in ways.values():
                _round(client, send, 50)
            for _ in range(ROUNDS):
                for way, send in ways.items():
                    rounds[way].append(_round(client, send, JOBS))
                progress.advance(progress.task_ids[0])
    published = {way: median(rates.published for rates in rounds[way]) for way in ways}
    finished = {way: median(rates.finished for rates in rounds[way]) for way in ways}
    for way in ways:
        ratios = [f"{rates[way] / rates['plain Celery']:.2f}" for rates in (published, finished)]
        report.rows.append((way, rate(published[way]), rate(finished[way]), *ratios))
    return report


def _round(client: redis.Redis, send: Callable[[int], Any], jobs: int) -> Rates:
    client.delete("bench:done")
    started = time.perf_counter()
    for number in range(jobs):
        send(number)
    published = time.perf_counter() - started
    wait_until(lambda: int(client.get("bench:done") or 0) == jobs, timeout=120.0, interval=0.005)  # type: ignore[arg-type]
    return Rates(jobs / published, jobs / (time.perf_counter() - started))
