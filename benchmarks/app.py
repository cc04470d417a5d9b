"""The Celery app under measurement; its broker and its store come from the environment."""

from __future__ import annotations

import os
import time

import redis
from celery import Celery

from ranch.celery import Ranch

app = Celery("benchmarks", broker=os.environ["RANCH_BENCH_BROKER"])
app.conf.task_ignore_result = True
Ranch(app, backend=os.environ.get("RANCH_BENCH_STORE"))

_counter = redis.Redis.from_url(os.environ["RANCH_BENCH_BROKER"])


@app.task
def nothing() -> None:
    """Do nothing, and say so."""
    _counter.incr("bench:done")


@app.task
def tell_the_time() -> None:
    """Say when it started."""
    _counter.set("bench:started", repr(time.time()))
