"""Earliest deadline first over lanes."""

from attrs import field, frozen, validators

from ranch.strategies.twin import twin_of
from ranch.typing import Strategy


@frozen
class Deadline(Strategy):
    """Serve the lane whose next job is due first: `wait` seconds, times the lane's weight, after it became ready.

    Guarantee: never a later deadline before an earlier one. A lane's new weight counts from its next job on.
    """

    wait: float = field(default=60.0, converter=float, validator=[validators.gt(0.0), validators.lt(float("inf"))])

    reads = frozenset({"head"})
    lua = twin_of(__name__)

    def enter(self, lane, clock):
        return lane.since + self.wait * lane.weight

    def served(self, lane, clock, cost):
        return self.enter(lane, clock)
