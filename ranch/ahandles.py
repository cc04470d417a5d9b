"""What an awaited queue hands out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from ranch.letters import Kind
from ranch.limits import Limits
from ranch.model import JSONValue, Lane, LaneStats, Lease
from ranch.retry import Retry

if TYPE_CHECKING:
    from ranch.acontrol import AsyncControl
    from ranch.aqueue import AsyncQueue


@frozen(kw_only=True)
class AsyncQueueLease(Lease):
    """As `QueueLease`, awaited."""

    _queue: AsyncQueue = field(repr=False, eq=False)

    async def ack(self, result: Any = None) -> None:
        """As `QueueLease.ack`."""
        await self._queue.ack([self], results={self.job.id: result})

    async def release(self, *, delay: float = 0.0) -> None:
        """As `QueueLease.release`."""
        await self._queue.release([self], delay=delay)

    async def fail(self, error: BaseException | str, *, retry: Retry | None = None) -> None:
        """As `QueueLease.fail`."""
        await self._queue.fail([self], error, retry=retry)

    async def bury(self, reason: str, *, error: BaseException | str = "", kind: Kind = "system") -> None:
        """As `QueueLease.bury`."""
        await self._queue.bury([self], reason, error=error, kind=kind)

    async def renew(self, seconds: float | None = None) -> AsyncQueueLease:
        """As `QueueLease.renew`."""
        return (await self._queue.renew([self], seconds))[0]

    def keep_alive(
        self, seconds: float | None = None, *, on_lost: Callable[[Lease], None] | None = None
    ) -> AbstractContextManager[None]:
        """As `QueueLease.keep_alive`, with a plain ``with``: nothing in it waits for the network."""
        return self._queue._heartbeat.keeping(self, seconds, on_lost)


@frozen(kw_only=True)
class AsyncQueueLane:
    """As `QueueLane`, awaited."""

    key: str
    _queue: AsyncControl = field(repr=False)

    async def update(
        self,
        *,
        weight: float | None = None,
        tags: Mapping[str, str | None] | None = None,
        data: Mapping[str, JSONValue] | None = None,
    ) -> None:
        """As `QueueLane.update`."""
        await self._queue._drive(self._queue._operations.update_lane(self.key, weight=weight, tags=tags, data=data))

    async def limit(self, **limits: Any) -> None:
        """As `QueueLane.limit`."""
        await self._queue._drive(self._queue._operations.update_lane(self.key, limits=limits))

    async def pause(self) -> None:
        """As `QueueLane.pause`."""
        await self.limit(paused=True)

    async def resume(self) -> None:
        """As `QueueLane.resume`."""
        await self.limit(paused=False)

    async def purge(self) -> int:
        """As `QueueLane.purge`."""
        return await self._queue._drive(self._queue._operations.purge(self.key))

    async def read(self) -> Lane:
        """As `QueueLane.read`."""
        return await self._queue._drive(self._queue._operations.read_lane(self.key))

    @property
    async def stats(self) -> LaneStats:
        """As `QueueLane.stats`: ``await queue.lane("acme").stats``."""
        return (await self.read()).stats

    @property
    async def limits(self) -> Limits:
        """As `QueueLane.limits`, awaited in the same way."""
        return (await self.read()).limits
