"""The rows of schedules, and how the operations reach them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from attrs import define


@define(eq=False)
class ScheduleRow:
    """A schedule as it is stored."""

    name: str
    text: str
    #: When it is looked at next, if it is.
    look_at: float | None


class ScheduleTables(Protocol):
    """The part of `Tables` that is of schedules, by their names."""

    def schedule(self, name: str) -> ScheduleRow | None: ...

    def schedules(self) -> Iterable[ScheduleRow]: ...

    def put_schedule(self, schedule: ScheduleRow) -> None: ...

    def drop_schedule(self, name: str) -> None: ...
