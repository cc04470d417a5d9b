"""The rows of queues in a database that speaks SQL."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from attrs import asdict

from ranch.backends.job_rows import JobRow
from ranch.backends.letter_rows import LetterRow
from ranch.backends.rows import LaneRow, Place, QueueRow
from ranch.backends.schedule_rows import ScheduleRow
from ranch.backends.sql_layout import JOB, JOB_CHANGES, LANE, QUEUE, columns, read, write
from ranch.backends.sql_outcomes import Execute
from ranch.backends.sql_times import SQLTimes
from ranch.letters import Death

_SELECT_LANE: Final = f"SELECT {columns(LANE)} FROM lanes WHERE queue = ?"
_PUT_LANE: Final = (
    f"INSERT INTO lanes (queue, {columns(LANE)}) VALUES (?{', ?' * len(LANE)}) ON CONFLICT (queue, key) DO UPDATE SET "
    + ", ".join(f'"{name}" = excluded."{name}"' for name in LANE if name != "key")
)
_WAITING: Final = "pending > 0 AND blocked = ''"
_NEXT_LANE: Final = f'{_SELECT_LANE} AND generation = ? AND {_WAITING} ORDER BY tag, "order" LIMIT 1'
_STALE_LANE: Final = f'{_SELECT_LANE} AND generation < ? AND {_WAITING} ORDER BY generation, tag, "order" LIMIT 1'
_WAITING_LANES: Final = (
    f'SELECT tag, "order", key FROM lanes WHERE queue = ? AND generation = ? AND {_WAITING} '
    'AND (tag, "order") > (?, ?) ORDER BY tag, "order" LIMIT ?'
)
#: How many lanes are named by one statement, at first and at most, and how many are asked for.
_FIRST_PAGE: Final = 16
_PAGE: Final = 1024
_ASKED_FOR: Final = 512
_SOME_OF: Final = (
    f"{_SELECT_LANE} AND generation = ? AND {_WAITING} AND key IN ({', '.join('?' * _ASKED_FOR)}) "
    'ORDER BY tag, "order" LIMIT ?'
)
_COUNT_WAITING: Final = f"SELECT count(*) FROM lanes WHERE queue = ? AND {_WAITING}"
_PUT_QUEUE: Final = f"UPDATE queues SET {', '.join(f'{name} = ?' for name in QUEUE)} WHERE queue = ?"
_SELECT_JOB: Final = f"SELECT {columns(JOB)} FROM jobs WHERE queue = ?"
_ADD_JOB: Final = f"INSERT INTO jobs (queue, {columns(JOB)}, place) VALUES (?{', ?' * len(JOB)}, ?)"
_PUT_JOB: Final = f"UPDATE jobs SET {', '.join(f'{name} = ?' for name in JOB_CHANGES)} WHERE queue = ? AND id = ?"
_HOLD: Final = (
    "INSERT INTO holders (queue, key, job, until) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (queue, key) DO UPDATE SET job = excluded.job, until = excluded.until"
)
_PUT_SCHEDULE: Final = (
    "INSERT INTO schedules (queue, name, text, look_at) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (queue, name) DO UPDATE SET text = excluded.text, look_at = excluded.look_at"
)
_SELECT_SCHEDULE: Final = "SELECT name, text, look_at FROM schedules WHERE queue = ?"
_COUNT_LANES: Final = (
    f"SELECT count(*), count(*) FILTER (WHERE {_WAITING}), count(*) FILTER (WHERE blocked <> '') "
    "FROM lanes WHERE queue = ?"
)
_SELECT_LETTER: Final = "SELECT id, died_at, until, kind, reason, error, traceback FROM letters WHERE queue = ?"

#: Reads the row of a queue by its name, and makes it.
SELECT_QUEUE: Final = f"SELECT queue, {columns(QUEUE)} FROM queues WHERE name = ?"
ADD_QUEUE: Final = "INSERT INTO queues (name) VALUES (?) ON CONFLICT (name) DO NOTHING"
#: The row of a queue that has none yet, for those who only read. No queue has that number.
NO_QUEUE: Final[tuple[Any, ...]] = (0, *write(QueueRow(), QUEUE))


class SQLTables(SQLTimes):
    """The rows of one queue in an open transaction; lanes are written when an index is asked, or at the end.

    It looks at the result of no statement but a SELECT, and at that at once.

    Args:
        execute: Runs a statement in the transaction.
        row: What `SELECT_QUEUE` has read in it.
        now: The transaction's time.
    """

    def __init__(self, execute: Execute, row: tuple[Any, ...], now: float) -> None:
        number, *stored = row
        self._stored = tuple(stored)
        super().__init__(execute, number, QueueRow(**read(self._stored, QUEUE)))
        self.queue.now = now
        self._lanes: dict[str, LaneRow] = {}
        self._changed: dict[str, LaneRow] = {}

    # Jobs

    def add_job(self, job: JobRow) -> None:
        values = [getattr(job, name) for name in JOB]
        self._execute(_ADD_JOB, (self._number, *values, job.place))

    def put_job(self, job: JobRow) -> None:
        values = [getattr(job, name) for name in JOB_CHANGES]
        self._execute(_PUT_JOB, (*values, self._number, job.id))

    def drop_job(self, job: JobRow) -> None:
        self._execute("DELETE FROM jobs WHERE queue = ? AND id = ?", (self._number, job.id))

    def job(self, job_id: str) -> JobRow | None:
        return self._first_job("AND id = ?", job_id)

    def head(self, lane: str) -> JobRow | None:
        return self._first_job("AND lane = ? AND state = 'ready' ORDER BY place, id LIMIT 1", lane)

    def ready_jobs(self, lane: str, offset: int, limit: int) -> Sequence[JobRow]:
        return self._some_jobs(
            "AND lane = ? AND state = 'ready' ORDER BY place, id LIMIT ? OFFSET ?", lane, limit, offset
        )

    def ahead(self, job: JobRow) -> int:
        query = "SELECT count(*) FROM jobs WHERE queue = ? AND lane = ? AND state = 'ready' AND (place, id) < (?, ?)"
        return int(self._execute(query, (self._number, job.lane, job.place, job.id)).fetchone()[0])

    def living_jobs(self, after: str, limit: int) -> Sequence[JobRow]:
        return self._some_jobs("AND id > ? AND state <> 'dead' ORDER BY id LIMIT ?", after, limit)

    def all_jobs(self, after: str, limit: int) -> Sequence[JobRow]:
        return self._some_jobs("AND id > ? ORDER BY id LIMIT ?", after, limit)

    def _first_job(self, where: str, *values: Any) -> JobRow | None:
        jobs = self._some_jobs(where, *values)
        return jobs[0] if jobs else None

    def _some_jobs(self, where: str, *values: Any) -> Sequence[JobRow]:
        rows = self._execute(f"{_SELECT_JOB} {where}", (self._number, *values)).fetchall()
        return [JobRow(*row) for row in rows]

    # What jobs hold, and what they leave

    def holder(self, dedup_key: str) -> tuple[str, float | None] | None:
        query = "SELECT job, until FROM holders WHERE queue = ? AND key = ?"
        holder: tuple[str, float | None] | None = self._execute(query, (self._number, dedup_key)).fetchone()
        return holder

    def hold(self, dedup_key: str, job_id: str, until: float | None) -> None:
        self._execute(_HOLD, (self._number, dedup_key, job_id, until))

    def let_go(self, dedup_key: str, job_id: str) -> None:
        query = "DELETE FROM holders WHERE queue = ? AND key = ? AND job = ?"
        self._execute(query, (self._number, dedup_key, job_id))

    def holders(self, after: str, limit: int) -> Sequence[tuple[str, str]]:
        query = "SELECT key, job FROM holders WHERE queue = ? AND key > ? ORDER BY key LIMIT ?"
        return self._execute(query, (self._number, after, limit)).fetchall()

    def add_letter(self, letter: LetterRow) -> None:
        names = "queue, id, died_at, until, kind, reason, error, traceback"
        values = (self._number, letter.id, letter.died_at, letter.until, *asdict(letter.death).values())
        self._execute(f"INSERT INTO letters ({names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)

    def drop_letter(self, job_id: str) -> None:
        self._execute("DELETE FROM letters WHERE queue = ? AND id = ?", (self._number, job_id))

    def letter(self, job_id: str) -> LetterRow | None:
        letters = self._some_letters("AND id = ?", job_id)
        return letters[0] if letters else None

    def letters(self, after: tuple[float, str], limit: int) -> Sequence[LetterRow]:
        if limit <= 0:
            return []
        return self._some_letters("AND (died_at, id) > (?, ?) ORDER BY died_at, id LIMIT ?", *after, limit)

    def _some_letters(self, where: str, *values: Any) -> list[LetterRow]:
        rows = self._execute(f"{_SELECT_LETTER} {where}", (self._number, *values)).fetchall()
        return [
            LetterRow(job_id, died_at, until, Death(kind=kind, reason=reason, error=error, traceback=traceback))
            for job_id, died_at, until, kind, reason, error, traceback in rows
        ]

    # Schedules

    def schedule(self, name: str) -> ScheduleRow | None:
        row = self._execute(f"{_SELECT_SCHEDULE} AND name = ?", (self._number, name)).fetchone()
        return ScheduleRow(*row) if row else None

    def schedules(self) -> Iterable[ScheduleRow]:
        return [ScheduleRow(*row) for row in self._execute(_SELECT_SCHEDULE, (self._number,)).fetchall()]

    def put_schedule(self, schedule: ScheduleRow) -> None:
        self._execute(_PUT_SCHEDULE, (self._number, schedule.name, schedule.text, schedule.look_at))

    def drop_schedule(self, name: str) -> None:
        self._execute("DELETE FROM schedules WHERE queue = ? AND name = ?", (self._number, name))

    def shrink(self) -> None:
        """Do nothing: it is the database's own affair."""

    # Lanes

    def lane(self, key: str) -> LaneRow | None:
        if key in self._lanes:
            return self._lanes[key]
        row = self._execute(f"{_SELECT_LANE} AND key = ?", (self._number, key)).fetchone()
        return self._seen(row) if row else None

    def put_lane(self, lane: LaneRow) -> None:
        self._lanes[lane.key] = self._changed[lane.key] = lane

    def drop_lane(self, lane: LaneRow) -> None:
        self._lanes.pop(lane.key, None)
        self._changed.pop(lane.key, None)
        self._execute("DELETE FROM lanes WHERE queue = ? AND key = ?", (self._number, lane.key))
        self.drop_times(lane.key)

    def next_lane(self) -> LaneRow | None:
        return self._first_lane(_NEXT_LANE)

    def waiting(self, after: Place | None = None) -> Iterator[tuple[float, int, str]]:
        self._flush()
        place, size = after or (-math.inf, 0), _FIRST_PAGE
        while True:
            values = (self._number, self.queue.generation, *place, size)
            page = self._execute(_WAITING_LANES, values).fetchall()
            yield from page
            if len(page) < size:
                return
            place, size = page[-1][:2], min(4 * size, _PAGE)

    def some_of(self, keys: Iterable[str], limit: int) -> Sequence[LaneRow]:
        self._flush()
        left, found = iter(keys), []
        while asked := list(islice(left, _ASKED_FOR)):
            # One statement for all, so that it is prepared once.
            asked += asked[-1:] * (_ASKED_FOR - len(asked))
            rows = self._execute(_SOME_OF, (self._number, self.queue.generation, *asked, limit)).fetchall()
            found += [self._seen(row) for row in rows]
        return sorted(found, key=lambda lane: (lane.tag, lane.order))[:limit]

    def stale_lane(self) -> LaneRow | None:
        return self._first_lane(_STALE_LANE)

    def _first_lane(self, query: str) -> LaneRow | None:
        self._flush()
        row = self._execute(query, (self._number, self.queue.generation)).fetchone()
        return self._seen(row) if row else None

    def lanes_ahead(self, lane: LaneRow) -> int:
        self._flush()
        before = 'generation = ? AND (tag, "order") < (?, ?)'
        ahead = self._count(before, lane.generation, lane.tag, lane.order)
        if lane.generation != self.queue.generation:
            # Those of the queue's generation are served first.
            ahead += self._count("(generation = ? OR generation < ?)", self.queue.generation, lane.generation)
        return ahead

    def _count(self, where: str, *values: Any) -> int:
        return int(self._execute(f"{_COUNT_WAITING} AND {where}", (self._number, *values)).fetchone()[0])

    def lanes(self) -> Iterable[LaneRow]:
        self._flush()
        for row in self._execute(_SELECT_LANE, (self._number,)):
            yield self._seen(row)

    def count_lanes(self) -> dict[str, int]:
        lanes, backlogged, blocked = self._execute(_COUNT_LANES, (self._number,)).fetchone()
        return {"lanes": lanes, "backlogged": backlogged, "blocked": blocked}

    def _seen(self, row: tuple[Any, ...]) -> LaneRow:
        lane = LaneRow(**read(row, LANE))
        return self._lanes.setdefault(lane.key, lane)

    def _flush(self) -> None:
        for lane in self._changed.values():
            self._execute(_PUT_LANE, (self._number, *write(lane, LANE)))
        self._changed.clear()

    def finish(self) -> None:
        """Write what has changed and is not written."""
        self._flush()
        now = write(self.queue, QUEUE)
        if now != self._stored:
            self._execute(_PUT_QUEUE, (*now, self._number))
