"""The weight functions that ship, registered as any plugin registers its own."""

from __future__ import annotations

from collections.abc import Sequence

from ranch.hooks import WeightFunctionPlugin, hookimpl
from ranch.weights.backlog import ByBacklog
from ranch.weights.bid import ByBid
from ranch.weights.static import Static
from ranch.weights.tag import ByTag


@hookimpl
def ranch_weight_functions() -> Sequence[WeightFunctionPlugin]:
    """Name the built-in weight functions."""
    return [
        WeightFunctionPlugin(name="static", factory=Static, summary="The weight that was set."),
        WeightFunctionPlugin(name="tag", factory=ByTag, summary="A weight for each value of a tag."),
        WeightFunctionPlugin(name="bid", factory=ByBid, summary="1 / bid: a share in proportion to the bid."),
        WeightFunctionPlugin(
            name="backlog",
            factory=ByBacklog,
            summary="A greater share for a longer backlog, a smaller one for jobs that take long.",
        ),
    ]


__all__ = ["ByBacklog", "ByBid", "ByTag", "Static"]
