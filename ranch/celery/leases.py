"""The open leases of a worker: kept alive while their jobs run, and settled whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from celery.utils.log import get_logger

from ranch.exceptions import LeaseLost
from ranch.heartbeat import Heartbeat
from ranch.letters import CANNOT_DECODE
from ranch.model import Lease
from ranch.operations import Operations
from ranch.steps import Steps, drive

log = get_logger(__name__)

Settle: TypeAlias = Callable[[Sequence[Lease]], Steps[None]]


class Leases:
    """What one worker holds of one queue. Any thread may call any method, and none of them raises.

    The callbacks of a pool may not raise, for a pool logs and forgets it. So what cannot be settled while the store is
    away is kept, its lease renewed as far as possible, and tried again by `settle` until it works or the lease is lost.
    """

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        # Each by its token. Single operations on dicts need no lock.
        self._open: dict[str, Lease] = {}
        self._unsettled: dict[str, tuple[Settle, Lease]] = {}
        self._not_final: dict[str, Lease] = {}
        self._heartbeat = Heartbeat(operations, self._lost)

    def opened(self, leases: Sequence[Lease]) -> None:
        """Keep these alive from now on."""
        self._open.update((lease.token, lease) for lease in leases)
        self._heartbeat.add(leases)

    def ack(self, lease: Lease) -> None:
        """Settle the job as done. One round trip."""
        self._settle(self._operations.ack, lease)

    def make_final(self, lease: Lease) -> None:
        """Let the job not run again, whatever becomes of this lease, which stays open. One round trip."""
        self._not_final.pop(lease.token, None)
        try:
            drive(self._operations.backend, self._operations.renew([lease], final=True))
        except LeaseLost:
            self._heartbeat.remove([lease])
            self._lost(lease)
        except Exception as exc:  # noqa: BLE001 - see the class
            self._not_final[lease.token] = lease
            log.error("job %s may run again if its worker dies, until the store is back: %s", lease.job.id, exc)  # noqa: TRY400

    def release(self, lease: Lease, delay: float = 0.0) -> None:
        """Give the job back to its place in its lane, or after some seconds. One round trip."""
        self._settle(partial(self._operations.release, delay=delay), lease)

    def bury(self, lease: Lease, error: Exception) -> None:
        """Make a dead letter of a job that cannot be decoded. One round trip."""
        how = partial(self._operations.bury, reason=CANNOT_DECODE, error=error, kind="system")
        self._settle(how, lease)

    @property
    def open(self) -> int:
        """How many are kept alive."""
        return len(self._open)

    @property
    def unsettled(self) -> int:
        """How many wait for the store to come back, to be settled."""
        return len(self._unsettled) + len(self._not_final)

    def settle(self) -> None:
        """Try again what could not be settled. One round trip each."""
        for lease in list(self._not_final.values()):
            self.make_final(lease)
            if lease.token in self._not_final:
                return
        for token, (how, lease) in list(self._unsettled.items()):
            if self._unsettled.pop(token, None) is None:
                continue  # Lost since then, or another thread does it.
            self._settle(how, lease)
            if token in self._unsettled:
                return

    def stop(self) -> None:
        """Try once more to settle what could not be, and renew nothing any more."""
        self.settle()
        self._heartbeat.stop()

    def _settle(self, how: Settle, lease: Lease) -> None:
        self._not_final.pop(lease.token, None)
        if self._open.pop(lease.token, None) is None:
            # Lost, and said so before.
            return
        try:
            drive(self._operations.backend, how([lease]))
        except LeaseLost:
            self._heartbeat.remove([lease])
            self._warn_of_loss(lease)
        except Exception as exc:  # noqa: BLE001 - see the class
            self._open[lease.token] = lease
            self._unsettled[lease.token] = how, lease
            log.error("could not settle job %s, will try again: %s", lease.job.id, exc)  # noqa: TRY400 - no traceback
        else:
            self._heartbeat.remove([lease])

    def _lost(self, lease: Lease) -> None:
        # One that is gone from here is being settled.
        if self._open.pop(lease.token, None):
            self._unsettled.pop(lease.token, None)
            self._warn_of_loss(lease)

    def _warn_of_loss(self, lease: Lease) -> None:
        log.warning(
            "the lease of job %s in lane %r of queue %r was lost: it ran for longer than the worker could renew it, "
            "and may run a second time",
            lease.job.id,
            lease.job.lane,
            self._operations.name,
        )
