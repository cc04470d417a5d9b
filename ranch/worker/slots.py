"""How many jobs are in a worker's hands, and how many more may be."""

from __future__ import annotations

import asyncio


class Slots:
    """Counts jobs, and wakes up whoever waits for a change.

    A slot is free when its job has ended, while the ack may be under way still: that saves a round trip for each job.
    So that a store that is slow to settle holds the claims up too, a worker has at most twice as many leases as slots.

    Args:
        concurrency: How many jobs may run.
        max_jobs: How many may be taken in all.
    """

    def __init__(self, concurrency: int, max_jobs: int | None) -> None:
        self._concurrency = concurrency
        self._left = max_jobs
        self.running = 0
        #: Leases that are neither settled nor given back.
        self.held = 0
        #: How often something has changed.
        self.changes = 0
        self._change = asyncio.Event()

    @property
    def room(self) -> int:
        """How many jobs may be claimed now."""
        room = min(self._concurrency - self.running, 2 * self._concurrency - self.held)
        return room if self._left is None else min(room, self._left)

    @property
    def used_up(self) -> bool:
        """No job may be taken any more, ever."""
        return self._left == 0

    def hold(self, leases: int) -> None:
        """Count leases that were claimed."""
        self.held += leases

    def take(self) -> None:
        """Count a job that begins."""
        self.running += 1
        if self._left is not None:
            self._left -= 1
        self.notify()

    def end(self) -> None:
        """Count a job that has ended."""
        self.running -= 1
        self.notify()

    def settle(self, leases: int) -> None:
        """Count leases that are settled."""
        self.held -= leases
        self.notify()

    def notify(self) -> None:
        """Wake up whoever waits."""
        self.changes += 1
        self._change.set()
        self._change = asyncio.Event()

    async def changed(self) -> None:
        """Wait until something changes."""
        await self._change.wait()
