"""Schedules in tables: seen to, read and changed."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from ranch.answers import Plan, Receipt
from ranch.backends.admission import admit, check_room
from ranch.backends.lookups import Lookups, atomic, reading
from ranch.backends.ranking import Ranking
from ranch.backends.rows import Tables
from ranch.backends.schedule_rows import ScheduleRow
from ranch.backends.traffic import Traffic
from ranch.schedule import Schedule


class Plans(Lookups):
    """The schedules of one queue, through its tables."""

    _ranking: Ranking
    _traffic: Traffic

    @reading
    def schedules(self, tables: Tables, names: Sequence[str] | None = None) -> Plan:
        rows = tables.schedules() if names is None else filter(None, map(tables.schedule, names))
        found = sorted((Schedule.read(row.text) for row in rows), key=lambda schedule: schedule.name)
        return Plan(schedules=found, now=tables.queue.now)

    @atomic
    def replan(
        self, tables: Tables, before: Schedule | None, after: Schedule | None, runs: Sequence[float] = ()
    ) -> Receipt | None:
        schedule = after or before
        assert schedule is not None, "one of both there has to be"
        name, row = schedule.name, tables.schedule(schedule.name)
        if (row and row.text) != (before and before.text):
            return None
        queue = tables.queue
        jobs = [evolve(schedule.job, delay=at - queue.now) for at in runs]
        check_room(tables, jobs)
        self._ranking.agree(tables)
        queue.strategy = self._ranking.text
        if row and row.look_at is not None:
            tables.drop_timer(row.look_at, f"s{name}")
        if after is None:
            tables.drop_schedule(name)
        else:
            tables.put_schedule(ScheduleRow(name, after.text, after.looked_at))
            if after.looked_at is not None:
                tables.add_timer(after.looked_at, f"s{name}")
        receipt = admit(tables, self._traffic, jobs)
        queue.tick += 1  # wakes those who wait, for it may be due before what they wait for
        return receipt
