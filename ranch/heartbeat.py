"""Keeping leases alive while their jobs run, however long that takes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, TypeAlias

from attrs import frozen

from ranch.checks import checked_number
from ranch.forks import BeginsAnew
from ranch.model import Lease
from ranch.operations import Operations
from ranch.steps import drive

log = logging.getLogger("ranch")

#: Leases are renewed so many times in the seconds for which they last: twice the store may fail to answer.
BEATS_PER_LEASE: Final = 3
#: Seconds after which a renewal that failed is tried again, if no beat comes before.
AFTER_ERROR: Final = 1.0
#: Seconds for which the end of the thread is waited for: a renewal may be under way.
LONGEST_STOP: Final = 1.0

Lost: TypeAlias = Callable[[Lease], None]


@frozen
class _Kept:
    lease: Lease
    seconds: float
    on_lost: Lost


class Heartbeat(BeginsAnew):
    """Renews leases from a thread of its own, so neither a job nor a busy event loop can hold it up.

    A lease is renewed three times in the seconds for which it lasts, together with all that last as long, in one round
    trip. While the store is away it is tried every second. A lease that was lost is renewed no more, and `on_lost` is
    told, in the thread of the heartbeat.

    The thread is there from the first lease on until `stop`. Any thread may call any method. A forked child begins
    anew, with none of its parent's leases.

    Args:
        operations: Of the queue that the leases are of.
        on_lost: Called with each lease that was lost; by default it is logged.
    """

    def __init__(self, operations: Operations, on_lost: Lost | None = None) -> None:
        self._operations = operations
        self._on_lost = on_lost or self._warn
        super().__init__()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}
        #: When leases are renewed next, by the seconds for which they last.
        self._due: dict[float, float] = {}
        self._thread: threading.Thread | None = None
        self._changed = threading.Event()

    def add(self, leases: Iterable[Lease], seconds: float | None = None, on_lost: Lost | None = None) -> None:
        """Keep leases alive from now on. No round trip: they have to last until the first beat.

        Args:
            leases: What was claimed.
            seconds: For how long each renewal is; by default as long as the lease was claimed for.
            on_lost: In place of the heartbeat's own, for these.
        """
        if seconds is not None:
            checked_number(seconds, "seconds", positive=True)
        with self._lock:
            for lease in leases:
                lasts = seconds or self._operations.lasting(lease)
                self._kept[lease.token] = _Kept(lease, lasts, on_lost or self._on_lost)
                if lasts not in self._due:
                    self._due[lasts] = time.monotonic() + lasts / BEATS_PER_LEASE
                    self._changed.set()
            if self._thread is None and self._kept:
                name = f"ranch-heartbeat-{self._operations.name}"
                self._thread = threading.Thread(target=self._run, daemon=True, name=name)
                self._thread.start()

    def remove(self, leases: Iterable[Lease]) -> None:
        """Renew these no more. One that is not kept alive is no fault."""
        with self._lock:
            for lease in leases:
                self._kept.pop(lease.token, None)

    @contextmanager
    def keeping(self, lease: Lease, seconds: float | None = None, on_lost: Lost | None = None) -> Iterator[None]:
        """Keep one lease alive while the block runs."""
        self.add([lease], seconds, on_lost)
        try:
            yield
        finally:
            self.remove([lease])

    def stop(self) -> None:
        """Keep none alive any more, and end the thread. Leases run on as far as they were renewed."""
        with self._lock:
            self._kept.clear()
            thread, self._thread = self._thread, None
        self._changed.set()
        if thread and thread is not threading.current_thread():
            thread.join(LONGEST_STOP)

    def __len__(self) -> int:
        return len(self._kept)

    def __enter__(self) -> Heartbeat:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        while self._is_current():
            for seconds, group in self._due_now():
                again = self._beat(seconds, group)
                with self._lock:
                    self._due[seconds] = time.monotonic() + again
            with self._lock:
                soonest = min(self._due.values(), default=None)
            self._changed.wait(None if soonest is None else max(0.0, soonest - time.monotonic()))
            # Not before the wait: it would forget that `stop` has rung since it was looked whether to go on.
            self._changed.clear()

    def _is_current(self) -> bool:
        return self._thread is threading.current_thread()

    def _due_now(self) -> list[tuple[float, list[_Kept]]]:
        """Return what is to be renewed, and forget the times of leases that are gone."""
        with self._lock:
            now = time.monotonic()
            due = [seconds for seconds, at in self._due.items() if at <= now]
            groups = [(lasts, [kept for kept in self._kept.values() if kept.seconds == lasts]) for lasts in due]
            for seconds, group in groups:
                if not group:
                    del self._due[seconds]
            return [(seconds, group) for seconds, group in groups if group]

    def _beat(self, seconds: float, group: list[_Kept]) -> float:
        """Renew, and return in how many seconds to do so again."""
        operations, interval = self._operations, seconds / BEATS_PER_LEASE
        try:
            _, lost = drive(operations.backend, operations.lanes.renew([kept.lease for kept in group], seconds))
        except Exception as exc:  # noqa: BLE001 - it outlives its store, whatever a store may raise
            if self._is_current():
                log.warning("could not renew %d leases of queue %r: %s", len(group), operations.name, exc)
            return min(AFTER_ERROR, interval)
        for lease in lost:
            with self._lock:
                kept = self._kept.pop(lease.token, None)
            # One that is gone from here was settled in the meantime.
            if kept:
                self._tell(kept)
        return interval

    def _tell(self, kept: _Kept) -> None:
        try:
            kept.on_lost(kept.lease)
        except Exception:
            log.exception("on_lost failed for job %s of queue %r", kept.lease.job.id, self._operations.name)

    def _warn(self, lease: Lease) -> None:
        log.warning(
            "the lease of job %s in lane %r of queue %r was lost: it could not be renewed in time, and the job may run "
            "a second time",
            lease.job.id,
            lease.job.lane,
            self._operations.name,
        )
