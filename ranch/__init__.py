"""Ranch decides whose job runs next: fair scheduling of background jobs, embedded in Celery or on its own."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ranch.aqueue import AsyncQueue as AsyncQueue
    from ranch.celery import LRUKeyMetadata as LRUKeyMetadata
    from ranch.celery import LRUTask as LRUTask
    from ranch.celery import Ranch as Ranch
    from ranch.celery import RedisStorage as RedisStorage
    from ranch.celery import configure as configure
    from ranch.celery import lru_task as lru_task
    from ranch.context import lane as lane
    from ranch.exceptions import BackendError as BackendError
    from ranch.exceptions import BackendUnavailable as BackendUnavailable
    from ranch.exceptions import CircuitOpen as CircuitOpen
    from ranch.exceptions import ConfigError as ConfigError
    from ranch.exceptions import DecodeError as DecodeError
    from ranch.exceptions import FunctionResolutionError as FunctionResolutionError
    from ranch.exceptions import InvalidJob as InvalidJob
    from ranch.exceptions import JobCancelled as JobCancelled
    from ranch.exceptions import JobCrashed as JobCrashed
    from ranch.exceptions import JobExpired as JobExpired
    from ranch.exceptions import JobFailed as JobFailed
    from ranch.exceptions import JobTimeout as JobTimeout
    from ranch.exceptions import LeaseLost as LeaseLost
    from ranch.exceptions import NoResult as NoResult
    from ranch.exceptions import QueueFull as QueueFull
    from ranch.exceptions import RanchError as RanchError
    from ranch.exceptions import ResultNotReady as ResultNotReady
    from ranch.exceptions import ResultUnknown as ResultUnknown
    from ranch.exceptions import SerializationError as SerializationError
    from ranch.exceptions import StrategyMismatch as StrategyMismatch
    from ranch.explain import Explanation as Explanation
    from ranch.letters import DeadLetter as DeadLetter
    from ranch.limits import Rate as Rate
    from ranch.metadata import LaneMetadata as LaneMetadata
    from ranch.model import Job as Job
    from ranch.model import Lane as Lane
    from ranch.model import Priority as Priority
    from ranch.policy import Policy as Policy
    from ranch.queue import Queue as Queue
    from ranch.retry import Retry as Retry
    from ranch.selection import Selection as Selection
    from ranch.serializers import SerializerType as SerializerType
    from ranch.worker import AsyncWorker as AsyncWorker
    from ranch.worker import Worker as Worker

# Imported when first asked for, so that a Celery app does not pay for asyncio, nor a script for Celery.
_HOMES = {
    "AsyncQueue": "ranch.aqueue",
    "AsyncWorker": "ranch.worker",
    "BackendError": "ranch.exceptions",
    "BackendUnavailable": "ranch.exceptions",
    "CircuitOpen": "ranch.exceptions",
    "ConfigError": "ranch.exceptions",
    "DeadLetter": "ranch.letters",
    "DecodeError": "ranch.exceptions",
    "Explanation": "ranch.explain",
    "FunctionResolutionError": "ranch.exceptions",
    "InvalidJob": "ranch.exceptions",
    "Job": "ranch.model",
    "JobCancelled": "ranch.exceptions",
    "JobCrashed": "ranch.exceptions",
    "JobExpired": "ranch.exceptions",
    "JobFailed": "ranch.exceptions",
    "JobTimeout": "ranch.exceptions",
    "LRUKeyMetadata": "ranch.celery",
    "LRUTask": "ranch.celery",
    "Lane": "ranch.model",
    "LaneMetadata": "ranch.metadata",
    "LeaseLost": "ranch.exceptions",
    "NoResult": "ranch.exceptions",
    "Policy": "ranch.policy",
    "Priority": "ranch.model",
    "Queue": "ranch.queue",
    "QueueFull": "ranch.exceptions",
    "Ranch": "ranch.celery",
    "RanchError": "ranch.exceptions",
    "Rate": "ranch.limits",
    "RedisStorage": "ranch.celery",
    "ResultNotReady": "ranch.exceptions",
    "ResultUnknown": "ranch.exceptions",
    "Retry": "ranch.retry",
    "Selection": "ranch.selection",
    "SerializationError": "ranch.exceptions",
    "SerializerType": "ranch.serializers",
    "StrategyMismatch": "ranch.exceptions",
    "Worker": "ranch.worker",
    "configure": "ranch.celery",
    "lane": "ranch.context",
    "lru_task": "ranch.celery",
}

__all__ = [
    "AsyncQueue",
    "AsyncWorker",
    "BackendError",
    "BackendUnavailable",
    "CircuitOpen",
    "ConfigError",
    "DeadLetter",
    "DecodeError",
    "Explanation",
    "FunctionResolutionError",
    "InvalidJob",
    "Job",
    "JobCancelled",
    "JobCrashed",
    "JobExpired",
    "JobFailed",
    "JobTimeout",
    "LRUKeyMetadata",
    "LRUTask",
    "Lane",
    "LaneMetadata",
    "LeaseLost",
    "NoResult",
    "Policy",
    "Priority",
    "Queue",
    "QueueFull",
    "Ranch",
    "RanchError",
    "Rate",
    "RedisStorage",
    "ResultNotReady",
    "ResultUnknown",
    "Retry",
    "Selection",
    "SerializationError",
    "SerializerType",
    "StrategyMismatch",
    "Worker",
    "__version__",
    "configure",
    "lane",
    "lru_task",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version("ranch-scheduler")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
