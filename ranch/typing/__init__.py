"""The seams: what a strategy, a weight function, a backend and a serializer must be."""

from __future__ import annotations

from ranch.typing.bounds import LONGEST_WAIT, LOOKS_PER_CALL, MOVES_PER_CALL, RELEASES_PER_CALL, TIMERS_PER_CALL
from ranch.typing.choosing import Clock, LaneView, QueueClock, Strategy, WeightFunction
from ranch.typing.serializing import Serializer
from ranch.typing.storing import NO_RESULTS, WHOLE, Backend, Lanes

__all__ = [
    "LONGEST_WAIT",
    "LOOKS_PER_CALL",
    "MOVES_PER_CALL",
    "NO_RESULTS",
    "RELEASES_PER_CALL",
    "TIMERS_PER_CALL",
    "WHOLE",
    "Backend",
    "Clock",
    "LaneView",
    "Lanes",
    "QueueClock",
    "Serializer",
    "Strategy",
    "WeightFunction",
]
