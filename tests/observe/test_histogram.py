"""Times in little room are told as they were, within a bound."""

from __future__ import annotations

import random
from statistics import quantiles

import pytest

from ranch.histogram import Histogram


@pytest.mark.parametrize("seed", range(5))
def test_quantiles_are_within_their_bound(seed: int) -> None:
    """A histogram of times over nine decades is off by 2.5 % at most."""
    draw, histogram = random.Random(seed), Histogram()
    times = [10 ** draw.uniform(-5, 4) for _ in range(2001)]
    for seconds in times:
        histogram.add(seconds)
    summary, exact = histogram.summary(), quantiles(times, n=20, method="inclusive")

    assert summary.count == 2001
    assert summary.mean == pytest.approx(sum(times) / 2001)
    assert summary.p50 == pytest.approx(exact[9], rel=0.025)
    assert summary.p95 == pytest.approx(exact[18], rel=0.025)
    assert len(histogram._buckets) <= 700


def test_times_beyond_all_measure_are_counted() -> None:
    """A clock that stands still, or a job of a century."""
    histogram = Histogram()
    for seconds in (0.0, 3e9):
        histogram.add(seconds)

    assert histogram.summary().count == 2
    assert len(histogram._buckets) == 2


def test_counts_of_several_are_those_of_all_times() -> None:
    """Added up by their names: as if one had counted them all."""
    one, other, both, total = Histogram(), Histogram(), Histogram(), Histogram()
    for number in range(100):
        (one if number % 3 else other).add(number / 7)
        both.add(number / 7)
    for each in (one, other):
        total.add_counts(each.counts())

    assert total.counts() == both.counts()
    assert total.summary() == both.summary()
    assert Histogram().counts() == {}
