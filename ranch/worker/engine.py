"""The engine of a worker: claims jobs for free slots, and ends in good order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

from ranch.aqueue import AsyncQueue
from ranch.exceptions import BackendError
from ranch.model import Lease
from ranch.worker.desk import Desk, Pause
from ranch.worker.execution import Execution
from ranch.worker.processes import Processes
from ranch.worker.settings import Health, Settings
from ranch.worker.slots import Slots
from ranch.worker.threads import Threads

log = logging.getLogger("ranch")

#: Seconds that a claim waits for a job: so long it takes at most until an idle worker stops.
WAIT: Final = 1.0
#: The same in burst mode: long enough to see to all that has fallen due.
BURST_WAIT: Final = 0.1
#: Seconds that jobs get to end when they are interrupted, before they are given back all the same.
GRACE: Final = 3.0


class Engine:
    """Runs the jobs of queues in one event loop.

    Jobs are claimed for free slots alone, as many at once as there are, so a choice is made as late as it can be. Of
    several queues each has its turn; one that is idle is waited for outside of the turns, and its job given back
    unharmed if the slot is taken by then.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        #: From which lanes it claims; when another one is set, that counts from the next claim on.
        self.selections = settings.selections
        self._slots = Slots(settings.concurrency, settings.max_jobs)
        self._pool = (Processes if settings.pool == "process" else Threads)(settings.concurrency)
        self._desks = [Desk(AsyncQueue.of(queue), self._slots) for queue in settings.queues]
        self._running: dict[asyncio.Task[None], tuple[Desk, Lease]] = {}
        self._turn = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._abandoned = asyncio.Event()
        self._idle: dict[Desk, int] = {}
        self._counts = {"done": 0, "failed": 0, "released": 0}
        self._ended = False

    async def run(self) -> None:
        """Work until it is told to stop, in burst mode until nothing is left to do, or `max_jobs` were taken."""
        try:
            serving = [asyncio.ensure_future(self._serve(desk)) for desk in self._desks]
            try:
                await asyncio.gather(*serving)
            finally:
                # One that has failed, as it does if the queue has another strategy, ends the others.
                self.stop()
                await asyncio.wait(serving)
                await self._drain()
        except Exception:
            # Nobody may be there to whom it could be raised, until somebody stops a worker that has ended long since.
            log.exception("the worker ends")
            raise
        finally:
            self._ended = True
            try:
                self._pool.close()
            finally:
                for desk in self._desks:
                    await desk.close()

    def stop(self) -> None:
        """Claim no more; what runs is finished."""
        self._stopping.set()
        self._slots.notify()

    def abandon(self) -> None:
        """Claim no more, and give back what runs."""
        self.stop()
        for desk in self._desks:
            desk.hurry = True
        self._abandoned.set()

    @property
    def is_stopping(self) -> bool:
        """It claims no more."""
        return self._stopping.is_set()

    def health(self) -> Health:
        """Tell how it is. No round trip."""
        return Health(
            state="stopped" if self._ended else "stopping" if self.is_stopping else "running",
            store=all(desk.up for desk in self._desks),
            running=self._slots.running,
            **self._counts,
        )

    # Claims

    async def _serve(self, desk: Desk) -> None:
        settings, pause = self._settings, Pause()
        execution = Execution(desk, self._pool, settings.allow, settings.timeout_of(desk.queue.name))
        while not self.is_stopping:
            try:
                await self._claim(desk, execution)
            except BackendError as exc:
                if desk.up:
                    log.warning("queue %r: no jobs can be claimed: %s", desk.queue.name, exc)
                desk.up = False
                await self._unless_stopped(pause.wait())
            else:
                if not desk.up:
                    log.warning("queue %r: jobs can be claimed again", desk.queue.name)
                desk.up = True
                pause.over()

    async def _claim(self, desk: Desk, execution: Execution) -> None:
        alone, burst = len(self._desks) == 1, self._settings.burst
        before = self._slots.changes
        async with self._turn:
            while self._slots.room < 1 and not self.is_stopping:
                if self._slots.used_up:
                    self.stop()
                else:
                    await self._slots.changed()
            if self.is_stopping:
                return
            wait = BURST_WAIT if burst else WAIT if alone else 0.0
            leases = await self._claimed(desk, self._slots.room, wait)
            await self._begin(desk, execution, leases)
        if leases:
            return
        if burst:
            await self._wait_or_end(desk, before)
        elif not alone:
            await self._begin(desk, execution, await self._claimed(desk, 1, WAIT))

    async def _claimed(self, desk: Desk, limit: int, wait: float) -> Sequence[Lease]:
        lanes, steal = self.selections or (None, None)
        return await desk.queue.claim_many(limit, lanes=lanes, steal=steal, wait=wait)

    async def _wait_or_end(self, desk: Desk, before: int) -> None:
        """End a burst if all queues were empty since anything has happened; else wait until something does."""
        self._idle[desk] = before
        if self._slots.held == 0 and all(self._idle.get(each) == self._slots.changes for each in self._desks):
            self.stop()
        elif self._idle[desk] == self._slots.changes:
            await self._slots.changed()

    async def _begin(self, desk: Desk, execution: Execution, leases: Sequence[Lease]) -> None:
        # It may have been told to stop meanwhile, or the slot may be another queue's job's by now.
        fit = 0 if self.is_stopping else max(0, self._slots.room)
        self._slots.hold(len(leases))
        desk.heartbeat.add(leases[:fit])
        for lease in leases[:fit]:
            self._slots.take()
            running = asyncio.ensure_future(self._run(desk, execution, lease))
            self._running[running] = (desk, lease)
            running.add_done_callback(self._running.pop)
        if leases[fit:]:
            await self._give_back(desk, leases[fit:])

    async def _run(self, desk: Desk, execution: Execution, lease: Lease) -> None:
        try:
            self._counts[await execution.run(lease)] += 1
        except Exception:
            # A fault of ranch's own: the job is left to its lease, and the worker goes on.
            log.exception("job %s of queue %r could not be settled", lease.job.id, desk.queue.name)
            desk.heartbeat.remove([lease])
            self._slots.settle(1)
        finally:
            self._slots.end()

    # The end

    async def _drain(self) -> None:
        """Let what runs end and be settled, and give back what does not."""
        await self._unless_abandoned(self._settled(), self._settings.drain_timeout)
        for desk in self._desks:
            desk.hurry = True
        if self._running:
            await self._interrupt()

    async def _settled(self) -> None:
        if self._running:
            await asyncio.wait(self._running)
        for desk in self._desks:
            await desk.settled()

    async def _interrupt(self) -> None:
        log.warning("%d jobs are interrupted, and given back", len(self._running))
        left = dict(self._running)
        for running in left:
            running.cancel()
        self._pool.interrupt()
        await asyncio.wait(left, timeout=GRACE)
        # Until a thread ends, its job should be nobody else's, if that can be helped.
        await self._pool.idle(GRACE)
        for desk in self._desks:
            still = [
                lease
                for running, (owner, lease) in left.items()
                if owner is desk and (not running.done() or running.cancelled())
            ]
            if still:
                await self._give_back(desk, still)

    async def _give_back(self, desk: Desk, leases: Sequence[Lease]) -> None:
        await desk.settle(leases, lambda: desk.queue.release(leases))
        self._counts["released"] += len(leases)

    async def _unless_stopped(self, awaitable: Any) -> None:
        await _first(awaitable, self._stopping, None)

    async def _unless_abandoned(self, awaitable: Any, timeout: float | None) -> None:
        await _first(awaitable, self._abandoned, timeout)


async def _first(awaitable: Any, event: asyncio.Event, timeout: float | None) -> None:
    """Wait for something, until an event or for some seconds at most."""
    waits = [asyncio.ensure_future(awaitable), asyncio.ensure_future(event.wait())]
    try:
        await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()
        await asyncio.wait(waits)
