"""How long the jobs of lanes take, as one process measures it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from time import monotonic
from typing import Final

from ranch.model import Lease

#: What one job counts for in a lane's mean, which follows some ten last jobs.
SMOOTHING: Final = 1 / 8
#: How many open leases, and lanes with news, are kept; the oldest are forgotten first.
_KEPT: Final = 10_000


class Stopwatch:
    """Measures how long jobs are leased; of 10,000 at a time, the oldest are forgotten first.

    No lock, which a fork could inherit locked: single operations on dicts need none.
    """

    def __init__(self) -> None:
        self._began: dict[str, float] = {}

    def begin(self, leases: Iterable[Lease]) -> None:
        """Measure these from now on."""
        now = monotonic()
        for lease in leases:
            self._began[lease.token] = now
        _forget_oldest(self._began)

    def end(self, leases: Iterable[Lease]) -> Iterator[tuple[Lease, float]]:
        """Return those of them that were measured, and for how many seconds."""
        now = monotonic()
        for lease in leases:
            began = self._began.pop(lease.token, None)
            if began is not None:
                yield lease, now - began


class Times:
    """The times of jobs that ended here, until they have been counted in their lanes' means.

    A time that gets lost between two threads is no harm.
    """

    def __init__(self) -> None:
        self._watch = Stopwatch()
        #: Of each lane with news: how many jobs ended, and how long they took on average.
        self._took: dict[str, tuple[int, float]] = {}

    def begin(self, leases: Iterable[Lease]) -> None:
        """Measure these from now on."""
        self._watch.begin(leases)

    def end(self, leases: Iterable[Lease]) -> None:
        """Count those that were measured."""
        for lease, seconds in self._watch.end(leases):
            self.took(lease.job.lane, seconds)

    def took(self, lane: str, seconds: float) -> None:
        """Count a job that somebody else has measured."""
        jobs, mean = self._took.pop(lane, (0, 0.0))
        self._took[lane] = jobs + 1, mean + (max(0.0, seconds) - mean) / (jobs + 1)
        _forget_oldest(self._took)

    def mean(self, lane: str, before: float | None) -> float | None:
        """Return a lane's mean after the jobs that ended here since this was asked last, in three digits."""
        jobs, took = self._took.pop(lane, (0, 0.0))
        if not jobs:
            return before
        after = took if before is None else before + (took - before) * (1 - (1 - SMOOTHING) ** jobs)
        return float(f"{after:.3g}")


def _forget_oldest(entries: dict[str, float] | dict[str, tuple[int, float]]) -> None:
    if len(entries) > _KEPT:
        for key in list(entries)[: _KEPT // 2]:
            entries.pop(key, None)
