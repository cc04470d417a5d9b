"""The rows that backends in Python keep, and how the operations reach them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, Protocol

from attrs import define, field

from ranch.model import Job, JSONValue, Lane, LaneStats, Priority

#: Added to the tick of a lane's last service to make its order: lanes never served, ordered by the tick at which they
#: first entered, sort before all that were.
SERVED: Final = 2**48


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
    state: Literal["ready", "delayed", "leased"] = "ready"
    #: When a delayed job falls due, or a leased one's lease expires.
    at: float = 0.0
    #: Of the lease, while there is one.
    token: str = ""
    #: The job's own; None leaves it to the lane.
    bid: float | None = None

    @property
    def place(self) -> float:
        """Where it stands in its lane: the lowest goes first."""
        return round(self.due_at - Priority(self.priority).head_start, 3)

    def read(self) -> Job:
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
            bid=self.bid,
        )


@define(eq=False)
class LaneRow:
    """A lane as it is stored. It is ready while jobs are pending."""

    key: str
    #: The one that counts.
    weight: float = 1.0
    #: The one that was set.
    set_weight: float = 1.0
    tags: dict[str, str] = field(factory=dict)
    data: dict[str, JSONValue] = field(factory=dict)
    #: The rank; with `order` for ties it is the lane's place in the index.
    tag: float = 0.0
    order: int = 0
    #: Of the queue's strategy that gave the rank.
    generation: int = 0
    pending: int = 0
    delayed: int = 0
    leased: int = 0
    enqueued: int = 0
    claimed: int = 0
    acked: int = 0
    released: int = 0
    reclaimed: int = 0
    mean_time: float | None = None

    def read(self) -> Lane:
        stats = LaneStats(**{name: getattr(self, name) for name in COUNTERS})
        return Lane(
            key=self.key,
            weight=self.set_weight,
            effective_weight=self.weight,
            tags=dict(self.tags),
            data=dict(self.data),
            stats=stats,
            mean_time=self.mean_time,
        )


#: The numbers kept for each lane.
COUNTERS: Final = (
    "pending",
    "delayed",
    "leased",
    "enqueued",
    "claimed",
    "acked",
    "released",
    "reclaimed",
)


@define(eq=False)
class QueueRow:
    """A queue as it is stored, and as its strategy sees it."""

    virtual: float = 0.0
    tick: int = 0
    #: The number of the last job enqueued.
    last_id: int = 0
    #: The text of the queue's `StrategyChoice`, empty if nobody has said it; and its generation.
    strategy: str = ""
    generation: int = 0
    #: Lanes ranked under an earlier generation may be waiting.
    moving: bool = False
    # The transaction's time, never stored.
    now: float = 0.0


class Tables(Protocol):
    """The rows of one queue inside one transaction. A row that was changed is put back."""

    queue: QueueRow

    def add_job(self, job: JobRow) -> None: ...

    def put_job(self, job: JobRow) -> None: ...

    def drop_job(self, job: JobRow) -> None: ...

    def job(self, job_id: str) -> JobRow | None: ...

    def head(self, lane: str) -> JobRow | None:
        """Return the ready job of a lane with the lowest `(place, id)`."""

    def due(self, limit: int) -> Sequence[JobRow]:
        """Return the jobs, delayed or leased, whose time has come, by `(at, state, id)`."""

    def next_at(self) -> float | None:
        """Return the time of the next delayed or leased job."""

    def lane(self, key: str) -> LaneRow | None: ...

    def put_lane(self, lane: LaneRow) -> None: ...

    def next_lane(self) -> LaneRow | None:
        """Return the lane with pending jobs, of the queue's generation, that has the lowest `(tag, order)`."""

    def stale_lane(self) -> LaneRow | None:
        """Return that of earlier generations which has the lowest `(generation, tag, order)`."""

    def lanes(self) -> Iterable[LaneRow]: ...

    def count_lanes(self) -> dict[str, int]:
        """Sum up the lanes' counters, and count the lanes and those backlogged."""
