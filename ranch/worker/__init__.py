"""Running jobs without Celery: workers that call the tasks of queues."""

from __future__ import annotations

from ranch.worker.aworker import AsyncWorker
from ranch.worker.settings import Health
from ranch.worker.worker import Worker

__all__ = ["AsyncWorker", "Health", "Worker"]
