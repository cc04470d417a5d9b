"""Ranch in Celery: unchanged tasks, unchanged workers, fair order."""

from __future__ import annotations

from ranch.celery.embedding import Ranch
from ranch.celery.naming import LANE_HEADER
from ranch.celery.publish import RanchAMQP
from ranch.celery.setup import RedisStorage, configure
from ranch.celery.task import LRUKeyMetadata, LRUTask, lru_task

__all__ = [
    "LANE_HEADER",
    "LRUKeyMetadata",
    "LRUTask",
    "Ranch",
    "RanchAMQP",
    "RedisStorage",
    "configure",
    "lru_task",
]
