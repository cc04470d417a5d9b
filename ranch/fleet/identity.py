"""That a worker's id is used once at a time."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Final

from ranch.exceptions import LeaseLost, RanchError
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


class IdentityTaken(RanchError):
    """Another worker runs under this id."""


class Identity:
    """A worker's id, held while the block runs: by a lease, which is kept alive as those of jobs are.

    A worker that was killed holds its id until its lease expires, so one that begins waits for that.

    Args:
        worker_id: The id.
        store: Where the worker's queues are: a URL, or a backend.
        lease: Seconds after which the id of a worker that was killed is free again.
        on_lost: Called, from another thread, when the id is lost: the store was away for longer than the lease.

    Raises:
        IdentityTaken: Another worker has it, and keeps it. Told after `lease` seconds.
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
        self._queue = Queue(QUEUE, backend=store, lease=lease, policy=Policy(max_reclaims=sys.maxsize))
        self._seconds = lease
        self._on_lost = on_lost
        self._heartbeat = self._queue.heartbeat(self._lost)
        self._lease: Lease | None = None

    def __enter__(self) -> Identity:
        queue, lanes = self._queue, Selection(frozenset({self.worker_id}))
        job = queue.enqueue(self.worker_id, None, dedup_key=self.worker_id)
        lease = queue.claim(lanes=lanes)
        if lease is None:
            log.warning("%s; waiting whether it is alive", self._told(job))
            lease = queue.claim(lanes=lanes, wait=self._seconds + 1.0)
        if lease is None:
            error = f"{self._told(job)}, and is alive: give this one another id, or stop that one"
            self._queue.close()
            raise IdentityTaken(error)
        self._lease = lease
        self._heartbeat.add([lease])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._lease, "it was entered"
        self._heartbeat.remove([self._lease])
        self._heartbeat.stop()
        try:
            self._queue.release([self._lease])
        except LeaseLost:
            log.warning("worker %r had lost its id", self.worker_id)
        finally:
            self._queue.close()

    def _told(self, job: Job) -> str:
        return f"worker {self.worker_id!r} runs already, as {self._queue.explain(job.id).owner or 'somebody'}"

    def _lost(self, lease: Lease) -> None:
        log.error("worker %r has lost its id: the store was away for too long", self.worker_id)
        if self._on_lost:
            self._on_lost()
