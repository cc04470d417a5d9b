"""The nouns of ranch as frozen values: jobs, leases, lanes and their numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from functools import cached_property
from typing import Any, Final, TypeAlias, TypeVar

from attrs import Factory, field, frozen

from ranch.checks import checked_key, checked_mapping, checked_number
from ranch.exceptions import DecodeError, InvalidJob, SerializationError
from ranch.limits import NONE as NO_LIMITS
from ranch.limits import Limits, checked_limits

T = TypeVar("T")

JSONValue: TypeAlias = "bool | int | float | str | Sequence[JSONValue] | Mapping[str, JSONValue] | None"


class Priority(IntEnum):
    """The order of jobs *within* a lane: a head start, not a wall.

    A job sorts by the moment it became ready less its `head_start`, so a low job is overtaken by later, higher ones
    for a while and then no more. `CRITICAL` goes before all others.
    """

    VERY_LOW = 1
    LOW = 2
    NORMAL = 3
    HIGH = 4
    VERY_HIGH = 5
    CRITICAL = 6

    @property
    def head_start(self) -> float:
        """How many seconds of waiting the priority is worth."""
        return _HEAD_STARTS[self]


# Seconds. Each step is worth more than the one below it; a critical job's is longer than any job waits (31 years).
_HEAD_STARTS: Final = {
    Priority.VERY_LOW: 0.0,
    Priority.LOW: 60.0,
    Priority.NORMAL: 180.0,
    Priority.HIGH: 480.0,
    Priority.VERY_HIGH: 1080.0,
    Priority.CRITICAL: 1e9,
}


def _checked_cost(value: object) -> float:
    return checked_number(value, "cost", positive=True)


def _checked_delay(value: object) -> float:
    return checked_number(value, "delay", signed=True)


def _checked_bid(value: object) -> float | None:
    return None if value is None else checked_number(value, "bid", signed=True)


def _checked_expires(value: object) -> float | None:
    return None if value is None else checked_number(value, "expires", positive=True)


def _checked_lease(value: object) -> float | None:
    return None if value is None else checked_number(value, "lease", positive=True)


def _checked_dedup_for(value: object) -> float | None:
    return None if value is None else checked_number(value, "dedup_for", positive=True)


def _checked_result_ttl(value: object) -> float | None:
    return checked_number(value, "result_ttl") or None if value is not None else None


def _checked_dedup_key(value: object) -> str | None:
    return None if value is None else checked_key(value, "dedup_key")


def _checked_priority(value: object) -> Priority:
    if isinstance(value, int) and not isinstance(value, bool) and Priority.VERY_LOW <= value <= Priority.CRITICAL:
        return Priority(value)
    raise InvalidJob(f"priority is one of 1 (very low) to 6 (critical), not {value!r}")


@frozen(kw_only=True)
class NewJob:
    """A job on its way into a lane. All of it is checked here, before a backend sees any."""

    lane: str = field(converter=checked_key)
    body: bytes = field(repr=False)
    content_type: str
    priority: Priority = field(default=Priority.NORMAL, converter=_checked_priority)
    #: Size of the job: its lane is charged `weight * cost`.
    cost: float = field(default=1.0, converter=_checked_cost)
    #: Seconds until it enters its lane; if negative, it counts as having done so that long ago,
    #: in 1970 at the earliest.
    delay: float = field(default=0.0, converter=_checked_delay)
    #: What it offers under the strategy ``bid``; None offers what its lane does.
    bid: float | None = field(default=None, converter=_checked_bid)
    #: Seconds from now on after which it is not to run any more; None: what its lane's limits say, else its queue's.
    expires: float | None = field(default=None, converter=_checked_expires)
    #: Seconds for which a claim of it lasts; None leaves it to the claim.
    lease: float | None = field(default=None, converter=_checked_lease)
    #: While a job with this key waits or runs, another one is not enqueued; unless it was a dead letter before.
    dedup_key: str | None = field(default=None, converter=_checked_dedup_key)
    #: Seconds for which the key counts at most; None: until the job ends.
    dedup_for: float | None = field(default=None, converter=_checked_dedup_for)
    #: Seconds for which it is kept how the job has ended, and with what result; None, or 0: not at all.
    result_ttl: float | None = field(default=None, converter=_checked_result_ttl)


@frozen(kw_only=True, slots=True)
class Job:
    """One unit of work, as the backend holds it."""

    #: Unique in its queue, and growing in the order of enqueueing.
    id: str
    lane: str
    body: bytes = field(repr=False)
    content_type: str
    priority: Priority
    cost: float
    #: Seconds since the epoch by the backend's clock.
    enqueued_at: float
    #: When it entered its lane, or will: `enqueued_at` plus its delay.
    due_at: float
    #: How often it was claimed, this time included.
    attempts: int = 0
    #: How often it was taken back from a lease that had expired.
    reclaims: int = 0
    #: How often it has failed since it was enqueued, or since it came back from the dead letters.
    failures: int = 0
    #: What it offers under the strategy ``bid``; None offers what its lane does.
    bid: float | None = None
    #: When it is not to run any more, in seconds since the epoch; None if it may for ever.
    expires_at: float | None = None
    #: Seconds for which a claim of it lasts, whatever the claim says; None leaves it to the claim.
    lease: float | None = None
    #: While it waits or runs, another one with this key is not enqueued. Of a job that was a dead letter, and was
    #: retried, it counts no more.
    dedup_key: str | None = None
    #: Seconds for which it is kept how it has ended, and with what result; None: not at all.
    result_ttl: float | None = None
    #: It was there before: an enqueue with its `dedup_key` has stored nothing, and been given this one.
    duplicate: bool = False
    _loads: Callable[[bytes, str], Any] | None = field(default=None, repr=False, eq=False, alias="loads")

    @cached_property
    def payload(self) -> Any:
        """What was enqueued, decoded on first use.

        Raises:
            DecodeError: The bytes do not decode, or their content type is not accepted here. Given to
                `Queue.fail`, it makes a dead letter of the job at once.
        """
        if self._loads is None:
            raise SerializationError(f"job {self.id} came without a serializer; its bytes are in .body")
        try:
            return self._loads(self.body, self.content_type)
        except Exception as exc:
            # Of the serializer's choice: a plugin's may raise anything.
            raise DecodeError(self.id, str(exc) if isinstance(exc, SerializationError) else repr(exc)) from exc

    def read_with(self, loads: Callable[[bytes, str], Any]) -> Job:
        """Say how the payload is decoded: for the queue that hands the job out, before anybody else has it."""
        object.__setattr__(self, "_loads", loads)  # in place: a copy would cost more than the claim on some backends
        return self


@frozen(kw_only=True)
class Lease:
    """The exclusive right to run one job until a deadline.

    The token is unique to the claim: whoever comes with an old one is not the owner any more.
    """

    job: Job
    token: str
    #: Seconds since the epoch by the backend's clock.
    deadline: float
    #: For how many seconds it was claimed, if that is known: so long it is renewed.
    seconds: float | None = field(default=None, eq=False)
    #: Whether a limit `max_in_flight`, of its lane or queue, counts it: as `Lanes.claim` has found it.
    capped: bool = field(default=False, eq=False)


@frozen(kw_only=True)
class LaneStats:
    """A lane in numbers: what waits now, and what has happened since the lane was first used."""

    #: Jobs ready to be claimed.
    pending: int = 0
    #: Jobs waiting for their time.
    delayed: int = 0
    #: Jobs claimed and not settled.
    leased: int = 0
    enqueued: int = 0
    claimed: int = 0
    acked: int = 0
    #: Given back unharmed.
    released: int = 0
    #: Taken back from an expired lease.
    reclaimed: int = 0
    #: Claims that ended in a failure, whether the job is tried again or not.
    failed: int = 0
    #: Failures after which the job is tried again.
    retried: int = 0
    #: Jobs that became dead letters.
    died: int = 0
    #: Dead letters that were enqueued again.
    revived: int = 0
    expired: int = 0
    #: Cancelled, purged, or dropped to make room.
    cancelled: int = 0
    #: Dead letters that are kept.
    dead: int = 0


@frozen(kw_only=True)
class Lane:
    """One tenant, client, user or process, as it was read."""

    key: str
    #: Cost factor, as it was set: lower is served more often, 0.5 gives twice the share of 1.
    weight: float = 1.0
    #: The cost factor that counts: what the queue's weight function made of the lane; without one it is `weight`.
    effective_weight: float = field(default=Factory(lambda lane: lane.weight, takes_self=True))
    tags: Mapping[str, str] = field(factory=dict)
    #: Custom data: JSON values by name.
    data: Mapping[str, JSONValue] = field(factory=dict)
    stats: LaneStats = field(factory=LaneStats)
    limits: Limits = NO_LIMITS
    #: Why none of its ready jobs can be claimed: ``"paused"``, ``"max_in_flight"`` or ``"rate"``; empty if they can.
    blocked: str = ""
    #: Seconds that a job takes from claim to ack, the mean of some ten last ones; in a Celery worker, those that the
    #: task ran. Measured only where the weight function reads it, else None.
    mean_time: float | None = None


@frozen(kw_only=True)
class QueueStats(LaneStats):
    """A queue in numbers: the sums over its lanes, those included that were forgotten (see `Policy.lane_ttl`)."""

    #: Lanes that are known: see `Policy.lane_ttl`.
    lanes: int = 0
    #: Lanes that wait to be served.
    backlogged: int = 0
    #: Lanes with ready jobs that a limit keeps from being served.
    blocked: int = 0


def _checked_tags(tags: Mapping[str, str | None] | None) -> dict[str, str | None]:
    for name, value in checked_mapping(tags, "tags").items():
        checked_key(name, "tag")
        if value is not None:
            checked_key(value, "tag value")
    return dict(tags or {})


def _checked_data(data: Mapping[str, JSONValue] | None) -> dict[str, JSONValue]:
    for name, value in checked_mapping(data, "custom data").items():
        checked_key(name, "custom data entry")
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as exc:
            raise InvalidJob(f"custom data are JSON values, {name!r} is not: {exc}") from exc
    return dict(data or {})


def _checked_weight(weight: float | None) -> float | None:
    return None if weight is None else checked_number(weight, "weight", positive=True)


@frozen(kw_only=True)
class LaneUpdate:
    """A change to a lane: what is not named stays; a tag or an entry set to None goes."""

    key: str = field(converter=checked_key)
    #: The weight to set. It counts from now on, unless `effective_weight` says otherwise.
    weight: float | None = field(default=None, converter=_checked_weight)
    tags: dict[str, str | None] = field(default=None, converter=_checked_tags)
    data: dict[str, JSONValue] = field(default=None, converter=_checked_data)
    #: The weight that counts from now on, whatever is set: for weight functions.
    effective_weight: float | None = field(default=None, converter=_checked_weight)
    #: What `Lane.mean_time` is now, as measured.
    mean_time: float | None = None
    #: Limits to set, by the names of `Limits`; one set to None is lifted.
    limits: dict[str, Any] = field(default=None, converter=checked_limits)


def merged(old: Mapping[str, T], changes: Mapping[str, T | None]) -> dict[str, T]:
    """Return tags or data after a change: what is set to None is gone."""
    return {name: value for name, value in {**old, **changes}.items() if value is not None}
