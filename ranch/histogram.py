"""How times are spread, in little room."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor, log
from typing import Final

from attrs import frozen

#: Each bucket ends so many times higher than it begins, so that a quantile is off by 2.5 % at most.
_GROWTH: Final = 1.05
_PER_LOG: Final = 1 / log(_GROWTH)
#: Seconds. What took less counts as this.
_SHORTEST: Final = 1e-6
#: Seconds, ten years. What took more counts as this.
_LONGEST: Final = 3e8
#: The name of the sum among `Histogram.counts`, in microseconds; buckets are named by their numbers.
_SUM: Final = "us"


@frozen(kw_only=True)
class Summary:
    """Times in a few numbers, in seconds; without any they are None."""

    #: How many were measured.
    count: int = 0
    mean: float | None = None
    #: Half of them are at most so long, within 2.5 %.
    p50: float | None = None
    #: 95 of 100 are at most so long, within 2.5 %.
    p95: float | None = None


def placed(seconds: float) -> tuple[int, int]:
    """Return in which bucket a time is counted, and what it adds to the sum, in microseconds."""
    if seconds < _SHORTEST:
        seconds = _SHORTEST
    elif seconds > _LONGEST:
        seconds = _LONGEST
    return floor(log(seconds) * _PER_LOG), int(seconds * 1e6)


class Histogram:
    """Counts of times in buckets that grow by 5 %: at most 700 numbers, however many times there are."""

    def __init__(self) -> None:
        self._microseconds = 0
        self._buckets: dict[int, int] = {}

    def add(self, seconds: float) -> None:
        """Count a time."""
        self.count(*placed(seconds))

    def count(self, bucket: int, microseconds: int) -> None:
        """Count a time that was `placed`, for whoever counts it more than once."""
        self._microseconds += microseconds
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1

    def counts(self) -> dict[str, int]:
        """Return all of it as counts by names: those of several, added up by their names, are those of all times."""
        counts = {str(bucket): size for bucket, size in self._buckets.items()}
        return {**counts, _SUM: self._microseconds} if counts else {}

    def add_counts(self, counts: Mapping[str, int]) -> None:
        """Count the times of another one, as its `counts` are."""
        for name, size in counts.items():
            if name == _SUM:
                self._microseconds += size
            else:
                self._buckets[int(name)] = self._buckets.get(int(name), 0) + size

    def summary(self) -> Summary:
        """Return what there is, in a few numbers."""
        count = sum(self._buckets.values())
        if not count:
            return Summary()
        mean = self._microseconds / 1e6 / count
        return Summary(count=count, mean=mean, p50=self._quantile(0.5, count), p95=self._quantile(0.95, count))

    def _quantile(self, part: float, count: int) -> float:
        left = ceil(part * count)
        for bucket in sorted(self._buckets):
            left -= self._buckets[bucket]
            if left <= 0:
                return float(_GROWTH ** (bucket + 0.5))
        raise AssertionError("a bucket is missing")
