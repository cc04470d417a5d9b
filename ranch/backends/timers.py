"""What is done when a timer's time has come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ranch.answers import Ending
from ranch.backends.job_rows import ID_LENGTH, JobRow
from ranch.backends.rows import LaneRow, Tables
from ranch.backends.traffic import Traffic
from ranch.letters import WORKER_LOST
from ranch.schedule import PATIENCE


class Timers:
    """Sees to the timers in tables, a bounded number in each call.

    Chores come after all else that is due: thousands of lanes may be idle at one moment, and no job is to wait for
    them.
    """

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    def see_to(self, tables: Tables, limit: int, endings: list[Ending], schedules: list[str]) -> int:
        """See to the first timers whose time has come, then to chores; return how many leases had expired."""
        before, queue = tables.queue.reclaimed, tables.queue
        # One may make another due at once: a lease that expired lets the lane be looked at that its limit held back.
        while limit > 0 and (due := tables.due(limit)):
            limit -= len(due)
            self._see_to_all(tables, due, endings, schedules)
        if limit > 0 and queue.chores_at is not None and queue.chores_at <= queue.now:
            self._see_to_all(tables, tables.chores(limit), endings, schedules)
            queue.chores_at = tables.next_chore()
        return queue.reclaimed - before

    def _see_to_all(
        self, tables: Tables, due: Sequence[tuple[float, str]], endings: list[Ending], schedules: list[str]
    ) -> None:
        for at, timer in due:
            tables.drop_timer(at, timer)
        for _, timer in due:
            if timer[0] == "s":
                schedules += self._put_off(tables, timer[1:])
            else:
                self._see_to_one(tables, timer[0], timer[1:], endings)

    def _see_to_one(self, tables: Tables, kind: str, name: str, endings: list[Ending]) -> None:
        # What a timer is about may be gone, by one before it.
        if kind == "x":
            if letter := tables.letter(name):
                self._traffic.forget(tables, letter)
        elif kind in "ri":
            if lane := tables.lane(name):
                (self._look if kind == "r" else self._forget_if_idle)(tables, lane)
        elif job := tables.job(name[:ID_LENGTH]):
            lane = self._traffic.lane(tables, job.lane)
            self._job_timers[kind](self, tables, lane, job, endings)
            tables.put_lane(lane)

    def _put_off(self, tables: Tables, name: str) -> list[str]:
        # Whoever calls is to fire it. If they die, it is told again.
        if row := tables.schedule(name):
            row.look_at = round(tables.queue.now + PATIENCE, 3)
            tables.put_schedule(row)
            tables.add_timer(row.look_at, f"s{name}")
        return [name] if row else []

    def _look(self, tables: Tables, lane: LaneRow) -> None:
        lane.look_at = None
        if lane.blocked:
            lane.blocked = ""
            if lane.pending:
                self._traffic.enter(tables, lane)
        tables.put_lane(lane)

    def _forget_if_idle(self, tables: Tables, lane: LaneRow) -> None:
        if lane.is_forgettable and lane.idle_order == lane.order:
            if lane.look_at is not None:
                tables.drop_timer(lane.look_at, f"r{lane.key}")
            tables.drop_lane(lane)
        else:
            self._traffic.look_whether_idle(tables, lane)
            tables.put_lane(lane)

    def _fell_due(self, tables: Tables, lane: LaneRow, job: JobRow, endings: list[Ending]) -> None:
        lane.delayed -= 1
        tables.queue.delayed -= 1
        self._traffic.come_back(tables, lane, job, endings)

    def _expired(self, tables: Tables, lane: LaneRow, job: JobRow, endings: list[Ending]) -> None:
        # One that is leased is left to its owner: it ends when it would come back.
        if job.state in {"ready", "delayed"}:
            self._traffic.withdraw(tables, lane, job)
            endings.append(self._traffic.end(tables, lane, job, "expired"))

    def _reclaim(self, tables: Tables, lane: LaneRow, job: JobRow, endings: list[Ending]) -> None:
        job.reclaims += 1
        for row in (lane, tables.queue):
            row.reclaimed += 1
        self._traffic.freed(tables, lane)
        if job.reclaims > self._traffic.policy.max_reclaims and not job.has_expired(tables.queue.now):
            endings.append(self._traffic.die(tables, lane, job, WORKER_LOST))
        else:
            self._traffic.come_back(tables, lane, job, endings)

    _job_timers: ClassVar = {"d": _fell_due, "e": _expired, "l": _reclaim}
