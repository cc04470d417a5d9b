"""What a queue hands out: leases and lanes that know it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import field, frozen

from ranch.model import JSONValue, Lane, LaneStats, Lease

if TYPE_CHECKING:
    from ranch.queue import Queue


@frozen(kw_only=True)
class QueueLease(Lease):
    """A job that is yours until the deadline, with what you can do about it."""

    _queue: Queue = field(repr=False, eq=False)

    def ack(self) -> None:
        """Settle the job as done; see `Queue.ack`."""
        self._queue.ack([self])

    def release(self, *, delay: float = 0.0) -> None:
        """Give the job back unharmed; see `Queue.release`."""
        self._queue.release([self], delay=delay)

    def renew(self, seconds: float | None = None) -> QueueLease:
        """Let the lease end `seconds` from now; see `Queue.renew`."""
        return self._queue.renew([self], seconds)[0]


@frozen(kw_only=True)
class QueueLane:
    """A lane of a queue, to be changed or read."""

    key: str
    _queue: Queue = field(repr=False)

    def update(
        self,
        *,
        weight: float | None = None,
        tags: Mapping[str, str | None] | None = None,
        data: Mapping[str, JSONValue] | None = None,
    ) -> None:
        """Change the lane; its waiting jobs feel it at once. One round trip, with a weight function two.

        Args:
            weight: Cost factor, > 0: lower is served more often, 0.5 gives twice the share of 1.
            tags: Tags to set; one set to None goes, those not named stay.
            data: Custom data to set, JSON values; an entry set to None goes, those not named stay.

        Raises:
            InvalidJob: A value cannot be; nothing was changed.
        """
        self._queue._drive(self._queue._operations.update_lane(self.key, weight, tags, data))

    def read(self) -> Lane:
        """Read the lane. One round trip."""
        return self._queue._drive(self._queue._operations.read_lane(self.key))

    @property
    def stats(self) -> LaneStats:
        """The lane in numbers. One round trip."""
        return self.read().stats
