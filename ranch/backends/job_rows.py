"""The rows that backends in Python keep of jobs."""

from __future__ import annotations

from typing import Final, Literal

from attrs import define

from ranch.model import Job, Priority

#: How long a job's id is.
ID_LENGTH: Final = 11


@define(eq=False)
class JobRow:
    """A job as it is stored."""

    id: str
    lane: str
    body: bytes
    content_type: str
    priority: int
    cost: float
    enqueued_at: float
    due_at: float
    attempts: int = 0
    reclaims: int = 0
    failures: int = 0
    state: Literal["ready", "delayed", "leased", "dead"] = "ready"
    #: When a delayed job falls due, a leased one's lease expires, or a dead one died.
    at: float = 0.0
    #: Of the lease, while there is one: unique to it, with its owner's name after an @.
    token: str = ""
    #: The job's own; None leaves it to the lane.
    bid: float | None = None
    expires_at: float | None = None
    #: The job's own time for a lease.
    lease: float | None = None
    dedup_key: str | None = None
    result_ttl: float | None = None

    @property
    def place(self) -> float:
        """Where it stands in its lane: the lowest goes first."""
        return round(self.due_at - Priority(self.priority).head_start, 3)

    @property
    def timer(self) -> str:
        """What stands for it among the timers while it is delayed or leased."""
        return f"d{self.id}" if self.state == "delayed" else f"l{self.id}{self.token}"

    @property
    def owner(self) -> str:
        return self.token.partition("@")[2]

    def has_expired(self, now: float) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def read(self, *, duplicate: bool = False) -> Job:
        return Job(
            id=self.id,
            lane=self.lane,
            body=self.body,
            content_type=self.content_type,
            priority=Priority(self.priority),
            cost=self.cost,
            enqueued_at=self.enqueued_at,
            due_at=self.due_at,
            attempts=self.attempts,
            reclaims=self.reclaims,
            failures=self.failures,
            bid=self.bid,
            expires_at=self.expires_at,
            lease=self.lease,
            dedup_key=self.dedup_key,
            result_ttl=self.result_ttl,
            duplicate=duplicate,
        )
