"""How times are spread, in little room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil, floor, log
from typing import Any, Final

from attrs import frozen

#: Each bucket ends so many times higher than it begins, so that a quantile is off by 2.5 % at most.
_GROWTH: Final = 1.05
_LOG_GROWTH: Final = log(_GROWTH)
#: Seconds. What took less counts as this.
_SHORTEST: Final = 1e-6
#: Seconds, ten years. What took more counts as this.
_LONGEST: Final = 3e8


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


class Histogram:
    """Counts of times in buckets that grow by 5 %: at most 700 numbers, however many times there are."""

    def __init__(self) -> None:
        self._count = 0
        self._sum = 0.0
        self._buckets: dict[int, int] = {}

    def add(self, seconds: float) -> None:
        """Count a time."""
        self._count += 1
        self._sum += seconds
        bucket = floor(log(min(max(seconds, _SHORTEST), _LONGEST)) / _LOG_GROWTH)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values, for `sum`."""
        return {"count": self._count, "sum": self._sum, "buckets": {str(n): size for n, size in self._buckets.items()}}

    @classmethod
    def sum(cls, said: Iterable[Mapping[str, Any]]) -> Histogram:
        """Return one of all the times of several, each as `as_dict` has said it."""
        total = cls()
        for each in said:
            total._count += each["count"]
            total._sum += each["sum"]
            for bucket, size in each["buckets"].items():
                total._buckets[int(bucket)] = total._buckets.get(int(bucket), 0) + size
        return total

    def summary(self) -> Summary:
        """Return what there is, in a few numbers."""
        if not self._count:
            return Summary()
        return Summary(
            count=self._count, mean=self._sum / self._count, p50=self._quantile(0.5), p95=self._quantile(0.95)
        )

    def _quantile(self, part: float) -> float:
        left = ceil(part * self._count)
        for bucket in sorted(self._buckets):
            left -= self._buckets[bucket]
            if left <= 0:
                return float(_GROWTH ** (bucket + 0.5))
        raise AssertionError("a bucket is missing")
