"""Round-robin: every backlogged lane in turn, one job each."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from ranch.strategies.twin import twin_of
from ranch.typing import LaneView, QueueClock, Strategy


@frozen
class RoundRobin(Strategy):
    """Serve the backlogged lanes in a ring; weights and costs do not count.

    A lane joins the ring behind all who wait, and goes there again after each service.

    Guarantee: two lanes backlogged throughout any interval are served equally often in it, up to one job.
    """

    lua: ClassVar[str | None] = twin_of(__name__)

    def enter(self, lane: LaneView, clock: QueueClock) -> float:
        return clock.tick

    def served(self, lane: LaneView, clock: QueueClock, cost: float) -> float:
        return clock.tick
