"""What can go wrong, as one family: every error that ranch raises is a `RanchError`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ranch.choice import StrategyChoice


_PASSWORD: Final = re.compile(r"(://[^\s/@:'\"]*:)[^\s/@'\"]*(?=@)|(password=)[^\s&'\"]*")


def without_passwords(text: str) -> str:
    """Return a text with stars for the passwords of URLs in it: logs are read by many."""
    return _PASSWORD.sub(lambda found: f"{found[1] or found[2]}***", text)


class RanchError(Exception):
    """Something in ranch went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or cleandoc(type(self).__doc__ or "").splitlines()[0])


class ConfigError(RanchError, ValueError):
    """The configuration is wrong.

    All faults of one configuration are reported together, in `problems`, one sentence each, without passwords.
    """

    def __init__(self, problems: str | Iterable[str], where: str = "configuration") -> None:
        told = [problems] if isinstance(problems, str) else problems
        self.problems: list[str] = [without_passwords(problem) for problem in told]
        self.where = where
        text = self.problems[0] if len(self.problems) == 1 else "".join(f"\n  - {problem}" for problem in self.problems)
        super().__init__(f"{where}:{text}" if len(self.problems) > 1 else f"{where}: {text}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems, self.where)


class UnknownName(ConfigError):
    """A name that no plugin gives."""


class StrategyMismatch(ConfigError):
    """The queue has another strategy than this process was told.

    Both are in it as `StrategyChoice`: `stored`, the queue's, and `own`. Nothing was changed.
    """

    def __init__(self, stored: StrategyChoice, own: StrategyChoice) -> None:
        self.stored, self.own = stored, own
        super().__init__(
            f"the queue is served by {stored}, and this process was told {own}: give all that use the queue the same "
            "one, or set it while they run, with set_strategy or `ranch strategy`",
            where="strategy",
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.stored, self.own)


class PluginError(RanchError):
    """A plugin cannot be used."""


class InvalidJob(RanchError, ValueError):
    """A job, a lane or a schedule was described with a value that cannot be; nothing was stored."""


class QueueFull(RanchError):
    """No more jobs may wait; nothing was stored.

    `lane` is the lane that is full, None if the whole queue is; `limit` its `max_pending`.
    """

    def __init__(self, lane: str | None, limit: int) -> None:
        self.lane, self.limit = lane, limit
        what = "the queue" if lane is None else f"lane {lane!r}"
        super().__init__(
            f"no more than {limit} jobs may wait in {what}: nothing was stored. Try again later, raise max_pending, "
            "or let a lane drop its oldest jobs with overflow='drop-oldest'"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.lane, self.limit)


class SerializationError(RanchError):
    """A payload cannot be turned into bytes, or bytes into a payload."""


class DecodeError(SerializationError):
    """The payload of a job, `job_id`, cannot be decoded: no attempt to run it can do better."""

    def __init__(self, job_id: str, why: str) -> None:
        self.job_id, self.why = job_id, why
        super().__init__(f"the payload of job {job_id} cannot be decoded: {why}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.job_id, self.why)


class LeaseLost(RanchError):
    """The lease is no longer yours: it was settled before, or it expired and the job was taken back.

    Nothing was changed for the leases named in `job_ids`.
    """

    def __init__(self, job_ids: Sequence[str]) -> None:
        self.job_ids = tuple(job_ids)
        jobs = ", ".join(self.job_ids)
        super().__init__(
            f"no longer the owner of job {jobs}: its lease was settled before, or it expired and the job was taken "
            "back. Nothing was changed. If the work takes longer than the lease, renew it or claim with a longer one"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.job_ids,)


class BackendError(RanchError):
    """The backend refused an operation."""


class BackendUnavailable(BackendError):
    """The backend cannot be reached."""


class FunctionResolutionError(RanchError):
    """The function of a job cannot be found, or may not be run here; `reason` is that of the dead letter."""

    def __init__(self, path: str, why: str, reason: str = "no such task") -> None:
        self.path, self.why, self.reason = path, why, reason
        super().__init__(f"{path} {why}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.why, self.reason)


class JobTimeout(RanchError, TimeoutError):
    """The job ran longer than its timeout."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"the job ran longer than its timeout of {seconds:g} seconds")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.seconds,)


class JobCrashed(RanchError):
    """The process that ran the job ended before the job did."""


class NoResult(RanchError):
    """There is no result of the job `job_id` to be had; which child this is says why."""

    def __init__(self, job_id: str, message: str | None = None, *details: Any) -> None:
        self.job_id, self._details = job_id, details
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.job_id, *self._details)


class ResultUnknown(NoResult):
    """There is no such job, and nothing is kept of how it ended: never, or not any more."""

    def __init__(self, job_id: str, why: str) -> None:
        super().__init__(job_id, f"nothing is known of a result of job {job_id}: {why}", why)
        self.why = why


class ResultNotReady(NoResult, TimeoutError):
    """The job has not ended in the time that there was to wait."""

    def __init__(self, job_id: str, timeout: float) -> None:
        super().__init__(job_id, f"job {job_id} has not ended within {timeout:g} seconds; it may yet", timeout)
        self.timeout = timeout


class JobFailed(NoResult):
    """The job was given up: `reason` and `error` are those of its dead letter, `traceback` is where it failed."""

    def __init__(self, job_id: str, reason: str, error: str, traceback: str) -> None:
        message = f"job {job_id}: {reason}: {error}" if error else f"job {job_id}: {reason}"
        super().__init__(job_id, message, reason, error, traceback)
        self.reason, self.error, self.traceback = reason, error, traceback


class JobCancelled(NoResult):
    """The job was removed before it ran: cancelled or purged, or dropped to make room for another one."""

    def __init__(self, job_id: str, how: str) -> None:
        super().__init__(job_id, f"job {job_id} was {how} before it ran", how)
        self.how = how


class JobExpired(NoResult):
    """The job has expired before it was done."""

    def __init__(self, job_id: str) -> None:
        super().__init__(job_id, f"job {job_id} has expired before it was done")


class CircuitOpen(RanchError):
    """A circuit breaker is open: the call was not made, and none will be for the next `seconds`."""

    def __init__(self, name: str, seconds: float, error: str) -> None:
        self.name, self.seconds, self.error = name, seconds, error
        super().__init__(f"{name} failed too often, and is not called for another {seconds:.1f} s: {error}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, self.seconds, self.error)


class PluginWarning(UserWarning):
    """A plugin is left out."""
