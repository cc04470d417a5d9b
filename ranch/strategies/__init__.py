"""The strategies that ship, registered as any plugin registers its own."""

from __future__ import annotations

from collections.abc import Sequence

from ranch.hooks import StrategyPlugin, hookimpl
from ranch.strategies.bid import Bid
from ranch.strategies.lottery import Lottery
from ranch.strategies.priority import PriorityClasses
from ranch.strategies.round_robin import RoundRobin
from ranch.strategies.weighted_lru import WeightedLRU


@hookimpl
def ranch_strategies() -> Sequence[StrategyPlugin]:
    """Name the built-in strategies."""
    return [
        StrategyPlugin(
            name="weighted-lru",
            factory=WeightedLRU,
            summary="Shares in proportion to 1/weight, whoever has had least goes first.",
        ),
        StrategyPlugin(name="round-robin", factory=RoundRobin, summary="Every backlogged lane in turn."),
        StrategyPlugin(name="bid", factory=Bid, summary="The highest bid first; waiting raises it."),
        StrategyPlugin(
            name="priority",
            factory=PriorityClasses,
            summary="Lanes of a higher class first; waiting makes up for a lower one.",
        ),
        StrategyPlugin(
            name="lottery",
            factory=Lottery,
            summary="A draw for each service, with chances in proportion to 1/weight.",
        ),
    ]


__all__ = ["Bid", "Lottery", "PriorityClasses", "RoundRobin", "WeightedLRU"]
