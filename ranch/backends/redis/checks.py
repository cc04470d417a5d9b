"""Proving a queue in Redis consistent, and mending what is not.

Everything is read in pages of scripts. What one script can see is judged, and mended, in that script, so nothing that
moves meanwhile is taken for a fault. Two things take more than one look:

- that a job is leased, is known by its timer only, whose name has the lease's token in it. So all timers are read after
  the jobs, and a job of which none was found is looked at again: if no lease of it has ended since, it never had one.
- the numbers of a row are compared with what was counted, if no number of it has changed while that was read.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from typing import Any, Final

from attrs import define, field

from ranch.answers import Fault
from ranch.backends.redis.calls import Caller, pages
from ranch.backends.redis.records import lane_stats, queue_stats, read_fields
from ranch.backends.redis.replies import write_death
from ranch.backends.redis.runners import Call
from ranch.letters import LOST
from ranch.model import LaneStats
from ranch.steps import Steps

_PAGE: Final = 200
#: How often all is looked at, while there is something to mend: what was mended may show what else is wrong.
_ROUNDS: Final = 5
_TOTALS: Final = ("claimed", "acked", "released", "reclaimed", "failed", "died", "revived", "expired", "cancelled")


@define
class Check:
    """One look at all of a queue, in many round trips.

    What is kept of it here: of each job that is not ready its id and lane, and of each lane its row.
    """

    _caller: Caller
    _name: str
    _repair: bool
    #: In order, each once.
    _faults: dict[Fault, None] = field(factory=dict)

    def run(self) -> Steps[list[Fault]]:
        """Return what was found, each once."""
        faults: dict[Fault, None] = {}
        for _ in range(_ROUNDS if self._repair else 1):
            self._faults = {}
            before = yield from self._lanes()
            queue_before = yield from self._queue()
            yield from self._ready({key: pending for key, (_, pending) in before.items() if pending})
            for kind in ("dedup", "dead", "letters"):
                yield from self._pages("entries", kind)
            yield from self._indexes(queue_before)
            elsewhere = yield from self._jobs()
            leased = set((yield from self._pages("timers")))
            yield from self._lost(
                [(job_id, header) for job_id, (state, _, header) in elsewhere.items() if state == b"leased"], leased
            )
            after, queue_after = (yield from self._lanes()), (yield from self._queue())
            if not (self._repair and self._faults):
                counted: defaultdict[bytes, Counter[str]] = defaultdict(Counter)
                for state, lane, _ in elsewhere.values():
                    counted[lane][state.decode()] += 1
                yield from self._numbers(before, after, counted)
                if queue_before == queue_after:
                    yield from self._numbers_of_queue(queue_after, after, counted)
            faults |= self._faults
            if not self._faults:
                break
        if self._repair and faults:
            yield Call("HINCRBY", (self._caller.keys.meta,), ("tick", 1), int)
            yield self._caller.call("ring", parse=list)
        return list(faults)

    def _found(self, words: Sequence[bytes]) -> None:
        for kind, about in zip(words[::2], words[1::2], strict=True):
            fault = Fault(kind=kind.decode(), about=about.decode(errors="replace"), mended=self._repair)  # type: ignore[arg-type]  # the scripts know the words
            self._faults[fault] = None

    def _pages(self, name: str, *words: Any) -> Steps[list[Any]]:
        """Look at all pages of something; return what is in it."""
        cursor, seen = b"0", []
        while True:
            cursor, more = yield from self._page(name, cursor, *words)
            seen += more
            if not int(cursor):
                return seen

    def _page(self, name: str, cursor: bytes, *words: Any) -> Steps[tuple[bytes, list[Any]]]:
        """Look at a page of something; return the cursor of the next, and what is in it."""
        args = (self._caller.now(), "", self._flag, cursor, _PAGE, *words)
        following, seen, faults = yield self._caller.call(f"check.{name}", *args, parse=list)
        self._found(faults)
        return following, seen

    @property
    def _flag(self) -> str:
        return "1" if self._repair else ""

    def _ready(self, pending: dict[bytes, int]) -> Steps[None]:
        """Look at all ready jobs, in one page those of as many lanes as go into it."""
        left = deque((key, b"0") for key in pending)
        while left:
            page, room = [left.popleft()], _PAGE
            room -= pending[page[0][0]]
            while left and room >= pending[left[0][0]]:
                room -= pending[left[0][0]]
                page.append(left.popleft())
            words = [word for lane in page for word in lane]
            _, cursors = yield from self._page("pending", b"0", *words)
            left.extendleft((key, cursor) for (key, _), cursor in zip(page, cursors, strict=True) if int(cursor))

    def _indexes(self, queue: dict[str, bytes]) -> Steps[None]:
        yield from self._pages("index", "")
        if "stale" in queue:
            for number in range(int(queue["stale"]), int(queue["generation"])):
                yield from self._pages("index", number)

    def _jobs(self) -> Steps[dict[bytes, tuple[bytes, bytes, bytes]]]:
        """Look at all jobs; return of those that are not ready state, lane and header, by id."""
        words = yield from self._pages("jobs", write_death(LOST))
        return {words[n]: (words[n + 1], words[n + 2], words[n + 3]) for n in range(0, len(words), 4)}

    def _lost(self, seeming: Sequence[tuple[bytes, bytes]], leased: set[bytes]) -> Steps[None]:
        """Look again at jobs that seem to be leased, and of which no lease was found."""
        suspects = [(job_id, header) for job_id, header in seeming if job_id not in leased]
        for page in pages(suspects, _PAGE):
            words = [word for suspect in page for word in suspect]
            (faults,) = yield self._caller.call("check.lost", self._caller.now(), self._flag, *words, parse=list)
            self._found(faults)

    def _lanes(self) -> Steps[dict[bytes, tuple[dict[str, bytes], int]]]:
        """Look at all lanes; return of each its row and how many jobs are ready, by key."""
        words = yield from self._pages("lanes")
        return {words[n]: (read_fields(words[n + 1]), words[n + 2]) for n in range(0, len(words), 3)}

    def _queue(self) -> Steps[dict[str, bytes]]:
        row: dict[str, bytes] = yield Call("HGETALL", (self._caller.keys.meta,), (), _row)
        return row

    def _numbers(
        self,
        before: dict[bytes, tuple[dict[str, bytes], int]],
        after: dict[bytes, tuple[dict[str, bytes], int]],
        counted: dict[bytes, Counter[str]],
    ) -> Steps[None]:
        for key, (row, pending) in after.items():
            there, stats = counted.get(key, Counter[str]()), lane_stats(row, pending)
            names = ("enqueued", "dead", *_TOTALS)
            known = {name: row.get(name, b"") for name in names}
            if key in before and (known, pending) == (
                {name: before[key][0].get(name, b"") for name in names},
                before[key][1],
            ):
                right = _corrected(stats, there["leased"], there["delayed"], pending)
                if stats.dead != there["dead"]:
                    right["dead"] = there["dead"]
                yield from self._correct(key, pending, known, right)

    def _numbers_of_queue(
        self,
        row: dict[str, bytes],
        lanes: dict[bytes, tuple[dict[str, bytes], int]],
        counted: dict[bytes, Counter[str]],
    ) -> Steps[None]:
        there = sum(counted.values(), Counter[str]())
        right = _corrected(
            queue_stats(row, 0, 0, 0), there["leased"], there["delayed"], sum(pending for _, pending in lanes.values())
        )
        present = {
            "delayed": there["delayed"],
            "limited": sum("limits" in lane for lane, _ in lanes.values()),
            "blocked": sum("blocked" in lane for lane, _ in lanes.values()),
        }
        right |= {name: number for name, number in present.items() if int(row.get(name, 0)) != number}
        yield from self._correct(b"", 0, row, right)

    def _correct(self, lane: bytes, pending: int, known: dict[str, bytes], right: dict[str, int]) -> Steps[None]:
        """Correct the row of a lane, or under an empty key the queue's."""
        if not right:
            return
        if self._repair:
            words = [word for pair in (*known.items(), *right.items()) for word in pair]
            (done,) = yield self._caller.call("check.numbers", lane, pending, len(known), *words, parse=list)
            if not done:  # it has changed since: the next round looks again
                return
        self._found([b"numbers of a lane", lane] if lane else [b"numbers of the queue", self._name.encode()])


def _corrected(stats: LaneStats, leased: int, delayed: int, pending: int) -> dict[str, int]:
    """Return the totals that are to be set. They only grow, so what is too low in one is added to another."""
    leases, jobs = stats.leased - leased, stats.pending + stats.delayed + stats.leased - pending - delayed - leased
    grown = {
        "released": max(0, leases),
        "claimed": max(0, -leases),
        "cancelled": max(0, jobs),
        "revived": max(0, -jobs),
    }
    return {name: getattr(stats, name) + by for name, by in grown.items() if by}


def _row(reply: dict[bytes, bytes]) -> dict[str, bytes]:
    return {name.decode(): value for name, value in reply.items()}
