"""Weighted least recently used: the lane that has had the least, by its weight, goes first."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from ranch.strategies.twin import twin_of
from ranch.typing import LaneView, QueueClock, Strategy


@frozen
class WeightedLRU(Strategy):
    """Share capacity between backlogged lanes in proportion to 1/weight; the default.

    Start-time fair queueing over lanes. A service of cost c moves a lane back by ``weight * c`` of virtual time. A lane
    that comes back from idling starts at the present: it goes before all who were served since, and earns no credit
    for the time away. With equal weights and costs it is plain LRU, pick for pick.

    Guarantee: for two lanes i and j backlogged throughout any interval, with S the cost claimed from each,
    ``|S_i * w_i - S_j * w_j| <= cmax_i * w_i + cmax_j * w_j``.

    Not for lanes that users can invent at will: each new lane goes first, so a flood of them starves the others.

    Source: P. Goyal, H. Vin, H. Cheng, "Start-time fair queueing", SIGCOMM 1996; as a rank of lanes in the sense of
    A. Sivaraman et al., "Programmable packet scheduling at line rate", SIGCOMM 2016.
    """

    lua: ClassVar[str | None] = twin_of(__name__)

    def enter(self, lane: LaneView, clock: QueueClock) -> float:
        return max(clock.virtual, lane.tag)

    def served(self, lane: LaneView, clock: QueueClock, cost: float) -> float:
        return lane.tag + lane.weight * cost
