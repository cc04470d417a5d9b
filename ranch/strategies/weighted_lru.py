"""Weighted least recently used: the lane that has had the least, by its weight, goes first."""

from __future__ import annotations

from typing import ClassVar

from attrs import field, frozen, validators

from ranch.strategies.twin import twin_of
from ranch.typing import LaneView, QueueClock, Strategy


@frozen
class WeightedLRU(Strategy):
    """Share capacity between backlogged lanes in proportion to 1/weight; the default.

    Start-time fair queueing over lanes. A service of cost c moves a lane back by ``weight * c`` of virtual time. A lane
    that comes back from idling starts at the present, and earns no credit for the time away.

    Guarantee: for two lanes i and j backlogged throughout any interval, with S the cost claimed from each,
    ``|S_i * w_i - S_j * w_j| <= cmax_i * w_i + cmax_j * w_j``, however lanes enter.

    - ``entry="front"``: a lane that enters goes before all who were served since it left. With equal weights and costs
      this is plain LRU, pick for pick. Each new lane goes first, so a flood of new ones starves the others.
    - ``entry="fair"``: a lane that enters pays for its first job beforehand, as self-clocked fair queueing has it. It
      waits for about a turn of the others, and a flood of new lanes has to share with them: for lanes that users can
      invent at will.

    Source: P. Goyal, H. Vin, H. Cheng, "Start-time fair queueing", SIGCOMM 1996; for ``"fair"`` S. Golestani, "A
    self-clocked fair queueing scheme for broadband applications", INFOCOM 1994; as a rank of lanes in the sense of
    A. Sivaraman et al., "Programmable packet scheduling at line rate", SIGCOMM 2016.
    """

    #: Where a lane enters: ``"front"`` or ``"fair"``.
    entry: str = field(default="front", validator=validators.in_(("front", "fair")))

    lua: ClassVar[str | None] = twin_of(__name__)

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({"cost"} if self.entry == "fair" else ())

    def enter(self, lane: LaneView, clock: QueueClock) -> float:
        ahead = lane.weight * lane.cost if self.entry == "fair" else 0.0
        return max(clock.virtual + ahead, lane.tag)

    def served(self, lane: LaneView, clock: QueueClock, cost: float) -> float:
        # Virtual time is later where a claim is restricted to lanes that are ahead of those which this one was among.
        return max(clock.virtual, lane.tag) + lane.weight * cost
