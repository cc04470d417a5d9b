"""How a queue stands at this moment."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping

from attrs import field, frozen

from ranch.control import Control


@frozen(kw_only=True)
class QueueStatus:
    """What waits, runs and has been given up on."""

    #: Jobs ready to be claimed, by lane, the longest backlog first; lanes without any are left out.
    waiting: Mapping[str, int] = field(factory=dict)
    #: Jobs waiting for their time.
    delayed: int = 0
    #: Jobs claimed and not settled.
    leased: int = 0
    #: Dead letters whose own code failed.
    failures: int = 0
    #: Dead letters that could not be run, or not to their end.
    system_errors: int = 0


def get_queue_status(queue: Control) -> QueueStatus:
    """Read how a queue stands.

    Two round trips, one more for each 1,000 lanes, and one for each 1,000 dead letters; the numbers are not of one
    instant.
    """
    lanes = queue.lanes()
    kinds = Counter(letter.death.kind for letter in queue.dead.list())
    waiting = Counter({lane.key: lane.stats.pending for lane in lanes if lane.stats.pending})
    return QueueStatus(
        waiting=dict(waiting.most_common()),
        delayed=sum(lane.stats.delayed for lane in lanes),
        leased=sum(lane.stats.leased for lane in lanes),
        failures=kinds["failure"],
        system_errors=kinds["system"],
    )


def oldest_wait(queue: Control, *, lanes: int = 100) -> float | None:
    """Return for how many seconds the first job of a lane has been ready at most, by the clock of this machine.

    It looks at the first job of each lane that waits to be served: those of a lane that is held back by a limit do not
    count. One round trip for the keys of the lanes, and one for each lane.

    Args:
        queue: The queue.
        lanes: How many lanes are looked at at most. If more wait, it is not known, and the answer is None.
    """
    keys = queue._drive(queue._operations.lanes.keys(backlogged=True))
    return max(waits(queue, keys).values(), default=0.0) if len(keys) <= lanes else None


def waits(queue: Control, lanes: Iterable[str]) -> dict[str, float]:
    """Return for how many seconds the first job of each lane that has one has been ready, by this machine's clock.

    One round trip for each lane.
    """
    found = {}
    for lane in lanes:
        page = queue._drive(queue._operations.lanes.jobs("", 1, lane))
        if page.jobs:
            found[lane] = max(0.0, time.time() - page.jobs[0].job.due_at)
    return found
