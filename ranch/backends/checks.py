"""Proving the tables of a queue consistent, and mending what is not."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

from ranch.answers import Fault, FaultKind
from ranch.backends.gates import blocked
from ranch.backends.job_rows import ID_LENGTH
from ranch.backends.letter_rows import LetterRow
from ranch.backends.lookups import Lookups, atomic, reading
from ranch.backends.rows import LaneRow, QueueRow, Tables
from ranch.backends.traffic import Traffic
from ranch.letters import LOST
from ranch.steps import Steps

T = TypeVar("T")

_PAGE: Final = 500


class Check:
    """One look at all the tables of a queue, in one transaction: what it finds holds at one moment.

    Args:
        tables: Open; for writing, if anything is to be mended.
        traffic: Moves jobs and lanes there.
        name: The queue's.
        repair: Whether what is found is mended.
    """

    def __init__(self, tables: Tables, traffic: Traffic, name: str, *, repair: bool) -> None:
        self._tables = tables
        self._traffic = traffic
        self._name = name
        self._repair = repair
        self.faults: list[Fault] = []
        #: By lane, how many jobs there are in each state.
        self._states: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def run(self) -> list[Fault]:
        """Look at everything; timers last, for what is mended adds the right ones and leaves the wrong ones."""
        self._letters()
        self._jobs()
        self._holders()
        self._lanes()
        self._timers()
        return self.faults

    def _found(self, kind: FaultKind, about: str, mend: Callable[..., object], *args: Any) -> None:
        if self._repair:
            mend(*args)
        self.faults.append(Fault(kind=kind, about=about, mended=self._repair))

    def _letters(self) -> None:
        tables = self._tables
        for letter in _paged(tables.letters, (0.0, ""), lambda letter: (letter.died_at, letter.id)):
            job = tables.job(letter.id)
            if job is None or job.state != "dead":
                self._found("letter without a dead job", letter.id, tables.drop_letter, letter.id)

    def _jobs(self) -> None:
        tables = self._tables
        for job in _paged(tables.all_jobs, "", lambda job: job.id):
            self._states[job.lane][job.state] += 1
            if tables.lane(job.lane) is None:
                self._found("job without its lane's row", job.id, self._traffic.lane, tables, job.lane)
            if job.state in {"delayed", "leased"} and not tables.has_timer(job.at, job.timer):
                self._found("job in no place", job.id, tables.add_timer, job.at, job.timer)
            if job.state == "dead" and tables.letter(job.id) is None:
                self._found(
                    "dead job without a letter", job.id, tables.add_letter, LetterRow(job.id, job.at, None, LOST)
                )
            # Of a leased job that has expired it is gone, and the job ends when it would come back.
            expires = job.state in {"ready", "delayed"} or (
                job.state == "leased" and not job.has_expired(tables.queue.now)
            )
            if expires and job.expires_at is not None and not tables.has_timer(job.expires_at, f"e{job.id}"):
                self._found(
                    "job without the timer of its expiry", job.id, tables.add_timer, job.expires_at, f"e{job.id}"
                )

    def _holders(self) -> None:
        tables = self._tables
        for key, job_id in _paged(tables.holders, "", lambda held: held[0]):
            if tables.job(job_id) is None:
                self._found("dedup key without a job", key, tables.let_go, key, job_id)

    def _lanes(self) -> None:
        tables, sums = self._tables, Counter[str]()
        for lane in list(tables.lanes()):
            before = len(self.faults)
            there = self._states[lane.key]
            counted = {"pending": there["ready"], **{state: there[state] for state in ("delayed", "leased", "dead")}}
            if not _adds_up(lane, counted):
                self._found("numbers of a lane", lane.key, _correct, lane, counted)
            if lane.blocked and not self._is_looked_at(lane):
                self._found(
                    "lane that is not looked at again", lane.key, self._traffic.look_at, tables, lane, tables.queue.now
                )
            if self._traffic.policy.lane_ttl is not None and not _has(
                tables, lane.idle_at and -lane.idle_at, f"i{lane.key}"
            ):
                self._found(
                    "lane without the timer of its idleness", lane.key, self._traffic.look_whether_idle, tables, lane
                )
            sums.update(counted)
            if self._repair and len(self.faults) > before:
                tables.put_lane(lane)
        if not _adds_up(tables.queue, sums):
            self._found("numbers of the queue", self._name, _correct, tables.queue, sums)

    def _is_looked_at(self, lane: LaneRow) -> bool:
        reason, until = blocked(lane, self._tables.queue.now)
        held = lane.pending > 0 and bool(reason) and until is None
        return held or _has(self._tables, lane.look_at, f"r{lane.key}")

    def _timers(self) -> None:
        tables = self._tables
        for at, timer in _paged(tables.timers, (-math.inf, ""), lambda timer: timer):
            if not self._is_wanted(at, timer[0], timer[1:]):
                self._found("timer without a reason", timer, tables.drop_timer, at, timer)

    def _is_wanted(self, at: float, kind: str, name: str) -> bool:
        tables = self._tables
        if kind in "ri":
            lane = tables.lane(name)
            return lane is not None and (lane.look_at == at if kind == "r" else lane.idle_at == -at)
        if kind == "x":
            letter = tables.letter(name)
            return letter is not None and letter.until == -at
        if kind == "s":
            schedule = tables.schedule(name)
            return schedule is not None and schedule.look_at == at
        job = tables.job(name[:ID_LENGTH])
        if job is None or kind == "e":
            return job is not None and job.expires_at == at and job.state != "dead"
        return job.state in {"delayed", "leased"} and (job.at, job.timer) == (at, kind + name)


class Checks(Lookups):
    """The operation of the lanes of one queue that looks at all of it."""

    _traffic: Traffic

    def check(self, *, repair: bool = False) -> Steps[list[Fault]]:
        """Read all in one transaction; if something is to be mended, a second one looks again, and mends."""
        faults: list[Fault] = yield from self._check()
        return (yield from self._mend()) if repair and faults else faults

    @reading
    def _check(self, tables: Tables) -> list[Fault]:
        return Check(tables, self._traffic, self.queue, repair=False).run()

    @atomic
    def _mend(self, tables: Tables) -> list[Fault]:
        tables.queue.tick += 1  # wakes those who wait, for there may be more to claim
        return Check(tables, self._traffic, self.queue, repair=True).run()


def _has(tables: Tables, at: float | None, timer: str) -> bool:
    return at is not None and tables.has_timer(at, timer)


def _adds_up(row: LaneRow | QueueRow, counted: Counter[str] | dict[str, int]) -> bool:
    return all(getattr(row, name) == counted[name] for name in ("pending", "delayed", "leased", "dead")) and (
        _missing(row) == (0, 0)
    )


def _missing(row: LaneRow | QueueRow) -> tuple[int, int]:
    """Return by how much the totals show too few leases that have ended, and too few jobs that have."""
    leases = row.claimed - row.acked - row.released - row.reclaimed - row.failed - row.leased
    here, ended = row.pending + row.delayed + row.leased, row.acked + row.expired + row.cancelled + row.died
    return leases, row.enqueued + row.revived - here - ended


def _correct(row: LaneRow | QueueRow, counted: Counter[str] | dict[str, int]) -> None:
    """Set the numbers to what there is. Totals only grow, so what is too low in one is added to another."""
    for name in ("pending", "delayed", "leased", "dead"):
        setattr(row, name, counted[name])
    leases, jobs = _missing(row)
    row.released, row.claimed = row.released + max(0, leases), row.claimed + max(0, -leases)
    row.cancelled, row.revived = row.cancelled + max(0, jobs), row.revived + max(0, -jobs)


def _paged(read: Callable[[Any, int], Sequence[T]], after: Any, key: Callable[[T], Any]) -> Iterator[T]:
    """Read all rows, page by page, so that they may change meanwhile."""
    while page := read(after, _PAGE):
        yield from page
        after = key(page[-1])
