"""When a schedule is due: by a cron line in a time zone, or every so many seconds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import takewhile
from typing import Final
from zoneinfo import ZoneInfo

from attrs import field, frozen
from cronsim import CronSim, CronSimError

from ranch.checks import checked_number
from ranch.exceptions import InvalidJob

#: The columns of a cron line, as the parser's complaints name them.
COLUMNS: Final = ("minute", "hour", "day-of-month", "month", "day-of-week")
#: Seconds. A schedule is not due more often.
SHORTEST: Final = 1.0
# Seconds before a time in which the last run before it is looked for first.
_FIRST_LOOK: Final = 60.0


def _checked_every(every: object) -> float | None:
    if every is not None and checked_number(every, "every") < SHORTEST:
        raise InvalidJob(f"every is at least {SHORTEST:g} second, not {every!r}")
    return None if every is None else checked_number(every, "every")


def _checked_zone(name: object) -> str:
    if not isinstance(name, str):
        raise InvalidJob(f"a time zone is named by a str such as 'Europe/Berlin', not by {name!r}")
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as exc:
        raise InvalidJob(f"there is no time zone {name!r}: names are as in 'Europe/Berlin', 'UTC'") from exc
    return name


@frozen(kw_only=True)
class Timetable:
    """The times at which a schedule is due, in seconds since the epoch; exactly one of `cron` and `every` is given.

    Cron lines have Debian's columns and its ways with summer time. A line with a star neither in front of its minute
    nor of its hour names times of day: one that the clocks leave out is due when they go on, once; one that they show
    twice is due the first time only. Any other goes by what the clocks show, so it is due in the repeated hour again
    and not in the one left out.

    Raises:
        InvalidJob: A value cannot be; of a cron line the column is named.
    """

    cron: str | None = None
    #: Seconds between runs, at least `SHORTEST`, from `start` on.
    every: float | None = field(default=None, converter=_checked_every)
    #: In which a cron line is read.
    timezone: str = field(default="UTC", converter=_checked_zone)
    #: From where `every` counts.
    start: float = field(default=0.0, eq=False)

    def __attrs_post_init__(self) -> None:
        if (self.cron is None) == (self.every is None):
            raise InvalidJob("a schedule is due by a cron line, or every so many seconds: give one of them")
        if self.cron is not None:
            _check_line(self.cron)

    def after(self, at: float) -> Iterator[float]:
        """Return the times after this one, in their order, without an end."""
        return self._each_after(at) if self.cron is None else self._line_after(self.cron, at)

    def last(self, since: float, until: float) -> float:
        """Return the last of the times not after `until`, or `since`, which is one of them."""
        look = _FIRST_LOOK
        while until - look > since:
            if times := list(takewhile(lambda at: at <= until, self.after(until - look))):
                return times[-1]
            look *= 2
        return max([since, *takewhile(lambda at: at <= until, self.after(since))])

    def _each_after(self, at: float) -> Iterator[float]:
        # In whole milliseconds, as stores keep times: a float would drift.
        step, start = round((self.every or 0) * 1000), round(self.start * 1000)
        at_ms = start + ((round(at * 1000) - start) // step + 1) * step
        while True:
            yield at_ms / 1000
            at_ms += step

    def _line_after(self, cron: str, at: float) -> Iterator[float]:
        last = at
        try:
            for due in CronSim(cron, datetime.fromtimestamp(at, ZoneInfo(self.timezone))):
                # In an hour that clocks show twice, it begins to look at the first of the two.
                if (found := due.timestamp()) > last:
                    yield found
                    last = found
        except CronSimError as exc:
            raise InvalidJob(f"cron line {cron!r}: {exc}") from exc
        raise InvalidJob(f"cron line {cron!r} is due on no day of the next 50 years")

    def __str__(self) -> str:
        return f"every {self.every:g} s" if self.cron is None else f"{self.cron} ({self.timezone})"


def _check_line(line: object) -> None:
    """Refuse a line whose columns cannot be, and say which."""
    if not isinstance(line, str):
        raise InvalidJob(f"a cron line is a str such as '0 9 * * *', not {line!r}; for seconds there is `every`")
    parts = line.split()
    if len(parts) != len(COLUMNS):
        raise InvalidJob(f"cron line {line!r} has {len(parts)} columns; there are five: {', '.join(COLUMNS)}")
    try:
        CronSim(line, datetime(2000, 1, 1))  # noqa: DTZ001 - it is only read
    except CronSimError as exc:
        # It says "Bad hour", and nothing more.
        column = str(exc).removeprefix("Bad ")
        number = COLUMNS.index(column)
        raise InvalidJob(f"cron line {line!r}: column {number + 1}, the {column}, cannot be {parts[number]!r}") from exc
