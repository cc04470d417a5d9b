"""By bid: a share in proportion to what a lane offers."""

from __future__ import annotations

from attrs import field, frozen

from ranch.metadata import LaneMetadata
from ranch.weights.clamps import above_lowest, clamp, positive


@frozen
class ByBid:
    """Weigh a lane by its bid: ``weight = clamp(lowest, 1 / bid, highest)``.

    So a lane that offers twice as much gets twice the share. The bid is the number in the lane's custom data under
    `entry`. A lane without one weighs as it was set; one that offers nothing, or less, weighs `highest`.

    The strategy ``bid`` is another thing: there the highest bid goes first, and the others wait.
    """

    #: Where in a lane's custom data the bid is.
    entry: str = "bid"
    #: No bid buys a lower weight: with 0.01, at most 100 times the share of weight 1.
    lowest: float = field(default=0.01, validator=positive)
    highest: float = field(default=100.0, validator=above_lowest)

    def __call__(self, lane_key: str, metadata: LaneMetadata) -> float:
        bid = metadata.data.get(self.entry)
        if isinstance(bid, bool) or not isinstance(bid, (int, float)):
            return metadata.weight
        return clamp(self.lowest, 1 / bid, self.highest) if bid > 0 else self.highest
