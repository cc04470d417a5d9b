"""A schedule: a job that is enqueued again and again, at times said beforehand."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from itertools import chain, islice, takewhile
from typing import Final, Literal, TypeAlias, get_args

from attrs import asdict, evolve, field, frozen

from ranch.checks import checked_key, checked_number
from ranch.exceptions import InvalidJob
from ranch.model import NewJob
from ranch.timetable import Timetable

#: What becomes of runs that nobody was there for.
Missed: TypeAlias = Literal["skip", "one", "all"]

#: How many runs are made up for at once; those left follow at once.
RUNS_PER_CALL: Final = 100
#: Seconds after which a run that nobody fired is one that was missed.
GRACE: Final = 60.0
#: Seconds for which whoever was told that a schedule is due has time to fire it, before another one is told.
PATIENCE: Final = 5.0


def _checked_name(name: object) -> str:
    return checked_key(name, "schedule")


def _checked_grace(grace: object) -> float:
    return checked_number(grace, "grace")


def _checked_missed(missed: object) -> Missed:
    if missed not in get_args(Missed):
        raise InvalidJob(f"missed is 'skip', 'one' or 'all', not {missed!r}")
    return missed  # type: ignore[return-value]  # it is one of them


@frozen(kw_only=True)
class Schedule:
    """A job, and when it is to be enqueued; as the store has it."""

    #: Unique in its queue.
    name: str = field(converter=_checked_name)
    timetable: Timetable
    job: NewJob
    #: See `Queue.schedule`.
    missed: Missed = field(default="one", converter=_checked_missed)
    #: Seconds.
    grace: float = field(default=GRACE, converter=_checked_grace)
    #: When it is due next, in seconds since the epoch.
    next_at: float
    #: When it was due last, since it is there.
    last_at: float | None = None
    #: Whether nothing is enqueued until it is resumed.
    paused: bool = False

    @property
    def looked_at(self) -> float | None:
        """When somebody is to look at it, if anybody is."""
        return None if self.paused else self.next_at

    def resumed(self, now: float) -> Schedule:
        """Return it as it goes on from now; what was missed before is not made up for."""
        return evolve(self, paused=False, next_at=next(self.timetable.after(now)))

    def fired(self, now: float) -> tuple[Schedule, Sequence[float]]:
        """Return it as it is once it was fired now, and the times of the runs to enqueue its job for."""
        timetable, runs = self.timetable, [self.next_at]
        if self.missed == "all":
            times = chain(runs, timetable.after(self.next_at))
            runs = list(islice(takewhile(lambda at: at <= now, times), RUNS_PER_CALL))
        else:
            runs = [timetable.last(self.next_at, now)]
        last = runs[-1]
        if self.missed == "skip" and now - last > self.grace:
            runs = []
        return evolve(self, last_at=last, next_at=next(timetable.after(last))), runs

    @classmethod
    def read(cls, text: str | bytes) -> Schedule:
        """Return the schedule of which this is the `text`."""
        fields = json.loads(text)
        job = fields.pop("job")
        body = b64decode(job.pop("body"))
        return cls(timetable=Timetable(**fields.pop("timetable")), job=NewJob(body=body, **job), **fields)

    @property
    def text(self) -> str:
        """All of it; the same text for the same schedule."""
        fields = asdict(self)
        fields["job"]["body"] = b64encode(self.job.body).decode()
        return json.dumps(fields, sort_keys=True)
