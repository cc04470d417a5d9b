"""Bid: the lane that offers most goes first, and waiting raises an offer."""

from __future__ import annotations

from typing import ClassVar

from attrs import field, frozen, validators

from ranch.strategies.twin import twin_of
from ranch.typing import LaneView, QueueClock, Strategy


@frozen
class Bid(Strategy):
    """Serve the highest effective bid: a bid plus `ageing` for each second that the job at the lane's head has waited.

    The bid is that job's own, given when it was enqueued; else the number in the lane's custom data under ``bid``; else
    0. Ties go to the lane served least recently. All bids age at the same pace, so their order does not change while
    they wait and the rank can stand still.

    Guarantee: never a lower effective bid before a higher one. With ``ageing > 0`` a job at its lane's head waits at
    most ``(highest bid - its bid) / ageing`` seconds for being outbid.

    Without ageing the lower bidders starve for as long as higher ones keep coming: that is the bargain.
    """

    #: Points that a bid gains for each second of waiting.
    ageing: float = field(default=0.0, converter=float, validator=[validators.ge(0.0), validators.lt(float("inf"))])

    reads: ClassVar[frozenset[str]] = frozenset({"head", "data.bid"})
    lua: ClassVar[str | None] = twin_of(__name__)

    def enter(self, lane: LaneView, clock: QueueClock) -> float:
        bid = lane.data.get("bid", 0.0) if lane.bid is None else lane.bid
        return self.ageing * lane.since - bid

    def served(self, lane: LaneView, clock: QueueClock, cost: float) -> float:
        return self.enter(lane, clock)
