"""How jobs come into their lanes, leave them, and end."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any, Final

from ranch.answers import Ending, Outcome
from ranch.backends.chores import add_chore
from ranch.backends.gates import blocked, change_limits
from ranch.backends.job_rows import JobRow
from ranch.backends.letter_rows import LetterRow
from ranch.backends.outcomes import keep
from ranch.backends.ranking import Ranking
from ranch.backends.rows import LaneRow, Tables
from ranch.letters import Death
from ranch.policy import Policy

#: Lanes are looked at together, this many times in `Policy.lane_ttl`, so that those who wait are not woken for each.
LOOKS: Final = 8
#: How many dead letters go at once when there are too many.
TRIMMED: Final = 10


class Traffic:
    """The moves of jobs in tables. Whoever calls puts the lane back."""

    def __init__(self, ranking: Ranking, policy: Policy) -> None:
        self._ranking = ranking
        self.policy = policy

    def lane(self, tables: Tables, key: str) -> LaneRow:
        """Return a lane, a new one if there is none."""
        lane = tables.lane(key)
        if lane is None:
            lane = LaneRow(key=key)
            tables.put_lane(lane)
            self.look_whether_idle(tables, lane)
        return lane

    def enter(self, tables: Tables, lane: LaneRow) -> None:
        """Let a lane wait to be served, unless a limit forbids it."""
        if not self.is_blocked(tables, lane):
            self._ranking.enter(tables, lane)

    def is_blocked(self, tables: Tables, lane: LaneRow) -> bool:
        """Take note whether a limit forbids to serve a lane now, and when to look again."""
        lane.blocked, until = blocked(lane, tables.queue.now)
        if until is not None:
            self.look_at(tables, lane, until)
            tables.queue.tick += 1  # wakes those who wait, for it may be before what they wait for
        return bool(lane.blocked)

    def limit(self, tables: Tables, lane: LaneRow, changes: Mapping[str, Any]) -> None:
        """Set other limits of a lane, which waits from now on, or no more."""
        change_limits(lane, changes, tables.queue.now)
        was_blocked = lane.blocked
        if lane.pending and not self.is_blocked(tables, lane) and was_blocked:
            self._ranking.enter(tables, lane)

    def look_at(self, tables: Tables, lane: LaneRow, at: float) -> None:
        """Look again at that time what holds a lane back."""
        if lane.look_at is not None:
            tables.drop_timer(lane.look_at, f"r{lane.key}")
        lane.look_at = at
        tables.add_timer(at, f"r{lane.key}")

    def look_whether_idle(self, tables: Tables, lane: LaneRow) -> None:
        """Look some day whether a lane can be forgotten."""
        ttl = self.policy.lane_ttl
        if ttl is None:
            lane.idle_at = None
            return
        ttl_ms = round(ttl * 1000)
        grid = ceil(ttl_ms / LOOKS)
        lane.idle_at = ceil((round(tables.queue.now * 1000) + ttl_ms) / grid) * grid / 1000
        lane.idle_order = lane.order
        add_chore(tables, lane.idle_at, f"i{lane.key}")

    # Jobs

    def arrive(self, tables: Tables, lane: LaneRow, job: JobRow) -> None:
        """Put a job, stored already, among the ready ones of its lane."""
        job.state, job.token = "ready", ""
        tables.put_job(job)
        lane.pending += 1
        tables.queue.pending += 1
        if lane.pending > 1:
            if not self._ranking.reads.head or lane.blocked:
                return
            head = tables.head(lane.key)
            if head is None or head.id != job.id:
                return
        self.enter(tables, lane)

    def delay(self, tables: Tables, lane: LaneRow, job: JobRow, at: float) -> None:
        """Let a job, stored already, wait for its time."""
        job.state, job.token, job.at, job.due_at = "delayed", "", at, at
        tables.put_job(job)
        tables.add_timer(at, job.timer)
        lane.delayed += 1
        tables.queue.delayed += 1
        tables.queue.tick += 1  # wakes those who wait, for it may be due before what they wait for

    def withdraw(self, tables: Tables, lane: LaneRow, job: JobRow) -> None:
        """Take a job that is ready or delayed from where it waits."""
        if job.state == "delayed":
            tables.drop_timer(job.at, job.timer)
            lane.delayed -= 1
            tables.queue.delayed -= 1
            return
        head = tables.head(lane.key) if self._ranking.reads.head else None
        self.leave(tables, lane, job)
        tables.put_job(job)
        if head is not None and head.id == job.id and lane.pending and not lane.blocked:
            self.enter(tables, lane)

    def leave(self, tables: Tables, lane: LaneRow, job: JobRow) -> None:
        """Take a ready job out of its lane, which keeps its rank. Whoever calls puts the job elsewhere."""
        job.state = "leased"
        lane.pending -= 1
        tables.queue.pending -= 1
        if not lane.pending:
            lane.blocked = ""

    def freed(self, tables: Tables, lane: LaneRow) -> None:
        """Account for a lease that has ended."""
        lane.leased -= 1
        tables.queue.leased -= 1
        if lane.blocked == "max_in_flight":
            # The next claim lets it in: what only settles a job need not know the strategy.
            self.look_at(tables, lane, tables.queue.now)
            tables.queue.tick += 1
        elif tables.queue.limits.max_in_flight is not None:
            tables.queue.tick += 1

    def come_back(self, tables: Tables, lane: LaneRow, job: JobRow, endings: list[Ending]) -> None:
        """Put a job back into its lane, or let it end if it has expired."""
        if job.has_expired(tables.queue.now):
            endings.append(self.end(tables, lane, job, "expired"))
        else:
            self.arrive(tables, lane, job)

    def end(self, tables: Tables, lane: LaneRow, job: JobRow, how: str) -> Ending:
        """Let a job go that waits nowhere any more, counted as expired or cancelled."""
        self.drop(tables, job)
        for row in (lane, tables.queue):
            row.expired += how == "expired"
            row.cancelled += how != "expired"
        keep(tables, job, Outcome(how=how))  # type: ignore[arg-type]  # the words are the callers'
        return Ending(job=job.read(), how=how)  # type: ignore[arg-type]

    def drop(self, tables: Tables, job: JobRow) -> None:
        """Remove a job, and what it holds."""
        self._let_go(tables, job)
        tables.drop_job(job)

    def _let_go(self, tables: Tables, job: JobRow) -> None:
        if job.expires_at is not None:
            tables.drop_timer(job.expires_at, f"e{job.id}")
        if job.dedup_key is not None:
            tables.let_go(job.dedup_key, job.id)

    def spend(self, job: JobRow) -> None:
        """Let a job, which is leased, come back no more."""
        job.reclaims = max(job.reclaims, self.policy.max_reclaims)

    # Dead letters

    def die(self, tables: Tables, lane: LaneRow, job: JobRow, death: Death) -> Ending:
        """Make a dead letter of a job that waits nowhere any more."""
        queue = tables.queue
        self._let_go(tables, job)
        job.state, job.token, job.at = "dead", "", queue.now
        tables.put_job(job)
        keep(tables, job, Outcome(how="dead", death=death))
        self.keep(tables, lane, job, death)
        tables.put_lane(lane)
        for letter in tables.letters((0.0, ""), min(queue.dead - self.policy.max_dead, TRIMMED)):
            self.forget(tables, letter)
        return Ending(job=job.read(), how="dead")

    def keep(self, tables: Tables, lane: LaneRow, job: JobRow, death: Death) -> None:
        """Add a job, stored already as a dead one, to the dead letters."""
        until = None if (ttl := self.policy.dead_ttl) is None else round(job.at + ttl, 3)
        tables.add_letter(LetterRow(job.id, job.at, until, death))
        if until is not None:
            add_chore(tables, until, f"x{job.id}")
        for row in (lane, tables.queue):
            row.died += 1
            row.dead += 1

    def forget(self, tables: Tables, letter: LetterRow) -> JobRow:
        """Remove a dead letter, and return its job."""
        job = tables.job(letter.id)
        assert job is not None, f"dead letter {letter.id} has no job"
        self._forgotten(tables, letter, job)
        tables.drop_job(job)
        return job

    def revive(self, tables: Tables, letter: LetterRow) -> JobRow:
        """Put the job of a dead letter back into its lane, as if it had just become ready."""
        job = tables.job(letter.id)
        assert job is not None, f"dead letter {letter.id} has no job"
        lane = self._forgotten(tables, letter, job)
        job.failures, job.reclaims, job.expires_at, job.due_at = 0, 0, None, tables.queue.now
        tables.drop_outcome(job.id)
        for row in (lane, tables.queue):
            row.revived += 1
        self.arrive(tables, lane, job)
        tables.put_lane(lane)
        return job

    def _forgotten(self, tables: Tables, letter: LetterRow, job: JobRow) -> LaneRow:
        if letter.until is not None:
            tables.drop_timer(-letter.until, f"x{letter.id}")
        tables.drop_letter(letter.id)
        lane = self.lane(tables, job.lane)
        lane.dead -= 1
        tables.queue.dead -= 1
        tables.put_lane(lane)
        return lane
