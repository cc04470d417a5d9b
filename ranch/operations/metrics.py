"""The numbers of a queue: what was measured here, left in the store, and read from there."""

from __future__ import annotations

import logging

from ranch.checks import checked_key
from ranch.exceptions import RanchError
from ranch.metrics import JobTimes, Metrics
from ranch.model import LaneStats
from ranch.operations.core import Core, chunks
from ranch.steps import Steps
from ranch.typing import RELEASES_PER_CALL, WHOLE

log = logging.getLogger("ranch")


class MetricOperations(Core):
    """Operations on the times of jobs."""

    __slots__ = ()

    def leave_times(self) -> Steps[None]:
        """Add what was measured here to the times in the store; what cannot be is kept for the next time.

        One round trip for each 100 lanes with news, of 1,000 at most; none if there is no news.
        """
        if self.meter is None:
            return
        taken = self.meter.take()
        try:
            for page in chunks(list(taken.items()), RELEASES_PER_CALL):
                yield from self.lanes.add_times(dict(page))
                for lane, _ in page:
                    del taken[lane]
        except RanchError as exc:
            log.warning("queue %r: how long jobs took could not be left in the store: %s", self.name, exc)
        finally:
            # Whatever has ended it: who waits may be told to stop.
            self.meter.put_back(taken)

    def metrics(self, lane: str | None) -> Steps[Metrics]:
        key = WHOLE if lane is None else checked_key(lane)
        yield from self.leave_times()
        stats: LaneStats
        if lane is None:
            stats = yield from self.lanes.stats()
        else:
            (found,) = yield from self.lanes.read([key])
            stats = found.stats
        times = JobTimes()
        times.add_counts((yield from self.lanes.times(key)))
        return Metrics.of(stats, times)
