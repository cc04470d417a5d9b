"""That a worker's id is used once at a time."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final

from ranch.exceptions import BackendError, LeaseLost, RanchError
from ranch.model import Job, Lease
from ranch.policy import Policy
from ranch.queue import Queue
from ranch.selection import Selection
from ranch.typing import Backend

log = logging.getLogger("ranch")

#: The queue whose lanes are ids: in each at most one job, which is leased to the worker that has the id.
QUEUE: Final = "ranch-workers"
#: Seconds after which the id of a worker that was killed is free again.
LEASE: Final = 15.0
#: Seconds between two looks at whether the one who has an id is alive.
LOOK: Final = 0.5


class IdentityTaken(RanchError):
    """Another worker runs under this id."""


class Identity:
    """A worker's id, held while the block runs: by a lease, which is kept alive as those of jobs are.

    A worker that was killed holds its id until its lease expires, so one that begins waits for that; or until it sees
    the lease renewed, by which it knows that the other one is alive.

    Args:
        worker_id: The id.
        store: Where the worker's queues are: a URL, or a backend.
        lease: Seconds after which the id of a worker that was killed is free again.
        on_lost: Called, from another thread, when the id is lost: the store was away for longer than the lease, and
            another worker has it now.

    Raises:
        IdentityTaken: Another worker has it, and keeps it: told after a third of `lease`, when it is renewed. At the
            end of the block: it was lost.
    """

    def __init__(
        self,
        worker_id: str,
        store: str | Backend,
        *,
        lease: float = LEASE,
        on_lost: Callable[[], None] | None = None,
    ) -> None:
        self.worker_id = worker_id
        # Killed again and again, a worker keeps its id all the same.
        self._queue = Queue(
            QUEUE, backend=store, lease=lease, policy=Policy(max_reclaims=sys.maxsize), metrics_enabled=False
        )
        self._lanes = Selection(frozenset({worker_id}))
        self._on_lost = on_lost
        self._heartbeat = self._queue.heartbeat(self._lost)
        self._lease: Lease | None = None

    def __enter__(self) -> Identity:
        job = self._queue.enqueue(self.worker_id, None, dedup_key=self.worker_id)
        lease = self._claimed()
        if lease is None:
            log.warning("%s; waiting whether it is alive", self._told(job))
            lease = self._awaited(job)
        if lease is None:
            error = f"{self._told(job)}, and is alive: give this one another id, or stop that one"
            self._queue.close()
            raise IdentityTaken(error)
        self._hold(lease)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._lease, "it was entered"
        self._heartbeat.remove([self._lease])
        self._heartbeat.stop()
        try:
            self._queue.release([self._lease])
        except LeaseLost as exc:
            if error is None:
                raise IdentityTaken(f"worker {self.worker_id!r} has lost its id to another one") from exc
        finally:
            self._queue.close()

    def _claimed(self, wait: float = 0.0) -> Lease | None:
        return self._queue.claim(lanes=self._lanes, wait=wait)

    def _awaited(self, job: Job) -> Lease | None:
        """Wait for the end of the lease; None: it was renewed, or given to somebody else."""
        ends = self._queue.explain(job.id).at
        while (lease := self._claimed(wait=LOOK)) is None:
            found = self._queue.explain(job.id)
            if found.state != "ready" and found.at != ends:
                break
        return lease

    def _hold(self, lease: Lease) -> None:
        self._lease = lease
        self._heartbeat.add([lease])

    def _told(self, job: Job) -> str:
        return f"worker {self.worker_id!r} runs already, as {self._queue.explain(job.id).owner or 'somebody'}"

    def _lost(self, lease: Lease) -> None:
        # It has expired, and somebody has seen to that, who need not be another one of this id.
        with suppress(BackendError):
            if again := self._claimed():
                self._hold(again)
                return
        log.error("worker %r has lost its id: the store was away for too long, and another one has it", self.worker_id)
        if self._on_lost:
            self._on_lost()
