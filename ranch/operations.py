"""What a queue can do, written once, without waiting: `Queue` and `AsyncQueue` drive it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from attrs import frozen

from ranch.agreement import AgreedLanes
from ranch.checks import checked_count, checked_key, checked_number
from ranch.choice import StrategyChoice
from ranch.codec import Codec
from ranch.exceptions import ConfigError, InvalidJob, LeaseLost
from ranch.hooks.details import Claimed, Enqueued, Finished, LaneChanged, Released
from ranch.hooks.events import Events
from ranch.hooks.manager import Plugins, default_plugins
from ranch.model import (
    Claim,
    Job,
    JSONValue,
    Lane,
    LaneUpdate,
    Lease,
    NewJob,
    QueueStats,
)
from ranch.steps import Steps
from ranch.typing import LONGEST_WAIT, RELEASES_PER_CALL, Backend, Lanes, Serializer, Strategy, WeightFunction
from ranch.weigher import Weigher

T = TypeVar("T")

#: How many jobs or lanes go into one round trip, so that no call holds the store up.
PER_CALL: Final = 1000


@frozen
class Operations:
    """The operations of one queue."""

    name: str
    backend: Backend
    lanes: Lanes
    codec: Codec
    #: Seconds.
    lease: float
    plugins: Plugins
    #: None if the queue has no weight function.
    weigher: Weigher | None = None

    @classmethod
    def open(
        cls,
        name: str,
        *,
        backend: str | Backend,
        strategy: str | Mapping[str, Any] | Strategy,
        serializer: str | Serializer,
        lease: float,
        weight_function: str | Mapping[str, Any] | WeightFunction | None = None,
        weight_refresh: float = 1.0,
        accept: Iterable[str | Serializer] | None = None,
        plugins: Plugins | None = None,
    ) -> Operations:
        """Turn the names in a configuration into objects. No round trip."""
        plugins = plugins or default_plugins()
        try:
            name, lease = checked_key(name, "queue"), checked_number(lease, "lease", positive=True)
            weight_refresh = checked_number(weight_refresh, "weight_refresh")
        except InvalidJob as exc:
            raise ConfigError(str(exc), where="queue") from exc
        function = None if weight_function is None else plugins.weight_function(weight_function)
        chosen, codec, store = (
            plugins.strategy(strategy),
            plugins.codec(serializer, accept),
            plugins.backend(backend),
        )
        lanes = AgreedLanes(name, store, chosen, plugins)
        weigher = Weigher(function, lanes, weight_refresh) if function else None
        return cls(name, store, lanes, codec, lease, plugins, weigher)

    @property
    def events(self) -> Events:
        return self.plugins.events

    def enqueue(
        self, items: Iterable[tuple[str, Any]], *, delay: float, priority: int, cost: float, bid: float | None
    ) -> Steps[list[Job]]:
        jobs = []
        for item in items:
            try:
                lane, payload = item
            except (TypeError, ValueError) as exc:
                raise InvalidJob(f"each item is a pair (lane, payload), not {item!r}") from exc
            jobs.append(
                NewJob(
                    lane=lane,
                    body=self.codec.dumps(payload),
                    content_type=self.codec.content_type,
                    priority=priority,
                    cost=cost,
                    delay=delay,
                    bid=bid,
                )
            )
        enqueued: list[Job] = []
        for chunk in _chunks(jobs, PER_CALL):
            enqueued += yield from self.lanes.enqueue(chunk)
        for job in enqueued:
            job.read_with(self.codec.loads)
        if self.events.enqueued and enqueued:
            self.events.enqueued(Enqueued(queue=self.name, jobs=enqueued))
        return enqueued

    def take(self, limit: int, lease: float | None = None) -> Steps[Claim]:
        """Claim without waiting: what is there, and if nothing is, how long to wait for what."""
        claim: Claim = yield from self.lanes.claim(limit, self.lease if lease is None else lease)
        for claimed in claim.leases:
            claimed.job.read_with(self.codec.loads)
        if self.events.claimed and claim.leases:
            self.events.claimed(Claimed(queue=self.name, leases=claim.leases))
        if self.weigher and claim.leases:
            yield from self.weigher.served(claim.leases)
        return claim

    def claim(self, limit: int, *, wait: float, lease: float | None) -> Steps[list[Lease]]:
        checked_count(limit, "claim")
        until = time.monotonic() + checked_number(wait, "wait")
        if lease is not None:
            checked_number(lease, "lease", positive=True)
        while True:
            claim = yield from self.take(limit, lease)
            left = until - time.monotonic()
            if self.weigher and self.weigher.times:
                self.weigher.times.begin(claim.leases)
            if claim.leases or left <= 0:
                return list(claim.leases)
            soonest = LONGEST_WAIT if claim.idle_for is None else min(claim.idle_for, LONGEST_WAIT)
            yield from self.lanes.wait(min(left, soonest), claim.tick)

    def ack(self, leases: Iterable[Lease]) -> Steps[None]:
        leases = list(leases)
        lost = yield from self.lanes.ack(leases)
        if self.weigher and self.weigher.times:
            self.weigher.times.end(_without(leases, lost))
        if self.events.finished and (settled := _without(leases, lost)):
            self.events.finished(Finished(queue=self.name, leases=settled))
        _raise_if_lost(lost)

    def release(self, leases: Iterable[Lease], delay: float) -> Steps[None]:
        leases, delay = list(leases), checked_number(delay, "delay")
        lost: list[Lease] = []
        for page in _chunks(leases, RELEASES_PER_CALL):
            lost += yield from self.lanes.release(page, delay)
        if self.events.released and (settled := _without(leases, lost)):
            self.events.released(Released(queue=self.name, leases=settled, delay=delay))
        _raise_if_lost(lost)

    def renew(self, leases: Iterable[Lease], seconds: float | None) -> Steps[list[Lease]]:
        seconds = self.lease if seconds is None else checked_number(seconds, "seconds", positive=True)
        renewed, lost = yield from self.lanes.renew(list(leases), seconds)
        _raise_if_lost(lost)
        return renewed

    def reclaim(self, limit: int) -> Steps[int]:
        reclaimed: int = yield from self.lanes.reclaim(checked_count(limit, "reclaim"))
        return reclaimed

    def update_lane(
        self,
        key: str,
        weight: float | None,
        tags: Mapping[str, str | None] | None,
        data: Mapping[str, JSONValue] | None,
    ) -> Steps[None]:
        change = LaneUpdate(key=key, weight=weight, tags=tags, data=data)
        if self.weigher:
            change = yield from self.weigher.weighed(change)
        yield from self.lanes.update([change])
        if self.events.lane_changed:
            self.events.lane_changed(LaneChanged(queue=self.name, change=change))

    def read_lane(self, key: str) -> Steps[Lane]:
        (lane,) = yield from self.lanes.read([key])
        return lane

    def read_lanes(self, tag: tuple[str, str] | None) -> Steps[list[Lane]]:
        lanes: list[Lane] = []
        for chunk in _chunks((yield from self.lanes.keys(tag)), PER_CALL):
            lanes += yield from self.lanes.read(chunk)
        return lanes

    def refresh_weights(self) -> Steps[int]:
        changed = 0
        if self.weigher:
            for chunk in _chunks((yield from self.lanes.keys(backlogged=True)), PER_CALL):
                changed += yield from self.weigher.look(chunk)
        return changed

    @property
    def weight_errors(self) -> int:
        return self.weigher.errors if self.weigher else 0

    def stats(self) -> Steps[QueueStats]:
        return (yield from self.lanes.stats())

    # The queue's strategy

    def read_strategy(self) -> Steps[StrategyChoice | None]:
        return (yield from self.lanes.read_strategy())

    def set_strategy(self, strategy: str | Mapping[str, Any] | Strategy) -> Steps[StrategyChoice]:
        return (yield from self.lanes.set_strategy(self.plugins.choice(self.plugins.strategy(strategy))))


def _without(leases: Sequence[Lease], lost: Sequence[Lease]) -> list[Lease]:
    tokens = {lease.token for lease in lost}
    return [lease for lease in leases if lease.token not in tokens]


def _raise_if_lost(lost: Sequence[Lease]) -> None:
    if lost:
        raise LeaseLost([lease.job.id for lease in lost])


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
