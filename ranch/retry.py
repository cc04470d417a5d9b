"""When to try a failed job again, and when to give it up.

A `Retry` computes and does not wait, for between two attempts the job is in the backend, where another process may take
it. The libraries that retry in Python (tenacity, stamina, backoff) wrap a call: they sleep between the attempts, and
what they wait for is asked of the state of that call, with its function, its arguments and its start on this process's
clock. None of that is there when a job has failed, and what is left of them without it is the one line of each schedule
below.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from attrs import asdict, field, fields_dict, frozen

from ranch.checks import checked_count, checked_number
from ranch.exceptions import InvalidJob

#: Seconds to wait after the n-th failure, n from 1 on; None gives the job up.
Schedule: TypeAlias = Callable[[int], "float | None"]


def _checked_attempts(value: object) -> int | None:
    return None if value is None else checked_count(value, "max_attempts is", of="")


def _checked_timeout(value: object) -> float | None:
    return None if value is None else checked_number(value, "timeout", positive=True)


def _checked_jitter(value: object) -> float:
    jitter = checked_number(value, "jitter")
    if jitter > 1:
        raise InvalidJob(f"jitter is a part of the delay, from 0 to 1, not {value!r}")
    return jitter


def _checked_delay(value: object) -> float:
    return checked_number(value, "a delay")


def _checked_delays(values: Sequence[object]) -> tuple[float, ...]:
    return tuple(_checked_delay(value) for value in values)


def _checked_base(value: object) -> float:
    base = checked_number(value, "base")
    if base < 1:
        raise InvalidJob(f"base is what delays are multiplied by, at least 1, not {value!r}")
    return base


@frozen
class Fixed:
    """Always the same delay."""

    delay: float = field(converter=_checked_delay)

    def __call__(self, failures: int) -> float:
        return self.delay


@frozen
class Exponential:
    """A delay that is multiplied from each failure to the next, up to a limit."""

    base: float = field(converter=_checked_base)
    min_delay: float = field(converter=_checked_delay)
    max_delay: float = field(converter=_checked_delay)

    def __attrs_post_init__(self) -> None:
        if self.max_delay < self.min_delay:
            raise InvalidJob(f"max_delay, {self.max_delay!r}, is less than min_delay, {self.min_delay!r}")

    def __call__(self, failures: int) -> float:
        try:
            return min(self.max_delay, self.min_delay * self.base ** (failures - 1))
        except OverflowError:
            return self.max_delay


@frozen
class Listed:
    """One delay for each failure; the last one for all that follow."""

    delays: tuple[float, ...] = field(converter=_checked_delays)

    def __attrs_post_init__(self) -> None:
        if not self.delays:
            raise InvalidJob("a list of delays has at least one: a job that is not to be tried again has Retry.never()")

    def __call__(self, failures: int) -> float:
        return self.delays[min(failures, len(self.delays)) - 1]


@frozen(kw_only=True)
class Retry:
    """When to try again. Made by `fixed`, `exponential`, `custom` or `never`.

    Raises:
        InvalidJob: A value cannot be.
    """

    schedule: Schedule
    #: How often a job may be run in all, the first time included; None: as often as the schedule says.
    max_attempts: int | None = field(default=5, converter=_checked_attempts)
    #: Seconds after it was enqueued in which a job may be tried again; None: for ever.
    timeout: float | None = field(default=None, converter=_checked_timeout)
    #: What part of each delay is left to chance, so that jobs that failed together do not come back together:
    #: 0.1 waits for 90 to 100 % of it, 1 for anything up to it. Never longer.
    jitter: float = field(default=0.0, converter=_checked_jitter)

    @classmethod
    def fixed(
        cls, delay: float, *, max_attempts: int | None = 5, timeout: float | None = None, jitter: float = 0.0
    ) -> Retry:
        """Try again every `delay` seconds."""
        return cls(schedule=Fixed(delay), max_attempts=max_attempts, timeout=timeout, jitter=jitter)

    @classmethod
    def exponential(
        cls,
        base: float = 2.0,
        *,
        min_delay: float = 1.0,
        max_delay: float = 60.0,
        max_attempts: int | None = 5,
        timeout: float | None = None,
        jitter: float = 0.1,
    ) -> Retry:
        """Try again after `min_delay` seconds, then after `base` times as many, and so on up to `max_delay`."""
        return cls(
            schedule=Exponential(base, min_delay, max_delay), max_attempts=max_attempts, timeout=timeout, jitter=jitter
        )

    @classmethod
    def custom(
        cls,
        delays: Sequence[float] | Schedule,
        *,
        max_attempts: int | None = None,
        timeout: float | None = None,
        jitter: float = 0.0,
    ) -> Retry:
        """Try again after delays of your own.

        Args:
            delays: Seconds to wait after the first failure, the second and so on, and once each unless `max_attempts`
                says otherwise: then the last of them is repeated. Or a function: of the number of failures, which
                returns seconds, or None to give the job up.
            max_attempts: How often the job may be run in all.
            timeout: Seconds after it was enqueued in which a job may be tried again.
            jitter: What part of each delay is left to chance.
        """
        if callable(delays):
            schedule: Any = delays
        elif isinstance(delays, Sequence) and not isinstance(delays, str):
            schedule = Listed(delays)
            max_attempts = len(delays) + 1 if max_attempts is None else max_attempts
        else:
            raise InvalidJob(f"delays are a list of seconds, or a function of the failures, not {delays!r}")
        return cls(schedule=schedule, max_attempts=max_attempts, timeout=timeout, jitter=jitter)

    @classmethod
    def never(cls) -> Retry:
        """Give a job up when it fails for the first time."""
        return cls(schedule=Fixed(0.0), max_attempts=1)

    def to_dict(self) -> dict[str, Any]:
        """Return it as a mapping of JSON values, for `from_dict`.

        Raises:
            InvalidJob: Its delays are a function, which cannot be written down.
        """
        if not isinstance(self.schedule, (Fixed, Exponential, Listed)):
            raise InvalidJob(f"delays that are a function, {self.schedule!r}, cannot be stored: give them to the task")
        return {**asdict(self.schedule), **{name: getattr(self, name) for name in _NUMBERS}}

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Retry:
        """Return what `to_dict` has written.

        Raises:
            InvalidJob: It is something else.
        """
        if isinstance(said, Mapping):
            numbers = {name: said[name] for name in _NUMBERS if name in said}
            words = {name: said[name] for name in said if name not in _NUMBERS}
            for kind, names in _SCHEDULES.items():
                if names == {*words}:
                    return cls(schedule=kind(**words), **numbers)
        raise InvalidJob(f"a retry is made by Retry.fixed, exponential, custom or never, not {said!r}")

    def delay(self, failures: int, elapsed: float = 0.0) -> float | None:
        """Return how many seconds a job waits before it is tried again, or None if it is given up.

        Args:
            failures: How often it has failed, this time included.
            elapsed: Seconds since it was enqueued.
        """
        checked_count(failures, "failures are", of="")
        if self.max_attempts is not None and failures >= self.max_attempts:
            return None
        delay = self.schedule(failures)
        if delay is None:
            return None
        delay = checked_number(delay, "the delay that a retry's function returned")
        delay *= 1 - self.jitter * random.random()
        return None if self.timeout is not None and elapsed + delay > self.timeout else delay


_NUMBERS: Final = ("max_attempts", "timeout", "jitter")
#: The schedules that can be written down, and the names of what is said of each.
_SCHEDULES: Final[Mapping[type[Any], set[str]]] = {kind: {*fields_dict(kind)} for kind in (Fixed, Exponential, Listed)}

#: What holds if nothing else is said: five attempts, after 1, 2, 4 and 8 seconds, or up to a tenth sooner.
DEFAULT: Final = Retry.exponential()


def checked_retry(value: object) -> Retry | None:
    """Return a retry as it is, and None for none.

    Raises:
        InvalidJob: It is something else.
    """
    if value is None or isinstance(value, Retry):
        return value
    raise InvalidJob(f"a retry is made by Retry.fixed, exponential, custom or never, not {value!r}")
