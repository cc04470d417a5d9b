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
            summary="The lane whose next job is due first; a lane's weight scales how long its jobs may wait.",
        )
    ]
