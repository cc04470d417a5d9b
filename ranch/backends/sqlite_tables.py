"""How the rows of queues lie in an SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Final

from attrs import fields

from ranch.backends.rows import COUNTERS, JobRow, LaneRow, QueueRow

#: The layout of the file; raised when the tables change.
LAYOUT: Final = 3

TABLES: Final = """
CREATE TABLE IF NOT EXISTS queues (
    queue INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
    virtual REAL NOT NULL DEFAULT 0, tick INTEGER NOT NULL DEFAULT 0, last_id INTEGER NOT NULL DEFAULT 0,
    strategy TEXT NOT NULL DEFAULT '', generation INTEGER NOT NULL DEFAULT 0, moving INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS lanes (
    queue INTEGER NOT NULL, key TEXT NOT NULL, weight REAL NOT NULL, set_weight REAL NOT NULL, tags TEXT NOT NULL,
    data TEXT NOT NULL, tag REAL NOT NULL, "order" INTEGER NOT NULL, generation INTEGER NOT NULL,
    pending INTEGER NOT NULL, delayed INTEGER NOT NULL,
    leased INTEGER NOT NULL, enqueued INTEGER NOT NULL, claimed INTEGER NOT NULL, acked INTEGER NOT NULL,
    released INTEGER NOT NULL, reclaimed INTEGER NOT NULL, mean_time REAL, PRIMARY KEY (queue, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ready ON lanes (queue, generation, tag, "order") WHERE pending > 0;
CREATE TABLE IF NOT EXISTS jobs (
    queue INTEGER NOT NULL, id TEXT NOT NULL, lane TEXT NOT NULL, body BLOB NOT NULL, content_type TEXT NOT NULL,
    priority INTEGER NOT NULL, cost REAL NOT NULL, enqueued_at REAL NOT NULL, due_at REAL NOT NULL,
    attempts INTEGER NOT NULL, reclaims INTEGER NOT NULL, state TEXT NOT NULL, at REAL NOT NULL, token TEXT NOT NULL,
    bid REAL, place REAL NOT NULL, PRIMARY KEY (queue, id)
);
CREATE INDEX IF NOT EXISTS places ON jobs (queue, lane, place, id) WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS timers ON jobs (queue, at, state, id) WHERE state <> 'ready';
"""

_LANE: Final = ("key", "weight", "set_weight", "tags", "data", "tag", "order", "generation", *COUNTERS, "mean_time")
_JOB: Final = tuple(field.name for field in fields(JobRow))
#: What changes in the life of a job.
_JOB_CHANGES: Final = ("due_at", "attempts", "reclaims", "state", "at", "token", "place")

_SELECT_LANE: Final = "SELECT " + ", ".join(f'"{name}"' for name in _LANE) + " FROM lanes WHERE queue = ?"
_PUT_LANE: Final = (
    "INSERT INTO lanes (queue, " + ", ".join(f'"{name}"' for name in _LANE) + f") VALUES (?{', ?' * len(_LANE)}) "
    "ON CONFLICT (queue, key) DO UPDATE SET " + ", ".join(f'"{name}" = excluded."{name}"' for name in _LANE[1:])
)
_NEXT_LANE: Final = f'{_SELECT_LANE} AND generation = ? AND pending > 0 ORDER BY tag, "order" LIMIT 1'
_STALE_LANE: Final = f'{_SELECT_LANE} AND generation < ? AND pending > 0 ORDER BY generation, tag, "order" LIMIT 1'
_QUEUE: Final = ("virtual", "tick", "last_id", "strategy", "generation", "moving")
_SELECT_QUEUE: Final = f"SELECT {', '.join(_QUEUE)} FROM queues WHERE queue = ?"
_PUT_QUEUE: Final = f"UPDATE queues SET {', '.join(f'{name} = ?' for name in _QUEUE)} WHERE queue = ?"
_SELECT_JOB: Final = f"SELECT {', '.join(_JOB)} FROM jobs WHERE queue = ?"
_ADD_JOB: Final = f"INSERT INTO jobs (queue, {', '.join(_JOB)}, place) VALUES (?{', ?' * len(_JOB)}, ?)"
_PUT_JOB: Final = f"UPDATE jobs SET {', '.join(f'{name} = ?' for name in _JOB_CHANGES)} WHERE queue = ? AND id = ?"


class SQLiteTables:
    """The rows of one queue in an open transaction; lanes are written when an index is asked, or at the end."""

    def __init__(self, connection: sqlite3.Connection, number: int, now: float) -> None:
        self._execute = connection.execute
        self._number = number
        self._stored = self._execute(_SELECT_QUEUE, (number,)).fetchone()
        self.queue = QueueRow(*self._stored)
        self.queue.now = now
        self._lanes: dict[str, LaneRow] = {}
        self._changed: dict[str, LaneRow] = {}

    def add_job(self, job: JobRow) -> None:
        values = [getattr(job, name) for name in _JOB]
        self._execute(_ADD_JOB, (self._number, *values, job.place))

    def put_job(self, job: JobRow) -> None:
        values = [getattr(job, name) for name in _JOB_CHANGES]
        self._execute(_PUT_JOB, (*values, self._number, job.id))

    def drop_job(self, job: JobRow) -> None:
        self._execute("DELETE FROM jobs WHERE queue = ? AND id = ?", (self._number, job.id))

    def job(self, job_id: str) -> JobRow | None:
        return self._one_job("AND id = ?", job_id)

    def head(self, lane: str) -> JobRow | None:
        return self._one_job("AND lane = ? AND state = 'ready' ORDER BY place, id LIMIT 1", lane)

    def _one_job(self, where: str, value: str) -> JobRow | None:
        row = self._execute(f"{_SELECT_JOB} {where}", (self._number, value)).fetchone()
        return JobRow(*row) if row else None

    def due(self, limit: int) -> Sequence[JobRow]:
        rows = self._execute(
            f"{_SELECT_JOB} AND state <> 'ready' AND at <= ? ORDER BY at, state, id LIMIT ?",
            (self._number, self.queue.now, limit),
        )
        return [JobRow(*row) for row in rows.fetchall()]

    def next_at(self) -> float | None:
        row = self._execute(
            "SELECT at FROM jobs WHERE queue = ? AND state <> 'ready' ORDER BY at, state, id LIMIT 1",
            (self._number,),
        ).fetchone()
        return row[0] if row else None

    def lane(self, key: str) -> LaneRow | None:
        if key in self._lanes:
            return self._lanes[key]
        row = self._execute(f"{_SELECT_LANE} AND key = ?", (self._number, key)).fetchone()
        return self._seen(row) if row else None

    def put_lane(self, lane: LaneRow) -> None:
        self._lanes[lane.key] = self._changed[lane.key] = lane

    def next_lane(self) -> LaneRow | None:
        return self._first_lane(_NEXT_LANE)

    def stale_lane(self) -> LaneRow | None:
        return self._first_lane(_STALE_LANE)

    def _first_lane(self, query: str) -> LaneRow | None:
        self._flush()
        row = self._execute(query, (self._number, self.queue.generation)).fetchone()
        return self._seen(row) if row else None

    def lanes(self) -> Iterable[LaneRow]:
        self._flush()
        for row in self._execute(_SELECT_LANE, (self._number,)):
            yield self._seen(row)

    def count_lanes(self) -> dict[str, int]:
        names = [*COUNTERS, "lanes", "backlogged"]
        sums = ", ".join(f"total({name})" for name in COUNTERS)
        row = self._execute(
            f"SELECT {sums}, count(*), total(pending > 0) FROM lanes WHERE queue = ?",
            (self._number,),
        ).fetchone()
        return {name: int(value) for name, value in zip(names, row, strict=True)}

    def _seen(self, row: tuple[Any, ...]) -> LaneRow:
        key = row[0]
        if key not in self._lanes:
            values = dict(zip(_LANE, row, strict=True))
            values["tags"], values["data"] = json.loads(values["tags"]), json.loads(values["data"])
            self._lanes[key] = LaneRow(**values)
        return self._lanes[key]

    def _flush(self) -> None:
        for lane in self._changed.values():
            values = {name: getattr(lane, name) for name in _LANE}
            values["tags"], values["data"] = json.dumps(values["tags"]), json.dumps(values["data"])
            self._execute(_PUT_LANE, (self._number, *values.values()))
        self._changed.clear()

    def finish(self) -> None:
        """Write what has changed and is not written."""
        self._flush()
        queue = self.queue
        now = (queue.virtual, queue.tick, queue.last_id, queue.strategy, queue.generation, queue.moving)
        if now != self._stored:
            self._execute(_PUT_QUEUE, (*now, self._number))
