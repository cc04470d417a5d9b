"""Finding the next of selected lanes in tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from ranch.backends.rows import LaneRow, Place, Tables
from ranch.selection import Selection
from ranch.typing import LOOKS_PER_CALL

#: So many lanes are looked at before those that a selection names are asked for by their names, and more if it names
#: more: it is cheap, and usually one of them is found.
FEW: Final = 100
#: Of how many selections virtual time is kept.
_KEPT: Final = 1_000


class Search:
    """The search of one claim: a later selection is served when no lane of those before it waits.

    Args:
        tables: Open.
        selections: In the order in which they are served; none selects all lanes.
        further: What `further` was when the claim before this one ended without a job.
    """

    def __init__(self, tables: Tables, selections: Sequence[Selection], further: str) -> None:
        self._tables = tables
        self._selections = selections
        self._turn, self._after = _read(further)
        #: Not empty when a search was given up, and where it goes on.
        self.further = ""

    def next_lane(self) -> LaneRow | None:
        """Return the lane that is served next."""
        if not self._selections:
            return self._tables.next_lane()
        while self._turn < len(self._selections):
            lane = self._first(self._selections[self._turn])
            self._after = None
            if lane or self.further:
                return lane
            if self._tables.queue.moving:
                # One that an earlier strategy has ranked may be of these: the next call ranks more of them anew.
                self.further = _write(0, None)
                return None
            self._turn += 1
        return None

    def follow(self, lane: LaneRow) -> float:
        """Take note that a lane is served, and return virtual time as it is among the lanes that are served with it.

        The queue's is the lowest rank that waits, which is this lane's if none is selected. The first selection has its
        own, for its lanes may be served faster than others. Those that are stolen have none in common.
        """
        queue = self._tables.queue
        if not self._selections:
            queue.virtual = max(queue.virtual, lane.tag)
            return queue.virtual
        first = self._tables.next_lane()
        assert first is not None, f"lane {lane.key!r} waits, and none does"
        queue.virtual = max(queue.virtual, first.tag)
        if self._turn:
            return lane.tag
        digest = self._selections[0].digest
        virtual = max(queue.virtuals.pop(digest, lane.tag), lane.tag)
        # The one used last is at the end.
        queue.virtuals[digest] = virtual
        if len(queue.virtuals) > _KEPT:
            del queue.virtuals[next(iter(queue.virtuals))]
        return virtual

    def _first(self, selection: Selection) -> LaneRow | None:
        if not selection:
            return None
        by_name = not selection.patterns
        looks = max(FEW, len(selection.names)) if by_name else LOOKS_PER_CALL
        for tag, order, key in self._tables.waiting(self._after):
            if key in selection:
                return self._tables.lane(key)
            looks -= 1
            if looks <= 0:
                if by_name:
                    return self._tables.first_of(selection.names)
                self.further = _write(self._turn, (tag, order))
                return None
        return None


def _write(turn: int, after: Place | None) -> str:
    return json.dumps([turn, after])


def _read(further: str) -> tuple[int, Place | None]:
    if not further:
        return 0, None
    turn, after = json.loads(further)
    return turn, after and (after[0], after[1])
