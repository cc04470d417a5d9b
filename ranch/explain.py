"""Why a job runs, or does not: where it stands, as data and in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any, Literal

from attrs import asdict, frozen

from ranch.answers import Standing, StoredJob
from ranch.letters import DeadLetter, Death
from ranch.limits import NONE, Limits
from ranch.model import Lane

#: What keeps a lane or a queue, in words; with its limits and the time from which on it may go on.
_HOLDS = {
    "paused": "paused",
    "max_in_flight": "at its cap of {cap}",
    "rate": "at its rate of {rate}",
}


@frozen(kw_only=True)
class Explanation:
    """Where a job or a lane stands. ``str()`` of it says it in words.

    Times are seconds since the epoch by the backend's clock. It is read in a few round trips, between which jobs may
    have moved on.
    """

    queue: str
    #: None if there is no such job.
    lane: str | None = None
    #: None if it was a lane that was asked about.
    job_id: str | None = None
    #: Of a job ``"ready"``, ``"delayed"``, ``"leased"`` or ``"dead"``; ``"unknown"`` if it is not there (any more).
    #: Of a lane ``"backlogged"``, ``"blocked"`` (it has ready jobs, and a limit keeps it) or ``"idle"``.
    state: Literal["ready", "delayed", "leased", "dead", "unknown", "backlogged", "blocked", "idle"]
    #: How many jobs of its lane go before it.
    ahead: int | None = None
    #: The lane's rank: the lowest is served next.
    rank: float | None = None
    #: How many lanes are served before this one.
    lanes_ahead: int | None = None
    #: What keeps the lane: ``"paused"``, ``"max_in_flight"`` or ``"rate"``.
    blocked: str = ""
    #: Until when, if that is known.
    blocked_until: float | None = None
    #: What keeps the whole queue: the same words.
    queue_blocked: str = ""
    queue_blocked_until: float | None = None
    #: When a delayed job falls due, a leased one's lease ends, or a dead one died.
    at: float | None = None
    #: Who has leased it.
    owner: str = ""
    #: Why it was given up on.
    death: Death | None = None
    #: The lane's jobs, by their state.
    pending: int = 0
    delayed: int = 0
    leased: int = 0
    limits: Limits = NONE
    queue_limits: Limits = NONE

    @classmethod
    def of(
        cls,
        queue: str,
        *,
        stored: StoredJob | None,
        letter: DeadLetter | None,
        lane: Lane,
        standing: Standing,
        queue_limits: Limits,
    ) -> Explanation:
        """Put together what was read."""
        return cls(
            queue=queue,
            lane=lane.key,
            job_id=stored.job.id if stored else None,
            state=stored.state if stored else _state_of(standing),
            ahead=stored.ahead if stored else None,
            rank=standing.rank,
            lanes_ahead=standing.ahead,
            blocked=standing.blocked,
            blocked_until=standing.until,
            queue_blocked=standing.queue_blocked,
            queue_blocked_until=standing.queue_until,
            at=stored.at if stored else None,
            owner=stored.owner if stored else "",
            death=letter.death if letter else None,
            pending=lane.stats.pending,
            delayed=lane.stats.delayed,
            leased=lane.stats.leased,
            limits=lane.limits,
            queue_limits=queue_limits,
        )

    @property
    def runs_next(self) -> bool:
        """Whether the next claim takes this job, or a job of this lane."""
        waits = self.state in {"ready", "backlogged"} and not self.ahead
        return waits and self.lanes_ahead == 0 and not self.blocked and not self.queue_blocked

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it, with `runs_next`; limits without those that are not set."""
        limits = {"limits": self.limits.as_dict(), "queue_limits": self.queue_limits.as_dict()}
        return {**asdict(self), **limits, "runs_next": self.runs_next}

    def __str__(self) -> str:
        return ". ".join(self._sentences()) + "."

    def _sentences(self) -> Iterator[str]:
        job = f"job {self.job_id} of lane {self.lane!r}"
        if self.state == "unknown":
            yield f"job {self.job_id} is not in queue {self.queue!r}: done, cancelled or expired, or it never was"
        elif self.state == "dead":
            why = f": {self.death.reason}" + f" ({self.death.error})" * bool(self.death.error) if self.death else ""
            yield f"{job} is dead since {_time(self.at)}{why}"
        elif self.state == "leased":
            yield f"{job} is leased to {self.owner or 'somebody'} until {_time(self.at)}"
        elif self.state == "delayed":
            yield f"{job} is delayed until {_time(self.at)}"
            yield from self._holds()
        elif self.runs_next:
            yield f"{job if self.job_id else f'lane {self.lane!r}'} runs next"
        elif self.job_id:
            yield f"{job} is ready"
            if self.ahead:
                yield f"{_count(self.ahead, 'job')} of its lane {'goes' if self.ahead == 1 else 'go'} before it"
            yield from self._place()
        else:
            yield f"lane {self.lane!r} has {self.pending} ready, {self.delayed} delayed, {self.leased} leased jobs"
            yield from self._place()

    def _place(self) -> Iterator[str]:
        yield from self._holds()
        if self.lanes_ahead:
            yield f"{_count(self.lanes_ahead, 'lane')} {'is' if self.lanes_ahead == 1 else 'are'} served before its own"
        elif self.lanes_ahead == 0 and not self.queue_blocked:
            yield "Its lane is served next"

    def _holds(self) -> Iterator[str]:
        for what, held, until, limits in (
            ("The lane", self.blocked, self.blocked_until, self.limits),
            ("The whole queue", self.queue_blocked, self.queue_blocked_until, self.queue_limits),
        ):
            if held:
                hold = _HOLDS[held].format(cap=_count(limits.max_in_flight or 0, "leased job"), rate=limits.rate)
                yield f"{what} is {hold}" + (f" until {_time(until)}" if until else "")


def _state_of(standing: Standing) -> Literal["backlogged", "blocked", "idle"]:
    if standing.blocked:
        return "blocked"
    return "idle" if standing.rank is None else "backlogged"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _time(at: float | None) -> str:
    if at is None:
        return "some time"
    return datetime.fromtimestamp(at, timezone.utc).isoformat(" ", "seconds").replace("+00:00", " UTC")
