"""One queue of a worker: what was claimed from it, and how that is settled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final

from attrs import define, field

from ranch.aqueue import AsyncQueue
from ranch.exceptions import BackendUnavailable, LeaseLost
from ranch.heartbeat import Heartbeat
from ranch.model import Lease
from ranch.worker.slots import Slots

log = logging.getLogger("ranch")

#: Seconds to wait when the store is away: at first, and at most.
FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 5.0


@define
class Pause:
    """Waits longer each time, until it is told that all is well."""

    seconds: float = FIRST_PAUSE

    async def wait(self) -> None:
        """Wait."""
        await asyncio.sleep(self.seconds)
        self.seconds = min(2 * self.seconds, LONGEST_PAUSE)

    def over(self) -> None:
        """Begin anew with the shortest."""
        self.seconds = FIRST_PAUSE


@define(eq=False)
class Desk:
    """Settles the leases of one queue.

    Acks are put together: while some are under way, what ends waits for the next. On Redis they go with what else is
    asked at that moment, the next claim above all, and before it.
    """

    queue: AsyncQueue
    slots: Slots
    heartbeat: Heartbeat = field(init=False)
    #: Whether the store answered last.
    up: bool = field(default=True, init=False)
    #: Set when what cannot be settled now is to be left to its lease.
    hurry: bool = field(default=False, init=False)
    _done: list[Lease] = field(factory=list, init=False)
    _results: dict[str, Any] = field(factory=dict, init=False)
    _acking: asyncio.Task[None] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.heartbeat = self.queue.heartbeat()

    def ack(self, lease: Lease, result: Any) -> None:
        """Ack a lease, with its result, in the next round trip."""
        self._done.append(lease)
        if result is not None:
            self._results[lease.job.id] = result
        if self._acking is None:
            self._acking = asyncio.get_running_loop().create_task(self._ack())

    async def settle(self, leases: Sequence[Lease], how: Callable[[], Awaitable[Any]]) -> None:
        """Do something that settles leases, again and again while the store is away."""
        # Not renewed while they are settled: that would come too late, and be told as a lease that was lost.
        self.heartbeat.remove(leases)
        pause = Pause()
        while True:
            try:
                await how()
                break
            except LeaseLost as exc:
                log.warning("queue %r: %s", self.queue.name, exc)
                break
            except BackendUnavailable as exc:
                if self.hurry:
                    jobs = ", ".join(lease.job.id for lease in leases)
                    log.warning("queue %r: left to their leases: %s: %s", self.queue.name, jobs, exc)
                    break
                await pause.wait()
            except Exception:
                # Whatever a store may raise: they are left to their leases, and the next are settled all the same.
                log.exception("queue %r: could not settle %d jobs", self.queue.name, len(leases))
                break
        self.slots.settle(len(leases))

    async def settled(self) -> None:
        """Wait until all that has ended is acked, or left to its lease."""
        while self._acking:
            # Who waits may be cancelled, and they go on.
            await asyncio.wait([self._acking])

    async def close(self) -> None:
        """Wait for the last acks, renew no lease any more, and leave what was measured."""
        await self.settled()
        await asyncio.to_thread(self.heartbeat.stop)
        if self.up:
            await self.queue._drive(self.queue._operations.leave_times())

    async def _ack(self) -> None:
        while self._done:
            batch, self._done = self._done, []
            results, self._results = self._results, {}
            await self.settle(batch, partial(self.queue.ack, batch, results=results))
        self._acking = None
