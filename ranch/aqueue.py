"""The queue for asyncio: `Queue`, awaited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, TypeVar

from attrs import field, frozen

from ranch.checks import checked_key
from ranch.choice import StrategyChoice
from ranch.hooks.manager import Plugins
from ranch.model import Job, JSONValue, Lane, LaneStats, Lease, Priority, QueueStats
from ranch.operations import Operations
from ranch.steps import Steps, adrive
from ranch.typing import Backend, Serializer, Strategy, WeightFunction

R = TypeVar("R")


class AsyncQueue:
    """A `Queue` whose operations are awaited: the same names, arguments, results and errors.

    On Redis the event loop waits for the network; memory and SQLite do their work in a thread.
    """

    def __init__(
        self,
        name: str,
        *,
        backend: str | Backend = "sqlite:///ranch.db",
        strategy: str | Mapping[str, Any] | Strategy = "weighted-lru",
        serializer: str | Serializer = "json",
        accept: Iterable[str | Serializer] | None = None,
        lease: float = 60.0,
        weight_function: str | Mapping[str, Any] | WeightFunction | None = None,
        weight_refresh: float = 1.0,
        plugins: Plugins | None = None,
    ) -> None:
        self._operations = Operations.open(
            name,
            backend=backend,
            strategy=strategy,
            serializer=serializer,
            accept=accept,
            lease=lease,
            weight_function=weight_function,
            weight_refresh=weight_refresh,
            plugins=plugins,
        )

    @property
    def name(self) -> str:
        """As `Queue.name`."""
        return self._operations.name

    @property
    def backend(self) -> Backend:
        """As `Queue.backend`."""
        return self._operations.backend

    async def enqueue(
        self,
        lane: str,
        payload: Any,
        *,
        delay: float = 0.0,
        priority: int = Priority.NORMAL,
        cost: float = 1.0,
        bid: float | None = None,
    ) -> Job:
        """As `Queue.enqueue`."""
        return (await self.enqueue_many([(lane, payload)], delay=delay, priority=priority, cost=cost, bid=bid))[0]

    async def enqueue_many(
        self,
        items: Iterable[tuple[str, Any]],
        *,
        delay: float = 0.0,
        priority: int = Priority.NORMAL,
        cost: float = 1.0,
        bid: float | None = None,
    ) -> list[Job]:
        """As `Queue.enqueue_many`."""
        return await self._drive(self._operations.enqueue(items, delay=delay, priority=priority, cost=cost, bid=bid))

    async def claim(self, *, wait: float = 0.0, lease: float | None = None) -> AsyncQueueLease | None:
        """As `Queue.claim`."""
        leases = await self.claim_many(1, wait=wait, lease=lease)
        return leases[0] if leases else None

    async def claim_many(self, limit: int, *, wait: float = 0.0, lease: float | None = None) -> list[AsyncQueueLease]:
        """As `Queue.claim_many`."""
        leases = await self._drive(self._operations.claim(limit, wait=wait, lease=lease))
        return [self._held(lease) for lease in leases]

    async def ack(self, leases: Iterable[Lease]) -> None:
        """As `Queue.ack`."""
        await self._drive(self._operations.ack(leases))

    async def release(self, leases: Iterable[Lease], *, delay: float = 0.0) -> None:
        """As `Queue.release`."""
        await self._drive(self._operations.release(leases, delay))

    async def renew(self, leases: Iterable[Lease], seconds: float | None = None) -> list[AsyncQueueLease]:
        """As `Queue.renew`."""
        return [self._held(lease) for lease in await self._drive(self._operations.renew(leases, seconds))]

    async def reclaim(self, limit: int = 1000) -> int:
        """As `Queue.reclaim`."""
        return await self._drive(self._operations.reclaim(limit))

    def lane(self, key: str) -> AsyncQueueLane:
        """As `Queue.lane`."""
        return AsyncQueueLane(key=checked_key(key), queue=self)

    async def lanes(self, *, tag: tuple[str, str] | None = None) -> list[Lane]:
        """As `Queue.lanes`."""
        return await self._drive(self._operations.read_lanes(tag))

    async def refresh_weights(self) -> int:
        """As `Queue.refresh_weights`."""
        return await self._drive(self._operations.refresh_weights())

    @property
    def weight_errors(self) -> int:
        """As `Queue.weight_errors`."""
        return self._operations.weight_errors

    async def stats(self) -> QueueStats:
        """As `Queue.stats`."""
        return await self._drive(self._operations.stats())

    async def read_strategy(self) -> StrategyChoice | None:
        """As `Queue.read_strategy`."""
        return await self._drive(self._operations.read_strategy())

    async def set_strategy(self, strategy: str | Mapping[str, Any] | Strategy) -> StrategyChoice:
        """As `Queue.set_strategy`."""
        return await self._drive(self._operations.set_strategy(strategy))

    async def close(self) -> None:
        """As `Queue.close`."""
        await self.backend.aclose()

    async def __aenter__(self) -> AsyncQueue:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    async def _drive(self, steps: Steps[R]) -> R:
        return await adrive(self._operations.backend, steps)

    def _held(self, lease: Lease) -> AsyncQueueLease:
        return AsyncQueueLease(job=lease.job, token=lease.token, deadline=lease.deadline, queue=self)


@frozen(kw_only=True)
class AsyncQueueLease(Lease):
    """As `QueueLease`, awaited."""

    _queue: AsyncQueue = field(repr=False, eq=False)

    async def ack(self) -> None:
        """As `QueueLease.ack`."""
        await self._queue.ack([self])

    async def release(self, *, delay: float = 0.0) -> None:
        """As `QueueLease.release`."""
        await self._queue.release([self], delay=delay)

    async def renew(self, seconds: float | None = None) -> AsyncQueueLease:
        """As `QueueLease.renew`."""
        return (await self._queue.renew([self], seconds))[0]


@frozen(kw_only=True)
class AsyncQueueLane:
    """As `QueueLane`, awaited."""

    key: str
    _queue: AsyncQueue = field(repr=False)

    async def update(
        self,
        *,
        weight: float | None = None,
        tags: Mapping[str, str | None] | None = None,
        data: Mapping[str, JSONValue] | None = None,
    ) -> None:
        """As `QueueLane.update`."""
        await self._queue._drive(self._queue._operations.update_lane(self.key, weight, tags, data))

    async def read(self) -> Lane:
        """As `QueueLane.read`."""
        return await self._queue._drive(self._queue._operations.read_lane(self.key))

    @property
    async def stats(self) -> LaneStats:
        """As `QueueLane.stats`: ``await queue.lane("acme").stats``."""
        return (await self.read()).stats
