"""Earliest deadline first, as a strategy for ranch."""

from ranch.hooks import StrategyPlugin, hookimpl

from ranch_deadline.deadline import Deadline

__all__ = ["Deadline"]


@hookimpl
def ranch_strategies():
    """Name the strategy."""
    return [
        StrategyPlugin(
            name="deadline",
            factory=Deadline,
            summary="The lane whose next job is due first, by the deadline in the lane's data.",
        )
    ]
