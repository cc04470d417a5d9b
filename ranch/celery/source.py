"""One ranch queue as a worker sees it: a source of jobs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Final

from celery.utils.log import get_logger

from ranch.celery.leases import Leases
from ranch.exceptions import RanchError
from ranch.model import Lease
from ranch.operations import Operations
from ranch.steps import drive

log = get_logger(__name__)

#: Seconds. No wait is longer, so that a wake-up that got lost in the store costs no more than this.
LONGEST_WAIT: Final = 2.0
#: Seconds between attempts while the store is away: the first, and the longest.
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 10.0


class Source:
    """Claims jobs of one queue, and tells when there may be some.

    A thread of its own waits for the store, and only after a claim that found nothing. So nothing is polled while jobs
    come, and whoever waits has a free slot to wait for. A wake-up cannot get lost between the claim and the wait: the
    wait starts from the tick that the claim saw.
    """

    def __init__(self, operations: Operations, awake: Callable[[], None]) -> None:
        self.name = operations.name
        self.leases = Leases(operations)
        #: Whether there may be jobs. Set by the waiting thread, and cleared by a claim.
        self.hungry = True
        #: Whether the store has woken this worker, and it has not claimed since. The store wakes one for each job.
        self.woken = False
        #: How many jobs were claimed.
        self.claimed = 0
        self._operations = operations
        self._awake = awake
        # What to wait for: seconds, and the tick that was seen, or None after a failure. None instead of both ends it.
        self._naps: SimpleQueue[tuple[float, int | None] | None] = SimpleQueue()
        self._stopped = threading.Event()
        self._pause = 0.0

    def start(self) -> None:
        """Start to wait where there is nothing to be claimed."""
        threading.Thread(target=self._wait, daemon=True, name=f"ranch-wait-{self.name}").start()

    def stop(self) -> None:
        """Claim nothing any more. Leases stay."""
        self._stopped.set()
        self.hungry = False
        self._naps.put(None)

    def end(self) -> None:
        """Try once more to settle what could not be, renew nothing any more, and leave what was measured."""
        self.leases.stop()
        drive(self._operations.backend, self._operations.leave_times())

    def claim(self, limit: int) -> Sequence[Lease]:
        """Claim up to `limit` jobs, and none if the store cannot say. One round trip; it does not wait."""
        operations = self._operations
        self.woken = False
        try:
            claim = drive(operations.backend, operations.take(limit, timed=True))
        except Exception as exc:  # noqa: BLE001 - a worker outlives its store, whatever a store may raise
            self._failed(exc)
            return ()
        self._pause = 0.0
        if not claim.leases:
            self.hungry = False
            nap = LONGEST_WAIT if claim.idle_for is None else min(claim.idle_for, LONGEST_WAIT)
            self._naps.put((nap, claim.tick))
        self.claimed += len(claim.leases)
        self.leases.opened(claim.leases)
        return claim.leases

    def pass_on(self) -> None:
        """Wake another worker: this one was woken, and has no slot to claim for. One round trip, once for each wake."""
        self.woken = False
        with suppress(RanchError):
            drive(self._operations.backend, self._operations.lanes.ring())

    def report(self) -> dict[str, Any]:
        """What there is to say of it, for people."""
        return {
            "claimed": self.claimed,
            "leases": self.leases.open,
            "unsettled": self.leases.unsettled,
            "waiting": not self.hungry,
        }

    def ran(self, lease: Lease, seconds: float) -> None:
        """Take note of how long a job ran."""
        self._operations.ran(lease, seconds)

    def _failed(self, exc: Exception) -> None:
        self.hungry = False
        self._pause = min(self._pause * 2 or FIRST_PAUSE, LONGEST_PAUSE)
        log.error("cannot claim from queue %r, next attempt in %.1f s: %s", self.name, self._pause, exc)
        self._naps.put((self._pause, None))

    def _wait(self) -> None:
        operations = self._operations
        while (nap := self._naps.get()) is not None:
            seconds, tick = nap
            try:
                if tick is None:
                    self._stopped.wait(seconds)
                else:
                    drive(operations.backend, operations.lanes.wait(seconds, tick))
            except Exception as exc:  # noqa: BLE001 - the thread must live; the next claim says what is wrong
                log.debug("waiting for queue %r failed: %r", self.name, exc)
                self._stopped.wait(FIRST_PAUSE)
            if not self._stopped.is_set():
                self.hungry = self.woken = True
                self._awake()
