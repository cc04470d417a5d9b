"""The queue for asyncio: `Queue`, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ranch.acontrol import AsyncControl
from ranch.ahandles import AsyncQueueLease
from ranch.breaker import FAILURES
from ranch.heartbeat import Heartbeat
from ranch.hooks.manager import Plugins
from ranch.letters import Kind
from ranch.model import Job, Lease
from ranch.operations import RESULT_TTL, Operations
from ranch.options import EnqueueOptions
from ranch.policy import Policy
from ranch.retry import Retry
from ranch.selection import LaneNames
from ranch.tasks import AsyncTasks
from ranch.typing import Backend, Serializer, Strategy, WeightFunction

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ranch.queue import Queue

R = TypeVar("R")


class AsyncQueue(AsyncControl, AsyncTasks):
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
        breaker_failures: int = FAILURES,
        policy: Policy | None = None,
        retry: Retry | None = None,
        result_ttl: float | None = RESULT_TTL,
        owner: str | None = None,
        metrics_enabled: bool = True,
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
            breaker_failures=breaker_failures,
            policy=policy,
            retry=retry,
            result_ttl=result_ttl,
            owner=owner,
            metrics_enabled=metrics_enabled,
            plugins=plugins,
        )
        self._heartbeat = Heartbeat(self._operations)

    @classmethod
    def of(cls, queue: Queue | AsyncQueue) -> AsyncQueue:
        """Return a queue that is open already, to be awaited: with the same backend and tasks, closed together."""
        same = cls.__new__(cls)
        vars(same).update(vars(queue), tasks=queue.tasks)
        return same

    @property
    def name(self) -> str:
        """As `Queue.name`."""
        return self._operations.name

    @property
    def backend(self) -> Backend:
        """As `Queue.backend`."""
        return self._operations.backend

    async def enqueue(self, lane: str, payload: Any, **options: Unpack[EnqueueOptions]) -> Job:
        """As `Queue.enqueue`."""
        jobs = await self.enqueue_many([(lane, payload)], **options)
        return jobs[0]

    async def enqueue_many(self, items: Iterable[tuple[str, Any]], **options: Unpack[EnqueueOptions]) -> list[Job]:
        """As `Queue.enqueue_many`."""
        return await self._drive(self._operations.enqueue(items, **options))

    async def claim(
        self,
        *,
        lanes: LaneNames | None = None,
        steal: LaneNames | None = None,
        wait: float = 0.0,
        lease: float | None = None,
    ) -> AsyncQueueLease | None:
        """As `Queue.claim`."""
        leases = await self.claim_many(1, lanes=lanes, steal=steal, wait=wait, lease=lease)
        return leases[0] if leases else None

    async def claim_many(
        self,
        limit: int,
        *,
        lanes: LaneNames | None = None,
        steal: LaneNames | None = None,
        wait: float = 0.0,
        lease: float | None = None,
    ) -> list[AsyncQueueLease]:
        """As `Queue.claim_many`.

        Give it `wait`, and do not cancel it: cancelled while the store answers, as by a timeout, it may leave jobs
        claimed that nobody has. They come back when their leases end.
        """
        leases = await self._drive(self._operations.claim(limit, wait=wait, lease=lease, lanes=lanes, steal=steal))
        return [self._held(taken, taken.job.lease or lease) for taken in leases]

    async def ack(self, leases: Iterable[Lease], *, results: Mapping[str, Any] | None = None) -> None:
        """As `Queue.ack`."""
        await self._drive(self._operations.ack(leases, results))

    async def release(self, leases: Iterable[Lease], *, delay: float = 0.0) -> None:
        """As `Queue.release`."""
        await self._drive(self._operations.release(leases, delay))

    async def fail(self, leases: Iterable[Lease], error: BaseException | str, *, retry: Retry | None = None) -> None:
        """As `Queue.fail`."""
        await self._drive(self._operations.fail(leases, error, retry))

    async def bury(
        self, leases: Iterable[Lease], reason: str, *, error: BaseException | str = "", kind: Kind = "system"
    ) -> None:
        """As `Queue.bury`."""
        await self._drive(self._operations.bury(leases, reason, error, kind))

    async def renew(self, leases: Iterable[Lease], seconds: float | None = None) -> list[AsyncQueueLease]:
        """As `Queue.renew`."""
        return [self._held(each, each.seconds) for each in await self._drive(self._operations.renew(leases, seconds))]

    def heartbeat(self, on_lost: Callable[[Lease], None] | None = None) -> Heartbeat:
        """As `Queue.heartbeat`; nothing of it waits for the network but `Heartbeat.stop`, for a second at most."""
        return Heartbeat(self._operations, on_lost)

    async def close(self) -> None:
        """As `Queue.close`."""
        await asyncio.to_thread(self._heartbeat.stop)
        await self._drive(self._operations.leave_times())
        await self.backend.aclose()

    async def __aenter__(self) -> AsyncQueue:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def _held(self, lease: Lease, seconds: float | None) -> AsyncQueueLease:
        return AsyncQueueLease(job=lease.job, token=lease.token, deadline=lease.deadline, seconds=seconds, queue=self)
