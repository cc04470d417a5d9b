"""What a queue hands out: leases and lanes that know it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from ranch.letters import Kind
from ranch.limits import Limits
from ranch.model import JSONValue, Lane, LaneStats, Lease
from ranch.retry import Retry

if TYPE_CHECKING:
    from ranch.control import Control
    from ranch.queue import Queue


@frozen(kw_only=True)
class QueueLease(Lease):
    """A job that is yours until the deadline, with what you can do about it."""

    _queue: Queue = field(repr=False, eq=False)

    def ack(self, result: Any = None) -> None:
        """Settle the job as done, with its result if it is to be kept; see `Queue.ack`."""
        self._queue.ack([self], results={self.job.id: result})

    def release(self, *, delay: float = 0.0) -> None:
        """Give the job back unharmed; see `Queue.release`."""
        self._queue.release([self], delay=delay)

    def fail(self, error: BaseException | str, *, retry: Retry | None = None) -> None:
        """Say that the job failed: it is tried again, or becomes a dead letter; see `Queue.fail`."""
        self._queue.fail([self], error, retry=retry)

    def bury(self, reason: str, *, error: BaseException | str = "", kind: Kind = "system") -> None:
        """Make a dead letter of the job, whatever its retry says; see `Queue.bury`."""
        self._queue.bury([self], reason, error=error, kind=kind)

    def renew(self, seconds: float | None = None) -> QueueLease:
        """Let the lease end `seconds` from now; see `Queue.renew`."""
        return self._queue.renew([self], seconds)[0]

    def keep_alive(
        self, seconds: float | None = None, *, on_lost: Callable[[Lease], None] | None = None
    ) -> AbstractContextManager[None]:
        """Renew the lease in the background while the block runs; settle it there or after it.

        Args:
            seconds: As for `renew`: it is renewed three times in so many seconds.
            on_lost: Called, in another thread, if the lease was lost all the same; by default it is logged.
        """
        return self._queue._heartbeat.keeping(self, seconds, on_lost)


@frozen(kw_only=True)
class QueueLane:
    """A lane of a queue, to be changed or read."""

    key: str
    _queue: Control = field(repr=False)

    def update(
        self,
        *,
        weight: float | None = None,
        tags: Mapping[str, str | None] | None = None,
        data: Mapping[str, JSONValue] | None = None,
    ) -> None:
        """Change the lane, for the jobs that wait already, too. One round trip, with a weight function two.

        Args:
            weight: Cost factor, > 0: lower is served more often, 0.5 gives twice the share of 1. Counts from the lane's
                next service on: what it was charged for the last one stays.
            tags: Tags to set; one set to None goes, those not named stay.
            data: Custom data to set, JSON values; an entry set to None goes, those not named stay. A strategy that
                ranks by it does so anew at once.

        Raises:
            InvalidJob: A value cannot be; nothing was changed.
        """
        self._queue._drive(self._queue._operations.update_lane(self.key, weight=weight, tags=tags, data=data))

    def limit(self, **limits: Any) -> None:
        """Change the lane's limits: they hold for all workers together, at once. Round trips as for `update`.

        Args:
            limits: `max_in_flight`, `rate`, `max_pending`, `overflow`, `expires` and `paused`, as in `Limits`. What is
                not named stays; None lifts a limit.

        Raises:
            InvalidJob: There is no such limit, or a value cannot be; nothing was changed.
        """
        self._queue._drive(self._queue._operations.update_lane(self.key, limits=limits))

    def pause(self) -> None:
        """Let nothing be claimed from the lane. Jobs can be enqueued, and what is leased goes on."""
        self.limit(paused=True)

    def resume(self) -> None:
        """Let its jobs be claimed again."""
        self.limit(paused=False)

    def purge(self) -> int:
        """Remove the lane's jobs that are ready or delayed, and return how many. What is leased goes on.

        One round trip for each 100 jobs; if there are delayed ones, one more for each 1,000 jobs of the queue.
        """
        return self._queue._drive(self._queue._operations.purge(self.key))

    def read(self) -> Lane:
        """Read the lane. One round trip."""
        return self._queue._drive(self._queue._operations.read_lane(self.key))

    @property
    def stats(self) -> LaneStats:
        """The lane in numbers. One round trip."""
        return self.read().stats

    @property
    def limits(self) -> Limits:
        """The lane's own limits. One round trip."""
        return self.read().limits
