"""Earliest deadline first over lanes."""

from attrs import field, frozen, validators

from ranch.strategies.twin import twin_of
from ranch.typing import Strategy


@frozen
class Deadline(Strategy):
    """Serve the lane whose next job is due first: so many seconds after it became ready as the lane's data say.

    They say it under ``deadline``; where there is no number, it is `default`. A new one counts at once.

    Guarantee: never a later deadline before an earlier one.
    """

    default: float = field(default=60.0, converter=float, validator=[validators.ge(0.0), validators.lt(float("inf"))])

    reads = frozenset({"head", "data.deadline"})
    lua = twin_of(__name__)

    def enter(self, lane, clock):
        return lane.since + lane.data.get("deadline", self.default)

    def served(self, lane, clock, cost):
        return self.enter(lane, clock)
