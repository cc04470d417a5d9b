"""The rows that backends in Python keep, and how the operations reach them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol, TypeAlias

from attrs import define, field

from ranch.backends.job_rows import JobRow
from ranch.backends.letter_rows import LetterTables
from ranch.backends.outcome_rows import OutcomeTables
from ranch.backends.schedule_rows import ScheduleTables
from ranch.backends.time_rows import TimeTables
from ranch.limits import NONE, Limits
from ranch.model import JSONValue, Lane, LaneStats

#: Added to the tick of a lane's last service to make its order: lanes never served, ordered by the tick at which they
#: first entered, sort before all that were.
SERVED: Final = 2**48

#: Where a lane stands in the index: its tag and its order.
Place: TypeAlias = tuple[float, int]


@define(eq=False)
class Counters:
    """The numbers that are kept for each lane, and for the queue as their sums: see `LaneStats`."""

    pending: int = 0
    delayed: int = 0
    leased: int = 0
    enqueued: int = 0
    claimed: int = 0
    acked: int = 0
    released: int = 0
    reclaimed: int = 0
    failed: int = 0
    retried: int = 0
    died: int = 0
    revived: int = 0
    expired: int = 0
    cancelled: int = 0
    dead: int = 0

    def numbers(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in COUNTERS}


COUNTERS: Final = tuple(Counters.__annotations__)


@define(eq=False, kw_only=True)
class LaneRow(Counters):
    """A lane as it is stored. It waits to be served while jobs are pending and nothing blocks it."""

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
    mean_time: float | None = None
    limits: Limits = NONE
    #: Which limit keeps it out of the index, while jobs are pending.
    blocked: str = ""
    #: When its bucket of tokens was, or will be, full, in ms since the epoch.
    full_at: float = 0.0
    #: When it is to be looked at again, if it is.
    look_at: float | None = None
    #: When it is looked at next whether it is idle, and the order it had when it was last.
    idle_at: float | None = None
    idle_order: int = 0

    @property
    def waits(self) -> bool:
        """Whether it is in the index."""
        return self.pending > 0 and not self.blocked

    @property
    def is_forgettable(self) -> bool:
        """Whether nothing would be lost with it but what it has counted."""
        has_jobs = self.pending or self.delayed or self.leased or self.dead
        was_set = self.set_weight != 1.0 or self.tags or self.data or self.limits is not NONE
        return not has_jobs and not was_set

    def read(self) -> Lane:
        return Lane(
            key=self.key,
            weight=self.set_weight,
            effective_weight=self.weight,
            tags=dict(self.tags),
            data=dict(self.data),
            stats=LaneStats(**self.numbers()),
            limits=self.limits,
            blocked=self.blocked,
            mean_time=self.mean_time,
        )


@define(eq=False, kw_only=True)
class QueueRow(Counters):
    """A queue as it is stored, and as its strategy sees it."""

    virtual: float = 0.0
    #: The same among lanes that are served together, by the digest of their selection.
    virtuals: dict[str, float] = field(factory=dict)
    tick: int = 0
    #: The number of the last job enqueued.
    last_id: int = 0
    #: The text of the queue's `StrategyChoice`, empty if nobody has said it; and its generation.
    strategy: str = ""
    generation: int = 0
    #: Lanes ranked under an earlier generation may be waiting.
    moving: bool = False
    limits: Limits = NONE
    #: As a lane's.
    full_at: float = 0.0
    #: When the first chore is to be seen to; it may be gone. None if there is none.
    chores_at: float | None = None
    # The transaction's time, never stored.
    now: float = 0.0


class Tables(LetterTables, OutcomeTables, ScheduleTables, TimeTables, Protocol):
    """The rows of one queue inside one transaction. A row that was changed is put back."""

    queue: QueueRow

    # Jobs

    def add_job(self, job: JobRow) -> None: ...

    def put_job(self, job: JobRow) -> None: ...

    def drop_job(self, job: JobRow) -> None: ...

    def job(self, job_id: str) -> JobRow | None: ...

    def head(self, lane: str) -> JobRow | None:
        """Return the ready job of a lane with the lowest `(place, id)`."""

    def ready_jobs(self, lane: str, offset: int, limit: int) -> Sequence[JobRow]:
        """Return some of a lane's ready jobs by `(place, id)`."""

    def ahead(self, job: JobRow) -> int:
        """Count the ready jobs of its lane with a lower `(place, id)`."""

    def living_jobs(self, after: str, limit: int) -> Sequence[JobRow]:
        """Return some of the jobs that are not dead, by id."""

    def all_jobs(self, after: str, limit: int) -> Sequence[JobRow]:
        """Return some of the jobs, by id."""

    # Timers: things to see to at a time. A timer is a text: a letter for its kind, and what it is about. Those at
    # negative times are chores, see `chores.add_chore`.

    def add_timer(self, at: float, timer: str) -> None: ...

    def drop_timer(self, at: float, timer: str) -> None:
        """Remove a timer, if it is there."""

    def has_timer(self, at: float, timer: str) -> bool: ...

    def timers(self, after: tuple[float, str], limit: int) -> Sequence[tuple[float, str]]:
        """Return timers by `(at, timer)`, those after the given one."""

    def due(self, limit: int) -> Sequence[tuple[float, str]]:
        """Return the first timers whose time has come, by `(at, timer)`; no chores."""

    def next_at(self) -> float | None:
        """Return the time of the next timer that is no chore."""

    def chores(self, limit: int) -> Sequence[tuple[float, str]]:
        """Return the first chores whose time has come, by `(at, timer)` backwards from zero."""

    def next_chore(self) -> float | None:
        """Return the time of the next chore, as a positive number."""

    # What jobs hold, and what they leave

    def holder(self, dedup_key: str) -> tuple[str, float | None] | None:
        """Return the id of the job that holds a key, and until when."""

    def hold(self, dedup_key: str, job_id: str, until: float | None) -> None: ...

    def let_go(self, dedup_key: str, job_id: str) -> None:
        """Free a key, if this job holds it."""

    def holders(self, after: str, limit: int) -> Sequence[tuple[str, str]]:
        """Return keys that are held, by key, those after the given one, and the ids of the jobs that hold them."""

    def shrink(self) -> None:
        """Give back some of the space that jobs took which are gone."""

    # Lanes

    def lane(self, key: str) -> LaneRow | None: ...

    def put_lane(self, lane: LaneRow) -> None: ...

    def drop_lane(self, lane: LaneRow) -> None:
        """Remove a lane, and its times."""

    def next_lane(self) -> LaneRow | None:
        """Return the waiting lane of the queue's generation that has the lowest `(tag, order)`."""

    def waiting(self, after: Place | None = None) -> Iterator[tuple[float, int, str]]:
        """Name the waiting lanes of the queue's generation by `(tag, order)`, those after the given one, as asked for.

        Of each its tag, its order and its key. Nothing is put while they are named.
        """

    def some_of(self, keys: Iterable[str], limit: int) -> Sequence[LaneRow]:
        """Return those of them which wait in the queue's generation, some, by `(tag, order)`."""

    def stale_lane(self) -> LaneRow | None:
        """Return that of earlier generations which has the lowest `(generation, tag, order)`."""

    def lanes_ahead(self, lane: LaneRow) -> int:
        """Count the lanes served before one that waits: of the queue's generation all, if its own is an earlier one."""

    def lanes(self) -> Iterable[LaneRow]: ...

    def count_lanes(self) -> dict[str, int]:
        """Count the ``lanes``, those ``backlogged``, which wait to be served, and those ``blocked``."""
