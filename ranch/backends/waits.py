"""The steps of those who wait in tables."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final

from attrs import frozen

from ranch.backends.lookups import Lookups, Store
from ranch.selection import Selection
from ranch.steps import Steps

# Seconds between two looks at whether a job has ended.
_PAUSE: Final = 0.005
# How many may wait at once. The others take turns: a change lets all go, and who comes after it sees it at once.
_WAITING: Final = 32


@cache
def _threads(_process: int) -> ThreadPoolExecutor:
    """Return the threads of those who wait in a process; a fork has none of its parent's."""
    return ThreadPoolExecutor(_WAITING, "ranch-wait")


@frozen
class Wait:
    """The step of whoever waits for a change of a queue."""

    store: Store
    queue: str
    timeout: float
    tick: int

    def __call__(self) -> None:
        self.store.wait(self.queue, self.timeout, self.tick)

    async def alook_on(self) -> None:
        """Do the same in a thread made for it: in the event loop's few, those who wait would keep out who enqueues."""
        waited = asyncio.get_running_loop().run_in_executor(_threads(os.getpid()), self)
        try:
            await asyncio.wait([waited], timeout=self.timeout)
            if waited.done():
                waited.result()
        finally:
            waited.cancel()


@frozen
class Watch:
    """The step of whoever waits for a job to end."""

    store: Store
    queue: str
    job_id: str
    timeout: float

    def seen(self) -> bool:
        """Look whether it is kept how the job has ended."""
        with self.store.begin(self.queue, reading=True) as tables:
            return tables.outcome(self.job_id) is not None

    def __call__(self) -> None:
        self.store.wait_for(self.queue, self.job_id, self.timeout)

    def look_on(self) -> None:
        """Look again and again, until it is seen."""
        until = time.monotonic() + self.timeout
        while not self.seen() and (left := until - time.monotonic()) > 0:
            time.sleep(min(_PAUSE, left))

    async def alook_on(self) -> None:
        """Do the same; the pauses take no thread."""
        until = time.monotonic() + self.timeout
        while not await asyncio.to_thread(self.seen) and (left := until - time.monotonic()) > 0:  # noqa: ASYNC110
            # Another process may be who ends it.
            await asyncio.sleep(min(_PAUSE, left))


class Waits(Lookups):
    """What there is to wait for in one queue."""

    def wait(self, timeout: float, tick: int, selections: Sequence[Selection] = ()) -> Steps[None]:
        # A change of any lane wakes all who wait.
        yield Wait(self.store, self.queue, timeout, tick)

    def wait_for(self, job_id: str, timeout: float) -> Steps[None]:
        yield Watch(self.store, self.queue, job_id, timeout)

    def ring(self) -> Steps[None]:
        # All were woken.
        yield from ()
