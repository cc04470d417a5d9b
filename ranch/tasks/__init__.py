"""Tasks: functions that a queue's jobs call."""

from __future__ import annotations

from ranch.tasks.call import CallOptions, TaskCall
from ranch.tasks.entry import AsyncTasks, BlockingTasks
from ranch.tasks.functions import imported, path_of
from ranch.tasks.job import TaskJob
from ranch.tasks.recurrence import Recurrence
from ranch.tasks.registry import Registry
from ranch.tasks.task import Task, scheduled

__all__ = [
    "AsyncTasks",
    "BlockingTasks",
    "CallOptions",
    "Recurrence",
    "Registry",
    "Task",
    "TaskCall",
    "TaskJob",
    "imported",
    "path_of",
    "scheduled",
]
