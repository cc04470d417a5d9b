"""How far apart two lanes come over any interval in which both have jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from attrs import frozen

from ranch.testing.strategy.play import Pick


@frozen
class Share:
    """A lane in a history."""

    key: str
    weight: float
    #: The greatest cost of a job that was claimed from it; 0.0 if none was.
    largest_cost: float


def shares(picks: Sequence[Pick], weights: dict[str, float]) -> list[Share]:
    """Return the lanes of a history."""
    return [
        Share(key, weight, max((pick.cost for pick in picks if pick.lane.key == key), default=0.0))
        for key, weight in weights.items()
    ]


def largest_difference(picks: Sequence[Pick], one: str, other: str, charge: Callable[[Pick], float]) -> float:
    """Return the largest difference of two lanes' charges over any interval in which both are backlogged throughout.

    In a stretch of such picks, the difference over an interval is the lead at its end less the lead at its beginning.
    So the largest one is that of the highest and the lowest lead, and no interval is left out.
    """
    largest = 0.0
    for stretch in _common_stretches(picks, one, other):
        lead, leads = 0.0, [0.0]
        for pick in stretch:
            if pick.lane.key == one:
                lead += charge(pick)
            elif pick.lane.key == other:
                lead -= charge(pick)
            leads.append(lead)
        largest = max(largest, max(leads) - min(leads))
    return largest


def _common_stretches(picks: Sequence[Pick], one: str, other: str) -> Iterator[list[Pick]]:
    """Cut a history into the longest stretches in which both lanes are backlogged all the time."""
    stretch: list[Pick] = []
    for pick in picks:
        if {one, other} <= pick.throughout:
            stretch.append(pick)
        else:
            yield stretch
            stretch = []
    yield stretch
