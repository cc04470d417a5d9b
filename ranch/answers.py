"""What a backend answers, as frozen values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from attrs import frozen

from ranch.letters import DeadLetter, Death
from ranch.model import Job, Lease
from ranch.schedule import Schedule


@frozen(kw_only=True)
class Ending:
    """A job that ended without being acked."""

    job: Job
    #: ``"expired"``, ``"cancelled"``, ``"dropped"`` (to make room) or ``"dead"``.
    how: Literal["expired", "cancelled", "dropped", "dead"]


@frozen(kw_only=True)
class Receipt:
    """The answer to an enqueue."""

    #: In the order given.
    jobs: Sequence[Job]
    #: Those that were dropped to make room.
    ended: Sequence[Ending] = ()


@frozen(kw_only=True)
class Claim:
    """The answer to a claim."""

    leases: Sequence[Lease]
    #: Jobs met on the way that had expired, or whose leases had expired too often.
    ended: Sequence[Ending] = ()
    #: Seconds until a delayed job or a schedule falls due or a lease expires; None if nothing waits for a time.
    idle_for: float | None
    #: The queue's tick as the claim saw it: to wait on for a change (see `Lanes.wait`).
    tick: int
    #: Names of the schedules that are due; see `Lanes.replan`.
    due: Sequence[str] = ()
    #: Not empty if nothing was found so far among more lanes than one call looks at: to be given to the next claim.
    further: str = ""


@frozen(kw_only=True)
class Return:
    """The answer to a release or a reclaim."""

    #: Leases that were lost; for them nothing changed.
    lost: Sequence[Lease] = ()
    #: Jobs that came back from expired leases.
    reclaimed: int = 0
    #: Jobs that ended instead of coming back.
    ended: Sequence[Ending] = ()
    #: Names of the schedules that are due; see `Lanes.replan`.
    due: Sequence[str] = ()


@frozen(kw_only=True)
class StoredJob:
    """A job, and where it stands."""

    job: Job
    state: Literal["ready", "delayed", "leased", "dead"]
    #: When a delayed job falls due, a leased one's lease ends, or a dead one died; of a ready one None. The end of a
    #: lease may be missing on a page.
    at: float | None = None
    #: Who has leased it; may be missing on a page.
    owner: str = ""
    #: Of a ready job that was asked for by its id: how many go before it in its lane.
    ahead: int | None = None


@frozen(kw_only=True)
class Outcome:
    """How a job has ended, or that it has not."""

    #: ``"open"``: it has not; ``"done"``; ``"unwritten"``: done, with a result that no serializer takes; and as in
    #: `Ending`.
    how: Literal["open", "done", "unwritten", "expired", "cancelled", "dropped", "dead"]
    #: Its result; of one that is unwritten why, in UTF-8.
    body: bytes = b""
    content_type: str = ""
    #: Of one that is dead.
    death: Death | None = None
    #: Of one that is open: whether it will be kept how it ends.
    kept: bool = True


@frozen(kw_only=True)
class Standing:
    """Where a lane stands among those that wait."""

    #: Its rank, if it waits to be served.
    rank: float | None = None
    #: How many lanes are served before it, if it waits to be served.
    ahead: int | None = None
    #: Why it does not, though it has ready jobs: ``"paused"``, ``"max_in_flight"`` or ``"rate"``.
    blocked: str = ""
    #: Until when, if that is known.
    until: float | None = None
    #: Why nothing is claimed from the whole queue: the same words.
    queue_blocked: str = ""
    queue_until: float | None = None


@frozen(kw_only=True)
class JobPage:
    """Some of the jobs that are stored."""

    jobs: Sequence[StoredJob]
    #: Where the next page begins; empty if this was the last one.
    cursor: str = ""


@frozen(kw_only=True)
class LetterPage:
    """Some of the dead letters, the oldest first."""

    letters: Sequence[DeadLetter]
    #: Where the next page begins; empty if this was the last one.
    cursor: str = ""


FaultKind: TypeAlias = Literal[
    "job in two places",
    "job in no place",
    "job without its lane's row",
    "job without the timer of its expiry",
    "timer without a reason",
    "place without a job",
    "dedup key without a job",
    "letter without a dead job",
    "dead job without a letter",
    "lane that waits without jobs",
    "lane that does not wait",
    "lane that is not looked at again",
    "lane without the timer of its idleness",
    "numbers of a lane",
    "numbers of the queue",
]


@frozen(kw_only=True)
class Fault:
    """Something in a store that does not agree with the rest of it."""

    kind: FaultKind
    #: What it is about: the id of a job, the key of a lane, a dedup_key, a timer; of the queue's numbers, its name.
    about: str
    #: Whether it was mended.
    mended: bool = False

    def __str__(self) -> str:
        return f"{self.kind}: {self.about}" + (" (mended)" if self.mended else "")


@frozen(kw_only=True)
class Plan:
    """The schedules that were asked for, and the time at which this was."""

    schedules: Sequence[Schedule]
    now: float
