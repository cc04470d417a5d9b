"""What a strategy is shown of a lane: what it says it reads, and no more."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

from attrs import define, frozen

from ranch.backends.job_rows import JobRow
from ranch.backends.rows import LaneRow
from ranch.exceptions import ConfigError
from ranch.typing import Strategy


@define(eq=False)
class View:
    """A lane as its strategy sees it: see `LaneView`."""

    key: str
    weight: float
    tag: float
    data: Mapping[str, float]
    since: float
    priority: int = 0
    cost: float = 0.0
    bid: float | None = None


@frozen
class Reads:
    """What a strategy says it reads: see `Strategy.reads`."""

    #: All of the job at the lane's head; the lane is ranked anew when another job comes there.
    head: bool
    #: The cost of that job, which is among all of it.
    cost: bool
    #: Names in the lane's custom data.
    data: tuple[str, ...]

    @classmethod
    def of(cls, strategy: Strategy) -> Reads:
        """Return what a strategy reads.

        Raises:
            ConfigError: It reads something that there is not.
        """
        return _understood(frozenset(strategy.reads))

    def numbers(self, lane: LaneRow) -> dict[str, float]:
        """Return those of a lane's custom data that are read and are finite numbers."""
        return {name: number for name in self.data if (number := _number(lane.data.get(name))) is not None}

    def view(self, lane: LaneRow, head: JobRow | None, now: float) -> View:
        """Return what the strategy is shown of a lane; `head` is its first job, if that is read and there is one."""
        view = View(lane.key, lane.weight, lane.tag, self.numbers(lane) if self.data else {}, now)
        if head:
            view.cost = head.cost
            if self.head:
                view.since, view.priority, view.bid = head.due_at, head.priority, head.bid
        return view


@cache
def _understood(words: frozenset[str]) -> Reads:
    data = tuple(sorted(word.removeprefix("data.") for word in words if word.startswith("data.")))
    if unknown := sorted(words - {"head", "cost"} - {f"data.{name}" for name in data}):
        raise ConfigError(
            f"a strategy reads 'head', 'cost' and 'data.<name>', not {', '.join(map(repr, unknown))}", where="strategy"
        )
    return Reads(head="head" in words, cost=bool(words & {"head", "cost"}), data=data)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
