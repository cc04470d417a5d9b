"""Jobs in an SQLite file: one host, any number of processes, durable, no server; the embedded default."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import uniform
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlsplit

from attrs import fields

from ranch.backends.local import COUNTERS, JobRow, LaneRow, LocalBackend, LocalLanes, QueueRow
from ranch.exceptions import BackendError, BackendUnavailable, ConfigError
from ranch.typing import Clock, Strategy

R = TypeVar("R")

#: The layout of the file; raised when the tables change.
LAYOUT: Final = 1

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS queues (
    queue INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
    virtual REAL NOT NULL DEFAULT 0, tick INTEGER NOT NULL DEFAULT 0, last_id INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS lanes (
    queue INTEGER NOT NULL, key TEXT NOT NULL, weight REAL NOT NULL, tags TEXT NOT NULL, data TEXT NOT NULL,
    tag REAL NOT NULL, "order" INTEGER NOT NULL, pending INTEGER NOT NULL, delayed INTEGER NOT NULL,
    leased INTEGER NOT NULL, enqueued INTEGER NOT NULL, claimed INTEGER NOT NULL, acked INTEGER NOT NULL,
    released INTEGER NOT NULL, reclaimed INTEGER NOT NULL, PRIMARY KEY (queue, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ready ON lanes (queue, tag, "order") WHERE pending > 0;
CREATE TABLE IF NOT EXISTS jobs (
    queue INTEGER NOT NULL, id TEXT NOT NULL, lane TEXT NOT NULL, body BLOB NOT NULL, content_type TEXT NOT NULL,
    priority INTEGER NOT NULL, cost REAL NOT NULL, enqueued_at REAL NOT NULL, due_at REAL NOT NULL,
    attempts INTEGER NOT NULL, reclaims INTEGER NOT NULL, state TEXT NOT NULL, at REAL NOT NULL, token TEXT NOT NULL,
    place REAL NOT NULL, PRIMARY KEY (queue, id)
);
CREATE INDEX IF NOT EXISTS places ON jobs (queue, lane, place, id) WHERE state = 'ready';
CREATE INDEX IF NOT EXISTS timers ON jobs (queue, at, state, id) WHERE state <> 'ready';
"""

_LANE: Final = ("key", "weight", "tags", "data", "tag", "order", *COUNTERS)
_JOB: Final = tuple(field.name for field in fields(JobRow))
#: What changes in the life of a job.
_JOB_CHANGES: Final = ("due_at", "attempts", "reclaims", "state", "at", "token", "place")

_SELECT_LANE: Final = "SELECT " + ", ".join(f'"{name}"' for name in _LANE) + " FROM lanes WHERE queue = ?"
_PUT_LANE: Final = (
    "INSERT INTO lanes (queue, " + ", ".join(f'"{name}"' for name in _LANE) + f") VALUES (?{', ?' * len(_LANE)}) "
    "ON CONFLICT (queue, key) DO UPDATE SET " + ", ".join(f'"{name}" = excluded."{name}"' for name in _LANE[1:])
)
_SELECT_JOB: Final = f"SELECT {', '.join(_JOB)} FROM jobs WHERE queue = ?"
_ADD_JOB: Final = f"INSERT INTO jobs (queue, {', '.join(_JOB)}, place) VALUES (?{', ?' * len(_JOB)}, ?)"
_PUT_JOB: Final = f"UPDATE jobs SET {', '.join(f'{name} = ?' for name in _JOB_CHANGES)} WHERE queue = ? AND id = ?"

# How long to wait before asking again for a lock that another process holds, and for a change, in seconds. SQLite's
# own busy handler sleeps up to 100 ms and is unfair: with eight processes the worst claim took a second.
_LOCK_PAUSE: Final = (0.0002, 0.002)
_WAIT_PAUSE: Final = 0.005


class SQLiteTables:
    """The rows of one queue in an open transaction; lanes are written when an index is asked, or at the end."""

    def __init__(self, connection: sqlite3.Connection, number: int, now: float) -> None:
        self._execute = connection.execute
        self._number = number
        virtual, tick, last_id = self._execute(
            "SELECT virtual, tick, last_id FROM queues WHERE queue = ?", (number,)
        ).fetchone()
        self.queue = QueueRow(virtual, tick, last_id, now)
        self._stored = (virtual, tick, last_id)
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
        self._flush()
        row = self._execute(f'{_SELECT_LANE} AND pending > 0 ORDER BY tag, "order" LIMIT 1', (self._number,)).fetchone()
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
        now = (self.queue.virtual, self.queue.tick, self.queue.last_id)
        if now != self._stored:
            self._execute(
                "UPDATE queues SET virtual = ?, tick = ?, last_id = ? WHERE queue = ?",
                (*now, self._number),
            )


