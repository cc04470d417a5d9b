"""The lines that jobs and dead letters make in a backlog's file."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any, Final, Literal

from attrs import field, frozen

from ranch.checks import checked_key, checked_number
from ranch.exceptions import InvalidJob
from ranch.letters import DeadLetter, Death
from ranch.model import Job, NewJob, Priority

#: Begins the dedup_key that a job without one gets on its way, so that it is stored once.
MARK: Final = "ranch-import:"
#: More of anything has never happened to a job.
_MOST: Final = 2**31
#: What a line says as the job did.
_KEPT: Final = ("lane", "content_type", "cost", "bid", "lease", "result_ttl")
_TIMED: Final = ("due_at", "expires_at")
_COUNTED: Final = ("enqueued_at", "attempts", "reclaims", "failures")


def checked_time(value: object) -> float | None:
    """Return a time if there is one, and it can be."""
    return None if value is None else checked_number(value, "a time")


def checked_moment(value: object) -> float:
    """Return a time that can be."""
    return checked_number(value, "a time")


def _count(value: int) -> int:
    if not 0 <= value < _MOST:
        raise InvalidJob(f"a count is a whole number from 0 on, not {value!r}")
    return value


def _content_type(value: object) -> str:
    return checked_key(value, "content type")


def _id(value: object) -> str:
    return checked_key(value, "job")


@frozen(kw_only=True)
class PayloadLine:
    """What there is to say of every job, whether it is there or to be."""

    lane: str
    content_type: str = field(converter=_content_type)
    #: The payload as its serializer wrote it, if that is text.
    body: str | None = None
    #: The same, if it is not.
    base64: str | None = None
    priority: int
    cost: float
    bid: float | None = None
    lease: float | None = None
    dedup_key: str | None = None
    result_ttl: float | None = field(default=None, converter=checked_time)

    def new(self, dedup_key: str | None, **more: Any) -> NewJob:
        """Return the job as one on its way into its lane, with more fields of `NewJob`."""
        if (self.body is None) == (self.base64 is None):
            raise InvalidJob("a payload is in body or in base64, in one of them")
        return NewJob(
            lane=self.lane,
            body=b64decode(self.base64 or "", validate=True) if self.body is None else self.body.encode(),
            content_type=self.content_type,
            priority=self.priority,
            cost=self.cost,
            bid=self.bid,
            lease=self.lease,
            dedup_key=dedup_key,
            result_ttl=self.result_ttl,
            **more,
        )


@frozen(kw_only=True)
class StoredLine(PayloadLine):
    """A job that is there."""

    due_at: float = field(converter=checked_moment)
    expires_at: float | None = field(default=None, converter=checked_time)

    def __attrs_post_init__(self) -> None:
        self.new(self.dedup_key)


@frozen(kw_only=True)
class JobLine(StoredLine):
    """A job that was ready, delayed or leased."""

    kind: Literal["job"] = "job"
    id: str = field(converter=_id)
    state: Literal["ready", "delayed", "leased"]

    @classmethod
    def of(cls, job: Job, state: Literal["ready", "delayed", "leased"]) -> JobLine:
        """Describe a job."""
        return cls(id=job.id, state=state, **_told(job, _TIMED), **described(job))

    @property
    def head_start(self) -> float:
        """How many seconds before it was due its place is."""
        return Priority(self.priority).head_start

    @property
    def place(self) -> float:
        """Where it stands in its lane: the lowest goes first."""
        return self.due_at - self.head_start

    def key(self, export: str) -> str:
        """Return the key by which it is known when it comes again."""
        return self.dedup_key or f"{MARK}{export}:{self.id}"


@frozen(kw_only=True)
class DeadLine(StoredLine):
    """A dead letter."""

    kind: Literal["dead"] = "dead"
    enqueued_at: float = field(converter=checked_moment)
    attempts: int = field(converter=_count)
    reclaims: int = field(converter=_count)
    failures: int = field(converter=_count)
    died_at: float = field(converter=checked_moment)
    why: Literal["failure", "system"]
    reason: str
    error: str
    traceback: str

    @classmethod
    def of(cls, letter: DeadLetter) -> DeadLine:
        """Describe a dead letter."""
        death = letter.death
        return cls(
            died_at=letter.died_at,
            why=death.kind,
            reason=death.reason,
            error=death.error,
            traceback=death.traceback,
            **_told(letter.job, _TIMED + _COUNTED),
            **described(letter.job),
        )

    @property
    def letter(self) -> DeadLetter:
        """What is stored."""
        new = self.new(self.dedup_key)
        said: dict[str, Any] = {name: getattr(self, name) for name in (*_KEPT, *_TIMED, *_COUNTED, "dedup_key")}
        death = Death(kind=self.why, reason=self.reason, error=self.error, traceback=self.traceback)
        return DeadLetter(
            job=Job(id="", body=new.body, priority=new.priority, **said), death=death, died_at=self.died_at
        )


def described(job: Job | NewJob) -> dict[str, Any]:
    """Return what a `PayloadLine` says of a job."""
    marked = job.dedup_key is not None and job.dedup_key.startswith(MARK)
    said = _told(job, _KEPT) | {"dedup_key": None if marked else job.dedup_key, "priority": int(job.priority)}
    try:
        return {**said, "body": job.body.decode()}
    except UnicodeDecodeError:
        return {**said, "base64": b64encode(job.body).decode()}


def _told(job: Job | NewJob, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(job, name) for name in names}
