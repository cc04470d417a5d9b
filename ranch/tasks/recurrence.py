"""What is said of a task's schedule beside its cron line, its name and its lane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from ranch.schedule import Missed


class Recurrence(TypedDict, total=False):
    """The keyword arguments of `Task.schedule`."""

    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    every: float | None
    timezone: str
    missed: Missed
    grace: float
