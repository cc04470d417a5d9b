"""Measuring the jobs of a queue, on the way into the store."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from time import monotonic
from typing import Final

from ranch.histogram import placed
from ranch.listener import Listener
from ranch.metrics import JobTimes
from ranch.typing import WHOLE

#: Seconds between two times that a process leaves in the store what it has measured.
EVERY: Final = 10.0
#: Of how many lanes it does so each time; the others have their turn the next.
LANES_AT_A_TIME: Final = 1000
#: How many lanes wait for that at most. Beyond, times count for the queue only.
_LANES: Final = 10_000


class Meter(Listener):
    """How long the jobs of one queue have waited and run in this process, until that is left in the store.

    It keeps what was measured since, of 10,000 lanes at most.
    """

    def _begin(self) -> None:
        super()._begin()
        self._whole = JobTimes()
        #: In the order in which they had news first.
        self._lanes: dict[str, JobTimes] = {}
        self._next = monotonic() + EVERY

    def waited(self, queue: str, lane: str, seconds: float) -> None:
        """Take note of how long a job has waited."""
        place = placed(seconds)
        with self._lock:
            self._whole.wait.count(*place)
            if times := self._of(lane):
                times.wait.count(*place)

    def took(self, queue: str, lane: str, seconds: float) -> None:
        """Take note of how long a job has run."""
        place = placed(seconds)
        with self._lock:
            self._whole.run.count(*place)
            if times := self._of(lane):
                times.run.count(*place)

    def _of(self, lane: str) -> JobTimes | None:
        times = self._lanes.get(lane)
        if times is None and len(self._lanes) < _LANES:
            times = self._lanes[lane] = JobTimes()
        return times

    @property
    def is_due(self) -> bool:
        """It is time to leave what was measured."""
        return monotonic() >= self._next

    def take(self, lanes: int = LANES_AT_A_TIME) -> dict[str, dict[str, int]]:
        """Return what was measured and not taken so far, as `Lanes.add_times` takes it: of so many lanes at most."""
        with self._lock:
            self._next = monotonic() + EVERY
            chosen = list(islice(self._lanes, lanes))
            taken = {WHOLE: self._whole.counts(), **{lane: self._lanes.pop(lane).counts() for lane in chosen}}
            self._whole = JobTimes()
        return {lane: counts for lane, counts in taken.items() if counts}

    def put_back(self, taken: Mapping[str, Mapping[str, int]]) -> None:
        """Keep for the next time what could not be left."""
        with self._lock:
            for lane, counts in taken.items():
                times = self._whole if lane == WHOLE else self._of(lane)
                if times:
                    times.add_counts(counts)
