"""Idle workers: what they ask of the store, and how soon one of them starts a job."""

from __future__ import annotations

import time
from contextlib import ExitStack
from statistics import median, quantiles
from typing import Any

import redis
from celery import Celery
from rich.progress import Progress

from benchmarks.celery_jobs import worker
from benchmarks.tables import Report
from ranch.celery import Ranch
from ranch.testing.server import RedisServer
from ranch.testing.waiting import wait_until

WORKERS = 3
#: Of watching, after as many for workers to come to rest.
SECONDS = 10.0
JOBS = 200

#: What a client sends, and not a script.
SENT_BY_CLIENTS = ("cmdstat_blpop", "cmdstat_evalsha", "cmdstat_eval", "cmdstat_script")


def idle(progress: Progress) -> Report:
    """Watch idle workers, then send them one job at a time, in a lane and without."""
    report = Report(
        f"{WORKERS} idle Celery workers, prefork -c 2, a Redis for the store alone",
        ("", "store commands/s per worker", "call p50 ms", "start p50 ms", "start p95 ms"),
        f"{JOBS} jobs one by one. Start: from the call's return, when the job is stored, to the task's first line. "
        "To reach: 2 commands, 3 ms.",
    )
    with RedisServer() as broker, RedisServer() as store, ExitStack() as workers:
        environment = {"RANCH_BENCH_BROKER": broker.tcp_url, "RANCH_BENCH_STORE": store.tcp_url}
        for _ in range(WORKERS):
            workers.enter_context(worker(environment))
        app = Celery("sender", broker=broker.tcp_url, set_as_current=False)
        app.conf.task_ignore_result = True
        Ranch(app, backend=store.tcp_url)
        client = redis.Redis.from_url(broker.tcp_url)
        ways: dict[str, dict[str, Any]] = {"plain Celery": {}, "ranch": {"lane": "acme"}}
        for options in ways.values():
            for _ in range(5 * WORKERS):
                _start(app, client, options)
        asked = _commands(redis.Redis.from_url(store.tcp_url)) / WORKERS
        for way, options in ways.items():
            calls, waits = zip(*(_start(app, client, options) for _ in range(JOBS)), strict=True)
            commands = f"{asked:.2f}" if options else "0"
            times = (median(calls), median(waits), quantiles(waits, n=20)[-1])
            report.rows.append((way, commands, *(f"{value:.1f}" for value in times)))
        progress.advance(progress.task_ids[0])
    return report


def _commands(client: redis.Redis) -> float:
    time.sleep(SECONDS)
    client.config_resetstat()
    time.sleep(SECONDS)
    stats: dict[str, Any] = client.info("commandstats")
    return sum(stats[name]["calls"] for name in SENT_BY_CLIENTS if name in stats) / SECONDS


def _start(app: Celery, client: redis.Redis, options: dict[str, Any]) -> tuple[float, float]:
    """Send one job, and return how many milliseconds that took, and after how many more it started."""
    client.delete("bench:started")
    called = time.time()
    app.send_task("benchmarks.app.tell_the_time", **options)
    sent = time.time()
    started = wait_until(lambda: client.get("bench:started"), timeout=30.0, interval=0.002)
    # The worker claims once more, finds nothing and waits.
    time.sleep(0.02)
    return (sent - called) * 1000, (float(started) - sent) * 1000  # type: ignore[arg-type]