class SQLiteBackend(LocalBackend):
    """Keeps queues in one file, in WAL mode.

    Any number of threads and processes of one host may work on it; one of them writes at a time. Not for network file
    systems. A killed process loses nothing that was committed; with ``synchronous="NORMAL"`` a power cut may lose the
    last commits, never damage the file; ``"FULL"`` waits for the disk at each.

    Args:
        url: ``sqlite:///relative.db``, from the working directory, or ``sqlite:////absolute.db``.
        synchronous: ``"NORMAL"`` or ``"FULL"``.
        lock_timeout: Seconds to wait for the file while others write, before `BackendUnavailable`.
        clock: The time; by default the host's.
    """

    def __init__(
        self,
        url: str,
        *,
        synchronous: str = "NORMAL",
        lock_timeout: float = 30.0,
        clock: Clock = time.time,
    ) -> None:
        self.path = _path(url)
        if synchronous not in {"NORMAL", "FULL"}:
            raise ConfigError(f"synchronous is 'NORMAL' or 'FULL', not {synchronous!r}", where=url)
        self._synchronous = synchronous
        self._lock_timeout = lock_timeout
        self._clock = clock
        self._forget()

    def _forget(self) -> None:
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._numbers: dict[str, int] = {}

    def lanes(self, queue: str, strategy: Strategy) -> LocalLanes:
        return LocalLanes(strategy, partial(self._begin, queue), partial(self._wait, queue))

    @contextmanager
    def _begin(self, queue: str) -> Iterator[SQLiteTables]:
        with self._open() as connection:
            self._patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
            try:
                tables = SQLiteTables(connection, self._number(connection, queue), round(self._clock(), 3))
                yield tables
                tables.finish()
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                self._numbers.clear()  # one may have come from what was rolled back
                raise

    def _number(self, connection: sqlite3.Connection, queue: str) -> int:
        if queue not in self._numbers:
            connection.execute("INSERT OR IGNORE INTO queues (name) VALUES (?)", (queue,))
            (self._numbers[queue],) = connection.execute("SELECT queue FROM queues WHERE name = ?", (queue,)).fetchone()
        return self._numbers[queue]

    def _wait(self, queue: str, timeout: float, tick: int) -> None:
        until = time.monotonic() + timeout
        while (left := until - time.monotonic()) > 0:
            with self._open() as connection:
                row = connection.execute("SELECT tick FROM queues WHERE name = ?", (queue,)).fetchone()
            if row and row[0] != tick:
                return
            time.sleep(min(_WAIT_PAUSE, left))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Give this process's connection, to one thread at a time, and turn SQLite's errors into ours."""
        if os.getpid() != self._process:
            # A connection must not be used on the other side of a fork, and not be closed there either.
            _inherited.append(self._connection)
            self._forget()
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._patiently(self._connect)
                yield self._connection
            except sqlite3.OperationalError as exc:
                raise BackendUnavailable(f"SQLite file {self.path}: {exc}") from exc
            except sqlite3.Error as exc:
                raise BackendError(f"SQLite file {self.path}: {exc}") from exc

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=0)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute("BEGIN IMMEDIATE")
            self._lay_out(connection)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _lay_out(self, connection: sqlite3.Connection) -> None:
        (layout,) = connection.execute("PRAGMA user_version").fetchone()
        if layout not in {0, LAYOUT}:
            raise BackendError(f"SQLite file {self.path} has layout {layout}, this version of ranch knows {LAYOUT}")
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {LAYOUT}")

    def _patiently(self, action: Callable[[], R]) -> R:
        """Do something that needs the lock on the file, again and again until it is free."""
        until = time.monotonic() + self._lock_timeout
        while True:
            try:
                return action()
            except sqlite3.OperationalError as exc:
                if "locked" not in str(exc) or time.monotonic() > until:
                    raise
                time.sleep(uniform(*_LOCK_PAUSE))

    def close(self) -> None:
        """Close this process's connection; the next operation opens one."""
        if os.getpid() == self._process:
            with self._lock:
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None

    async def aclose(self) -> None:
        """Do as `close`."""
        self.close()


#: Connections that came over a fork, kept so that nothing closes them.
_inherited: list[sqlite3.Connection | None] = []


def _path(url: str) -> str:
    parts = urlsplit(url)
    path = unquote(parts.path.removeprefix("/"))
    if parts.netloc or parts.query or parts.fragment or not path:
        raise ConfigError(
            f"{url!r}: expected sqlite:///relative/path.db or, with four slashes, sqlite:////absolute/path.db",
            where="backend",
        )
    # Absolute at once: a daemon may change its working directory later.
    return str(Path(path).absolute())
