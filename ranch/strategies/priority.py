"""Priority: lanes of a higher class go first, and waiting makes up for a lower one."""

from __future__ import annotations

from typing import ClassVar

from attrs import field, frozen, validators

from ranch.strategies.twin import twin_of
from ranch.typing import LaneView, QueueClock, Strategy

#: The class of a lane that names none.
NORMAL = 3.0


@frozen
class PriorityClasses(Strategy):
    """Serve the lanes of the highest class, but let `step` seconds of waiting make up for each class below it.

    A lane's class is the number in its custom data under ``priority``, from 1 (very low) to 6 (critical), as the words
    of `Priority` have it; any number will do, and a lane without one is of class 3. Within a class lanes take
    turns, whatever the lengths of their queues.

    Guarantee: a job that comes to the head of its lane of class p starts before every job of a class q > p that becomes
    ready more than ``(q - p) * step`` seconds later. So no lane starves; with a step longer than any job waits, classes
    are strict, and low ones may.

    The waiting is that of the job at the head, since it came there. So a long queue of a low class does not pass by a
    higher class as one when it is old: each of its jobs has to wait anew. A lane whose class changes waits anew too.

    Source: ageing of priorities as in A. Silberschatz, P. Galvin, G. Gagne, "Operating System Concepts", chapter 5.
    """

    #: How many seconds of waiting a class is worth.
    step: float = field(default=60.0, converter=float, validator=[validators.gt(0.0), validators.lt(float("inf"))])

    reads: ClassVar[frozenset[str]] = frozenset({"data.priority"})
    lua: ClassVar[str | None] = twin_of(__name__)

    def enter(self, lane: LaneView, clock: QueueClock) -> float:
        return clock.now - self.step * lane.data.get("priority", NORMAL)

    def served(self, lane: LaneView, clock: QueueClock, cost: float) -> float:
        return self.enter(lane, clock)
