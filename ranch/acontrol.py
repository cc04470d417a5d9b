"""What an operator does with an awaited queue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ranch.ahandles import AsyncQueueLane
from ranch.answers import Fault, StoredJob
from ranch.checks import checked_key
from ranch.choice import StrategyChoice
from ranch.dead import AsyncDeadLetters
from ranch.explain import Explanation
from ranch.limits import Limits
from ranch.metrics import Metrics
from ranch.model import Job, Lane, QueueStats
from ranch.operations import Operations
from ranch.options import EnqueueOptions
from ranch.schedule import GRACE, Missed, Schedule
from ranch.schedules import AsyncSchedules
from ranch.steps import Steps, adrive
from ranch.tasks import scheduled
from ranch.typing import Strategy

if TYPE_CHECKING:
    from typing_extensions import Unpack

R = TypeVar("R")


class AsyncControl:
    """As `Control`, awaited."""

    _operations: Operations

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

    async def limit(self, **limits: Any) -> Limits:
        """As `Queue.limit`."""
        return await self._drive(self._operations.limit(limits))

    async def limits(self) -> Limits:
        """As `Queue.limits`."""
        return await self._drive(self._operations.limit({}))

    async def pause(self) -> None:
        """As `Queue.pause`."""
        await self.limit(paused=True)

    async def resume(self) -> None:
        """As `Queue.resume`."""
        await self.limit(paused=False)

    async def jobs(self, *, lane: str | None = None) -> AsyncIterator[StoredJob]:
        """As `Queue.jobs`, for ``async for``."""
        cursor = ""
        while True:
            page = await self._drive(self._operations.read_jobs(cursor, lane))
            for stored in page.jobs:
                yield stored
            if not (cursor := page.cursor):
                return

    async def result(self, job_id: str, timeout: float | None = None) -> Any:
        """As `Queue.result`."""
        return await self._drive(self._operations.result(job_id, timeout))

    async def cancel(self, job_id: str) -> bool:
        """As `Queue.cancel`."""
        return bool(await self.cancel_many([job_id]))

    async def cancel_many(self, job_ids: Iterable[str]) -> list[Job]:
        """As `Queue.cancel_many`."""
        return await self._drive(self._operations.cancel(job_ids))

    async def purge(self) -> int:
        """As `Queue.purge`."""
        return await self._drive(self._operations.purge())

    async def explain(self, job_id: str | None = None, *, lane: str | None = None) -> Explanation:
        """As `Queue.explain`."""
        return await self._drive(self._operations.explain(job_id, lane))

    @property
    def dead(self) -> AsyncDeadLetters:
        """As `Queue.dead`."""
        return AsyncDeadLetters(self._operations)

    async def stats(self) -> QueueStats:
        """As `Queue.stats`."""
        return await self._drive(self._operations.stats())

    async def metrics(self, lane: str | None = None) -> Metrics:
        """As `Queue.metrics`."""
        return await self._drive(self._operations.metrics(lane))

    async def check(self, *, repair: bool = False) -> list[Fault]:
        """As `Queue.check`."""
        return await self._drive(self._operations.check(repair=repair))

    async def schedule(
        self,
        cron: str | None = None,
        payload: Any = None,
        *,
        name: str | None = None,
        lane: str | None = None,
        every: float | None = None,
        timezone: str = "UTC",
        missed: Missed = "one",
        grace: float = GRACE,
        **options: Unpack[EnqueueOptions],
    ) -> Schedule:
        """As `Queue.schedule`."""
        return await self._drive(
            scheduled(
                self._operations,
                cron,
                payload,
                name=name,
                lane=lane,
                every=every,
                timezone=timezone,
                missed=missed,
                grace=grace,
                **options,
            )
        )

    @property
    def schedules(self) -> AsyncSchedules:
        """As `Queue.schedules`."""
        return AsyncSchedules(self._operations)

    async def read_strategy(self) -> StrategyChoice | None:
        """As `Queue.read_strategy`."""
        return await self._drive(self._operations.read_strategy())

    async def set_strategy(self, strategy: str | Mapping[str, Any] | Strategy) -> StrategyChoice:
        """As `Queue.set_strategy`."""
        return await self._drive(self._operations.set_strategy(strategy))

    async def _drive(self, steps: Steps[R]) -> R:
        return await adrive(self._operations.backend, steps)
