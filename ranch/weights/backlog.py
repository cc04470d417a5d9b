"""By backlog: a share that follows how much waits in a lane, and how long its jobs take."""

from __future__ import annotations

from typing import ClassVar

from attrs import field, frozen

from ranch.metadata import LaneMetadata
from ranch.weights.clamps import above_lowest, clamp, positive, positive_or_none


@frozen
class ByBacklog:
    """Weigh a lane by its backlog and the time its jobs take::

        factor = (mean_time / seconds) / (1 + pending / jobs)
        weight = metadata.weight * clamp(lowest, factor, highest)

    The longer a lane's backlog, the greater its share: `jobs` pending jobs double it. The longer its jobs take, the
    smaller its share of jobs, so that shares are of time. Where no mean time is known, or `seconds` is None, the first
    term is 1. The factor is rounded to two significant digits: a job more or less changes nothing.

    The bounds are what is left of fairness: no lane gets more than ``1 / lowest`` times, or less than ``1 / highest``
    times, the share it was set. Not where tenants fight for places: a longer backlog pays.
    """

    #: How many pending jobs double a lane's share.
    jobs: float = field(default=100.0, validator=positive)
    #: How long a job takes that makes no difference; None: no job's time does.
    seconds: float | None = field(default=1.0, validator=positive_or_none)
    lowest: float = field(default=0.25, validator=positive)
    highest: float = field(default=4.0, validator=above_lowest)

    reads: ClassVar[frozenset[str]] = frozenset({"mean_time"})

    def __call__(self, lane_key: str, metadata: LaneMetadata) -> float:
        time = 1.0
        if self.seconds is not None and metadata.mean_time is not None:
            time = metadata.mean_time / self.seconds
        factor = float(f"{time / (1 + metadata.pending / self.jobs):.2g}")
        return metadata.weight * clamp(self.lowest, factor, self.highest)
