"""One claimed job on its way through the worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ranch.celery.internals import flow
from ranch.celery.source import Source
from ranch.model import Lease


class Execution:
    """A claimed job, from its claim until its lease is settled.

    What Celery would tell the broker about the message it tells this object: to acknowledge it is to ack the lease, to
    requeue it is to release it. When depends on the task: with ``acks_late`` when it has ended, else when it starts.

    One that a limit `max_in_flight` counts keeps its lease while it runs, whatever its task says. If it is one that
    Celery acknowledges when it starts, it is not to run again: so its lease is final from then on.

    It is known by the lease, never by the task's id: ``self.retry()`` sends the same id again while the lease of the
    first attempt is still open.
    """

    def __init__(self, source: Source, lease: Lease, settled: Callable[[Execution], None]) -> None:
        self.source = source
        self.lease = lease
        #: What the worker made of the message, once it goes to the pool.
        self.request: Any = None
        #: The task, by its name, and how many jobs make one execution of it.
        self.batch: tuple[Any, int] = None, 1
        self._settled: Callable[[Execution], None] | None = settled
        #: Whether it was acknowledged, and keeps its lease until it has ended.
        self._counts = False

    def ack(self) -> None:
        """Settle the job as done, unless it was settled before, or is to count until it has ended."""
        if self.lease.capped and flow.has_begun_early(self.request):
            if self._settled and not self._counts:
                self._counts = True
                self.source.leases.make_final(self.lease)
        elif self._close():
            self.source.leases.ack(self.lease)

    def release(self, *, delay: float = 0.0) -> None:
        """Give the job back, now or after some seconds, unless it was settled before. One that was acked is done."""
        if not self._close():
            return
        if self._counts:
            self.source.leases.ack(self.lease)
        else:
            self.source.leases.release(self.lease, delay)

    def bury(self, error: Exception) -> None:
        """Make a dead letter of the job, which cannot be decoded, unless it was settled before."""
        if self._close():
            self.source.leases.bury(self.lease, error)

    def reject(self, *, requeue: bool) -> None:
        """Give the job back, or drop it."""
        if requeue:
            self.release()
        else:
            self.ack()

    def on_ack(self, logger: Any, errors: Any) -> None:
        """As a request acknowledges its message."""
        self.ack()

    def on_reject(self, logger: Any, errors: Any, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - Celery's
        """As a request rejects its message."""
        self.reject(requeue=requeue)

    def _close(self) -> bool:
        settled, self._settled = self._settled, None
        if settled is None:
            return False
        settled(self)
        return True
