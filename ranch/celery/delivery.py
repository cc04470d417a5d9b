"""Laned messages on their way into the store, one by one or the whole of a group."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timezone
from functools import partial
from itertools import groupby
from typing import Any, Final, Literal

from attrs import frozen
from celery.utils.log import get_logger
from celery.utils.time import maybe_iso8601, maybe_make_aware
from kombu.utils.functional import retry_over_time

from ranch.celery.calls import task_of
from ranch.exceptions import BackendUnavailable, InvalidJob
from ranch.model import Job
from ranch.operations.core import PER_CALL
from ranch.queue import Queue

log = get_logger(__name__)

#: Where a producer that is on loan keeps what is to be stored when it is given back, the innermost loan last.
_BATCHES: Final = "_ranch_batches"

#: Keys of a retry policy that say when to try again.
_POLICY: Final = ("max_retries", "interval_start", "interval_step", "interval_max", "timeout")

#: Seconds. The store counts milliseconds.
_AT_LEAST: Final = 0.001

#: Seconds. In a group each task has its own ETA, moments apart, and jobs are stored together if their times agree.
_GRAIN: Final = 0.1


@frozen(kw_only=True)
class Delivery:
    """One laned message, whole."""

    queue: Queue
    lane: str
    payload: Mapping[str, Any]
    #: Arguments for `Queue.enqueue`.
    job: Mapping[str, Any]
    #: Arguments for `QueueLane.update`; empty changes nothing.
    change: Mapping[str, Any]
    eta: datetime | None
    expires: datetime | None
    #: As Celery's ``task_publish_retry_policy``; None tries once.
    retry_policy: Mapping[str, Any] | None
    #: Sends it as plain Celery would, while the store cannot be reached; None if it is an error then.
    to_broker: Callable[[], None] | None
    #: Whether it is let in however many wait, as a retry is, which is no new work.
    always: bool = False

    def delay(self, grain: float = 0.0) -> float:
        """Return the seconds until it is due, rounded up to a multiple of `grain`."""
        # What comes in later is not counted by the limit `max_pending`.
        return _seconds_until(self.eta, grain) or (_AT_LEAST if self.always or self.is_retry else 0.0)

    def lifetime(self, grain: float = 0.0) -> float | None:
        """Return the seconds until it expires, rounded up to a multiple of `grain`; None if it does not."""
        return None if self.expires is None else _seconds_until(self.expires, grain) or _AT_LEAST

    @property
    def task_id(self) -> Any:
        return self.payload["headers"].get("id")

    @property
    def is_retry(self) -> bool:
        return bool(self.payload["headers"].get("retries"))


def _seconds_until(moment: datetime | None, grain: float) -> float:
    if moment is None:
        return 0.0
    seconds = max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())
    return math.ceil(seconds / grain) * grain if grain else seconds


def moment_of(headers: Mapping[str, Any], name: Literal["eta", "expires"]) -> datetime | None:
    """Return the time that a message's header tells; None if it tells none.

    Raises:
        InvalidJob: It is no time.
    """
    told = headers.get(name)
    try:
        if not told or (at := maybe_iso8601(told)) is None:
            return None
    except ValueError as exc:
        raise InvalidJob(f"{name} is a time as ISO 8601 writes it, not {told!r}") from exc
    # As the worker reads it: without a zone it is UTC.
    moment: datetime = maybe_make_aware(at)
    return moment


def deliver(deliveries: Sequence[Delivery], *, grain: float = 0.0) -> list[Job]:
    """Store messages, those that agree in all but lane and payload together. One round trip for each 1,000 of them.

    Returns:
        The jobs: of a duplicate the one that was there. None for those that went to the broker.

    Raises:
        BackendUnavailable: The store cannot be reached. What was stored before stays.
        QueueFull: No more jobs may wait. What was stored before stays.
    """
    keyed = [((d.queue.name, d.delay(grain), d.lifetime(grain), d.job), d) for d in deliveries]
    jobs: list[Job] = []
    for (_, delay, expires, job), run in groupby(keyed, key=lambda pair: pair[0]):
        same = [delivery for _, delivery in run]
        for start in range(0, len(same), PER_CALL):
            jobs += _deliver(same[start : start + PER_CALL], {**job, "delay": delay, "expires": expires})
    return jobs


def _deliver(deliveries: Sequence[Delivery], job: Mapping[str, Any]) -> list[Job]:
    queue, policy, to_broker = deliveries[0].queue, deliveries[0].retry_policy, deliveries[0].to_broker
    changes: dict[str, list[Mapping[str, Any]]] = {}
    for delivery in deliveries:
        if delivery.change and delivery.change not in (of_lane := changes.setdefault(delivery.lane, [])):
            of_lane.append(delivery.change)
    try:
        for lane, of_lane in changes.items():
            for change in of_lane:
                _retried(partial(queue.lane(lane).update, **change), policy)
        return _stored(deliveries, job)
    except BackendUnavailable as exc:
        if to_broker is None:
            raise
        log.warning(
            "the store is away, so %d messages to queue %r go to the broker: %s", len(deliveries), queue.name, exc
        )
        for delivery in deliveries:
            if delivery.to_broker:
                delivery.to_broker()
        return []


def _stored(deliveries: Sequence[Delivery], job: Mapping[str, Any]) -> list[Job]:
    queue, policy = deliveries[0].queue, deliveries[0].retry_policy
    messages = [(delivery.lane, delivery.payload) for delivery in deliveries]
    jobs: list[Job] = _retried(partial(queue.enqueue_many, messages, **job), policy)
    if jobs[0].duplicate and (deliveries[0].is_retry or task_of(queue.name, jobs[0]) == deliveries[0].task_id):
        # What goes on under the same id, while that holds the key; and a retry is waited for, whoever holds it.
        keyless = {name: value for name, value in job.items() if not name.startswith("dedup")}
        return _retried(partial(queue.enqueue_many, messages, **keyless), policy)  # type: ignore[no-any-return]
    return jobs


def _retried(call: Callable[[], Any], policy: Mapping[str, Any] | None) -> Any:
    if policy is None:
        return call()
    return retry_over_time(call, BackendUnavailable, **{key: policy[key] for key in _POLICY if key in policy})


@contextmanager
def batching(loan: AbstractContextManager[Any]) -> Iterator[Any]:
    """Enclose the loan of a producer: what was left to it by `leave` is stored at its end, even if that is an error."""
    with loan as producer:
        batches = vars(producer).setdefault(_BATCHES, [])
        batches.append([])
        try:
            yield producer
        finally:
            batch = batches.pop()
            deliver(batch, grain=_GRAIN)


def leave(producer: Any, delivery: Delivery) -> bool:
    """Leave a message to whoever has lent the producer to this send; return False if nobody has."""
    # The last loan is that of the send itself.
    *lenders, _ = vars(producer).get(_BATCHES) or [None]
    if lenders:
        lenders[-1].append(delivery)
    return bool(lenders)
