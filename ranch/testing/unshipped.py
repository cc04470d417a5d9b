"""Strategies that do not ship: one that reads everything, and one that has no twin."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from ranch.hooks import StrategyPlugin, hookimpl
from ranch.strategies import WeightedLRU
from ranch.typing import LaneView, QueueClock, Strategy


@frozen
class Due(Strategy):
    """The lane whose owner needs it soonest, and of those whose next job is the smallest: it reads all there is."""

    reads: ClassVar[frozenset[str]] = frozenset({"data.due in", "head"})
    lua: ClassVar[str | None] = """
    local function enter(lane, clock)
      return (lane.data["due in"] or 1e6) + lane.cost / 16 + lane.priority / 64 + (lane.data.bid or 0)
    end
    local function served(lane, clock, cost) return enter(lane, clock) end
    """

    def enter(self, lane: LaneView, clock: QueueClock) -> float:
        return lane.data.get("due in", 1e6) + lane.cost / 16 + lane.priority / 64 + lane.data.get("bid", 0)

    def served(self, lane: LaneView, clock: QueueClock, cost: float) -> float:
        return self.enter(lane, clock)


@frozen
class NoTwin(WeightedLRU):
    """Weighted LRU as only the client knows it."""

    lua: ClassVar[str | None] = None


class Unshipped:
    """The plugin that gives them: by their names a second process finds them when one is set."""

    @staticmethod
    @hookimpl
    def ranch_strategies() -> list[StrategyPlugin]:
        """Name them."""
        return [
            StrategyPlugin(name="due", factory=Due, summary="Whose owner needs it soonest."),
            StrategyPlugin(name="no-twin", factory=NoTwin, summary="Weighted LRU, asked in the client."),
        ]
