"""The Celery app under measurement; its broker and its store come from the environment."""

from __future__ import annotations

import os

import redis
from celery import Celery

from ranch.celery import Ranch

app = Celery("benchmarks", broker=os.environ["RANCH_BENCH_BROKER"])
app.conf.task_ignore_result = True
Ranch(app)

_counter = redis.Redis.from_url(os.environ["RANCH_BENCH_BROKER"])


@app.task
def nothing() -> None:
    """Do nothing, and say so."""
    _counter.incr("bench:done")
