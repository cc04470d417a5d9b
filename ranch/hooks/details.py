"""What event hooks are given: one frozen object each, so that fields can be added."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from attrs import field, frozen

from ranch.letters import Death
from ranch.model import Job, LaneUpdate, Lease


@frozen(kw_only=True)
class Enqueued:
    """Jobs were put into lanes."""

    queue: str
    jobs: Sequence[Job]
    #: How long it took.
    seconds: float


@frozen(kw_only=True)
class Claimed:
    """Jobs were claimed, one batch; `Job.attempts` and `Job.reclaims` tell of earlier times."""

    queue: str
    leases: Sequence[Lease]
    #: When, in seconds since the epoch by the backend's clock.
    at: float
    #: Whether `Ran` will tell how long each of them ran, as in a Celery worker. Else that is until they are settled.
    timed: bool = False


@frozen(kw_only=True)
class Ran:
    """A job has run, to whatever end. It may have been settled before, or will be."""

    queue: str
    lease: Lease
    #: For how long.
    seconds: float


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
class Failed:
    """Claims ended in a failure. `Job.failures` does not count it yet."""

    queue: str
    leases: Sequence[Lease]
    #: The error, as ``"ValueError: no such user"``.
    error: str
    traceback: str = field(default="", repr=False)


@frozen(kw_only=True)
class Retried:
    """Jobs that failed are to be tried again."""

    queue: str
    leases: Sequence[Lease]
    #: Seconds until they are in their lanes again.
    delay: float
    error: str


@frozen(kw_only=True)
class Dead:
    """Jobs were given up on, and are dead letters now."""

    queue: str
    jobs: Sequence[Job]
    death: Death


@frozen(kw_only=True)
class Expired:
    """Jobs waited for longer than they may, and are gone."""

    queue: str
    jobs: Sequence[Job]


@frozen(kw_only=True)
class Cancelled:
    """Jobs were removed before they ran."""

    queue: str
    jobs: Sequence[Job]
    #: ``"cancelled"`` by their ids, ``"purged"`` with their lane or queue, or ``"dropped"`` to make room for new ones.
    how: Literal["cancelled", "purged", "dropped"]


@frozen(kw_only=True)
class BackendDown:
    """A backend that answered does not any more."""

    #: Which one, without a password.
    url: str
    error: Exception


@frozen(kw_only=True)
class BackendUp:
    """A backend that was away answers again."""

    #: Which one, without a password.
    url: str
    #: Seconds that it was away.
    seconds: float


@frozen(kw_only=True)
class LaneChanged:
    """A lane's weight, tags, data or limits were set."""

    queue: str
    change: LaneUpdate
