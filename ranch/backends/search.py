"""Finding the next of selected lanes in tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from ranch.backends.heap import Heap
from ranch.backends.rows import LaneRow, Place, Tables
from ranch.selection import Selection
from ranch.typing import LOOKS_PER_CALL, TIMERS_PER_CALL

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
        self._looks = LOOKS_PER_CALL
        #: Lanes of the selection whose turn it is: all that stand up to `_after`; and whether more may stand behind it.
        self._found, self._may_be_more = Heap[str](), True
        #: The lane that was returned last: its place is another one now.
        self._last: LaneRow | None = None
        #: Not empty when a search was given up, and where it goes on.
        self.further = ""

    def next_lane(self, wanted: int) -> LaneRow | None:
        """Return the lane that is served next, where so many jobs are wanted still."""
        if not self._selections:
            return self._tables.next_lane()
        if self._last:
            self._put_back(self._last)
        while self._turn < len(self._selections):
            self._last = self._first(self._selections[self._turn], wanted)
            if self._last or self.further:
                return self._last
            if self._tables.queue.moving:
                # One that an earlier strategy has ranked may be of these: the next call ranks more of them anew.
                self.further = _write(0, None)
                return None
            self._turn += 1
            self._after, self._may_be_more = None, True
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

    def _put_back(self, lane: LaneRow) -> None:
        if lane.waits and lane.generation == self._tables.queue.generation:
            self._found.put(lane.key, (lane.tag, lane.order))
        else:
            self._found.discard(lane.key)

    def _first(self, selection: Selection, wanted: int) -> LaneRow | None:
        while selection:
            key = self._found.first()
            if key and (not self._may_be_more or (self._after and self._found.keys[key] <= self._after)):
                return self._tables.lane(key)
            if not self._may_be_more:
                break
            if not self._looks:
                self.further = _write(self._turn, self._after)
                break
            # More than one where the jobs of those found have expired, so that it is not looked again for each.
            self._look(selection, max(wanted, TIMERS_PER_CALL) if self._last else wanted)
        return None

    def _look(self, selection: Selection, wanted: int) -> None:
        by_name = not selection.patterns
        looks = max(FEW, len(selection.names)) if by_name else self._looks
        for tag, order, key in self._tables.waiting(self._after):
            if not looks or not wanted:
                break
            looks -= 1
            self._after = tag, order
            if key in selection:
                wanted -= 1
                self._found.put(key, self._after)
        else:
            self._may_be_more = False
        if not by_name:
            self._looks = looks
        elif self._may_be_more and wanted:
            wanted += len(self._found)
            lanes = self._tables.some_of(selection.names, wanted)
            for lane in lanes:
                self._found.put(lane.key, (lane.tag, lane.order))
                self._after = lane.tag, lane.order
            self._may_be_more = len(lanes) == wanted


def _write(turn: int, after: Place | None) -> str:
    return json.dumps([turn, after])


def _read(further: str) -> tuple[int, Place | None]:
    if not further:
        return 0, None
    turn, after = json.loads(further)
    return turn, after and (after[0], after[1])
