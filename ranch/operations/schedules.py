"""Schedules: declared, changed, and fired by whoever claims."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from attrs import evolve

from ranch.checks import checked_count, checked_key
from ranch.exceptions import InvalidJob
from ranch.operations.core import Core
from ranch.schedule import PATIENCE, Missed, Schedule
from ranch.steps import Steps
from ranch.timetable import Timetable

log = logging.getLogger("ranch")


class ScheduleOperations(Core):
    """Operations on the jobs that are enqueued again and again."""

    __slots__ = ()

    def schedule(
        self,
        cron: str | None,
        payload: Any,
        *,
        name: str,
        lane: str,
        every: float | None,
        timezone: str,
        missed: Missed,
        grace: float,
        **options: Any,
    ) -> Steps[Schedule]:
        if options.get("delay"):
            raise InvalidJob("the job of a schedule is ready when it is due: it has no delay")
        job = self.new_job(lane, payload, **options)
        timetable = Timetable(cron=cron, every=every, timezone=timezone)
        wanted = Schedule(name=name, timetable=timetable, job=job, missed=missed, grace=grace, next_at=0.0)

        def declare(seen: Schedule | None, now: float) -> Schedule:
            if seen and seen.timetable == timetable:
                # A run that is due, and the beat of an interval, outlast a new payload.
                times, next_at = seen.timetable, seen.next_at
            else:
                times = evolve(timetable, start=now)
                next_at = next(times.after(now))
            declared = evolve(wanted, timetable=times, next_at=next_at)
            return evolve(declared, last_at=seen.last_at, paused=seen.paused) if seen else declared

        declared = yield from self._change(name, declare)
        assert declared is not None, "a schedule that was declared is there"
        return declared

    def read_schedules(self) -> Steps[Sequence[Schedule]]:
        return (yield from self.lanes.schedules()).schedules

    def read_schedule(self, name: str) -> Steps[Schedule | None]:
        plan = yield from self.lanes.schedules([checked_key(name, "schedule")])
        return plan.schedules[0] if plan.schedules else None

    def pause_schedule(self, name: str, *, paused: bool) -> Steps[bool]:
        def change(seen: Schedule | None, now: float) -> Schedule | None:
            if seen is None or seen.paused == paused:
                return seen
            return evolve(seen, paused=True) if paused else seen.resumed(now)

        return (yield from self._change(name, change)) is not None

    def remove_schedule(self, name: str) -> Steps[bool]:
        was_there = False

        def change(seen: Schedule | None, _now: float) -> None:
            nonlocal was_there
            # Looked at again, it may be gone since the answer to its removal was lost.
            was_there = was_there or seen is not None

        yield from self._change(name, change)
        return was_there

    def next_times(self, name: str, count: int) -> Steps[Sequence[float]]:
        checked_count(count, "ask for", " of times")
        schedule = yield from self.read_schedule(name)
        if schedule is None:
            raise InvalidJob(f"queue {self.name!r} has no schedule {name!r}")
        if schedule.paused:
            return []
        return [schedule.next_at, *islice(schedule.timetable.after(schedule.next_at), count - 1)]

    def fire(self, names: Sequence[str]) -> Steps[int]:
        """Enqueue the jobs of schedules that are due, and return how many there were.

        Somebody else may have done it meanwhile. One that cannot be fired here stays due, and is told of again; nothing
        is raised, for jobs may have been claimed with the same call.
        """
        fired = 0
        for name in names:
            try:
                fired += yield from self._fire(name)
            except Exception as exc:  # noqa: BLE001 - such as the store's, or a schedule that a newer ranch has stored
                log.warning(
                    "schedule %r of queue %r is due and cannot be fired, next attempt in %.0f s: %s",
                    *(name, self.name, PATIENCE, exc),
                )
        return fired

    def _fire(self, name: str) -> Steps[int]:
        plan = yield from self.lanes.schedules([name])
        for seen in plan.schedules:
            if seen.paused or seen.next_at > plan.now:
                continue
            began = time.monotonic()
            after, runs = seen.fired(plan.now)
            receipt = yield from self.lanes.replan(seen, after, runs)
            if receipt is not None:
                self.tell_enqueued(receipt, began)
                return len(runs)
        return 0

    def _change(self, name: str, change: Callable[[Schedule | None, float], Schedule | None]) -> Steps[Schedule | None]:
        """Change a schedule, and do it again if somebody else has changed it meanwhile."""
        while True:
            plan = yield from self.lanes.schedules([checked_key(name, "schedule")])
            seen = plan.schedules[0] if plan.schedules else None
            after = change(seen, plan.now)
            if after == seen or (yield from self.lanes.replan(seen, after)) is not None:
                return after
