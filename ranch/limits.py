"""What a lane or a queue may do, kept in the backend and obeyed by all workers at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from attrs import asdict, evolve, field, fields_dict, frozen

from ranch.checks import checked_count, checked_number, did_you_mean
from ranch.exceptions import InvalidJob

_PERIODS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_RATE: Final = re.compile(r"\s*(\d+)\s*/\s*([smhd])\s*")


def _jobs(value: object) -> int:
    return checked_count(value, "a rate is")


def _burst(value: object) -> int:
    return checked_count(value, "a burst is")


def _period(value: object) -> float:
    return checked_number(value, "the period of a rate", positive=True)


@frozen
class Rate:
    """So many jobs in a period: a token bucket that holds `burst` tokens and gets `jobs` new ones in `per` seconds.

    With a burst of 1 claims are spread evenly, and in no period there are more than ``jobs + 1``.
    """

    jobs: int = field(converter=_jobs)
    #: Seconds.
    per: float = field(default=1.0, converter=_period)
    #: How many may be claimed at once after a pause.
    burst: int = field(default=1, converter=_burst)

    @classmethod
    def of(cls, value: object) -> Rate:
        """Return the rate that is meant: one as it is, or a text such as ``"10/s"``, ``"100/m"`` or ``"5/h"``."""
        if isinstance(value, Rate):
            return value
        if isinstance(value, str) and (found := _RATE.fullmatch(value)):
            return cls(int(found[1]), _PERIODS[found[2]])
        raise InvalidJob(f"a rate is a Rate or a text such as '10/s', '100/m', '5/h' or '1/d', not {value!r}")

    @property
    def interval_ms(self) -> float:
        """Milliseconds from one token to the next."""
        return self.per * 1000 / self.jobs

    @property
    def tolerance_ms(self) -> float:
        """How far ahead of an even pace claims may run, in milliseconds."""
        return (self.burst - 1) * self.interval_ms

    def __str__(self) -> str:
        burst = f", {self.burst} at once" if self.burst > 1 else ""
        return f"{self.jobs} in {self.per:g} s{burst}"


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidJob(f"paused is True or False, not {value!r}")
    return value


def _in_flight(value: object) -> int | None:
    return None if value is None else checked_count(value, "max_in_flight is")


def _pending(value: object) -> int | None:
    return None if value is None else checked_count(value, "max_pending is")


def _rate(value: object) -> Rate | None:
    return None if value is None else Rate.of(value)


def _seconds(value: object) -> float | None:
    return None if value is None else checked_number(value, "expires", positive=True)


def _overflow(value: object) -> str:
    if value not in {"raise", "drop-oldest"}:
        raise InvalidJob(f"overflow is 'raise' or 'drop-oldest', not {value!r}")
    return str(value)


@frozen(kw_only=True)
class Limits:
    """What a lane, or a whole queue, may do. By default all it likes."""

    #: Nothing is claimed.
    paused: bool = field(default=False, converter=_flag)
    #: Jobs leased at a time, in all workers together.
    max_in_flight: int | None = field(default=None, converter=_in_flight)
    #: Jobs claimed in a period.
    rate: Rate | None = field(default=None, converter=_rate)
    #: Jobs that are ready to be claimed. A delayed one that falls due, and one that comes back, find room all the same.
    max_pending: int | None = field(default=None, converter=_pending)
    #: What an enqueue does that would go over it: ``"raise"`` `QueueFull`, or ``"drop-oldest"``: cancel the lane's next
    #: job for each new one. A queue knows only the first.
    overflow: str = field(default="raise", converter=_overflow)
    #: Seconds that a job enqueued from now on waits at most, if it says nothing else.
    expires: float | None = field(default=None, converter=_seconds)

    def changed(self, changes: Mapping[str, Any]) -> Limits:
        """Return the limits after a change: what is None is lifted, what is not named stays.

        Raises:
            InvalidJob: A name is none of a limit, or a value cannot be.
        """
        limits = fields_dict(Limits)
        for name in changes:
            if name not in limits:
                near = did_you_mean(name, limits)
                raise InvalidJob(f"there is no limit {name!r}{near or '; there are ' + ', '.join(limits)}")
        after = evolve(self, **{n: limits[n].default if value is None else value for n, value in changes.items()})
        return NONE if after == NONE else after

    def as_dict(self) -> dict[str, Any]:
        """Return what is limited, as JSON can hold it."""
        return {name: value for name, value in asdict(self).items() if value != fields_dict(Limits)[name].default}


#: No limits; what `Limits.changed` returns if there are none left.
NONE: Final = Limits()


def checked_limits(changes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a change of limits whose values are as `Limits` holds them, and None where one is lifted."""
    after = NONE.changed(changes or {})
    return {name: None if value is None else getattr(after, name) for name, value in (changes or {}).items()}
