"""The schedules of a queue, blocking and awaited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from attrs import field, frozen

from ranch.operations import Operations
from ranch.schedule import Schedule
from ranch.steps import Steps, adrive, drive

R = TypeVar("R")


@frozen
class Schedules:
    """What `Queue.schedule` has declared: looked at, paused, removed."""

    _operations: Operations = field(repr=False)

    def list(self) -> Sequence[Schedule]:
        """Read all of them, sorted by name. One round trip."""
        return self._drive(self._operations.read_schedules())

    def get(self, name: str) -> Schedule | None:
        """Read one; None if there is none. One round trip."""
        return self._drive(self._operations.read_schedule(name))

    def pause(self, name: str) -> bool:
        """Let a schedule enqueue nothing until it is resumed; return whether there is one. Two round trips.

        Jobs that it has enqueued before run.
        """
        return self._drive(self._operations.pause_schedule(name, paused=True))

    def resume(self, name: str) -> bool:
        """Let it go on from now; return whether there is one. Two round trips.

        What it was due for while it was paused is not made up for.
        """
        return self._drive(self._operations.pause_schedule(name, paused=False))

    def remove(self, name: str) -> bool:
        """Remove it; return whether there was one. Jobs that it has enqueued before run. Two round trips."""
        return self._drive(self._operations.remove_schedule(name))

    def next(self, name: str, count: int = 1) -> Sequence[float]:
        """Tell when a schedule is due next, in seconds since the epoch; at no time while it is paused. One round trip.

        Args:
            name: Of the schedule.
            count: How many times are told.

        Raises:
            InvalidJob: There is no such schedule.
        """
        return self._drive(self._operations.next_times(name, count))

    def _drive(self, steps: Steps[R]) -> R:
        return drive(self._operations.backend, steps)


@frozen
class AsyncSchedules:
    """As `Schedules`, awaited."""

    _operations: Operations = field(repr=False)

    async def list(self) -> Sequence[Schedule]:
        """As `Schedules.list`."""
        return await self._drive(self._operations.read_schedules())

    async def get(self, name: str) -> Schedule | None:
        """As `Schedules.get`."""
        return await self._drive(self._operations.read_schedule(name))

    async def pause(self, name: str) -> bool:
        """As `Schedules.pause`."""
        return await self._drive(self._operations.pause_schedule(name, paused=True))

    async def resume(self, name: str) -> bool:
        """As `Schedules.resume`."""
        return await self._drive(self._operations.pause_schedule(name, paused=False))

    async def remove(self, name: str) -> bool:
        """As `Schedules.remove`."""
        return await self._drive(self._operations.remove_schedule(name))

    async def next(self, name: str, count: int = 1) -> Sequence[float]:
        """As `Schedules.next`."""
        return await self._drive(self._operations.next_times(name, count))

    async def _drive(self, steps: Steps[R]) -> R:
        return await adrive(self._operations.backend, steps)
