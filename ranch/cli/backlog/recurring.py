"""The lines that schedules make in a backlog's file."""

from __future__ import annotations

from typing import Literal

from attrs import asdict, field, frozen

from ranch.cli.backlog.stored import PayloadLine, checked_moment, checked_time, described
from ranch.schedule import Missed, Schedule
from ranch.timetable import Timetable


@frozen(kw_only=True)
class ScheduleLine(PayloadLine):
    """A schedule, with when it is due next."""

    kind: Literal["schedule"] = "schedule"
    name: str
    cron: str | None = None
    every: float | None = None
    timezone: str
    start: float = field(converter=checked_moment)
    missed: Missed
    grace: float
    next_at: float = field(converter=checked_moment)
    last_at: float | None = field(default=None, converter=checked_time)
    paused: bool
    #: Of the jobs, from their enqueue on.
    expires: float | None = None
    dedup_for: float | None = None

    def __attrs_post_init__(self) -> None:
        _ = self.schedule

    @classmethod
    def of(cls, schedule: Schedule) -> ScheduleLine:
        """Describe a schedule."""
        job = schedule.job
        return cls(
            name=schedule.name,
            missed=schedule.missed,
            grace=schedule.grace,
            next_at=schedule.next_at,
            last_at=schedule.last_at,
            paused=schedule.paused,
            expires=job.expires,
            dedup_for=job.dedup_for,
            **asdict(schedule.timetable),
            **described(job),
        )

    @property
    def schedule(self) -> Schedule:
        """What is stored."""
        return Schedule(
            name=self.name,
            timetable=Timetable(cron=self.cron, every=self.every, timezone=self.timezone, start=self.start),
            job=self.new(self.dedup_key, expires=self.expires, dedup_for=self.dedup_for),
            missed=self.missed,
            grace=self.grace,
            next_at=self.next_at,
            last_at=self.last_at,
            paused=self.paused,
        )
