"""What event hooks are given: one frozen object each, so that fields can be added."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from ranch.model import Job, LaneUpdate, Lease


@frozen(kw_only=True)
class Enqueued:
    """Jobs were put into lanes."""

    queue: str
    jobs: Sequence[Job]


@frozen(kw_only=True)
class Claimed:
    """Jobs were claimed, one batch; `Job.attempts` and `Job.reclaims` tell of earlier times."""

    queue: str
    leases: Sequence[Lease]


@frozen(kw_only=True)
class Finished:
    """Jobs were acked: done, and out of the backend."""

    queue: str
    leases: Sequence[Lease]


@frozen(kw_only=True)
class Released:
    """Jobs were given back."""

    queue: str
    leases: Sequence[Lease]
    #: Seconds until they are in their lanes again.
    delay: float


@frozen(kw_only=True)
class LaneChanged:
    """A lane's weight, tags or data were set."""

    queue: str
    change: LaneUpdate
