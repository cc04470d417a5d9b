"""How the rows of queues lie in an SQLite file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import fields

from ranch.backends.rows import COUNTERS, JobRow, LaneRow, QueueRow
from ranch.limits import NONE, Limits, Rate

#: The layout of the file; raised when the tables change.
LAYOUT: Final = 4

#: The columns of each table, by the fields of its row; a queue's time is the transaction's.
JOB: Final = tuple(field.name for field in fields(JobRow))
LANE: Final = tuple(field.name for field in fields(LaneRow))
QUEUE: Final = tuple(field.name for field in fields(QueueRow) if field.name != "now")
#: What changes in the life of a job.
JOB_CHANGES: Final = (
    *("due_at", "attempts", "reclaims", "failures", "state", "at", "token", "expires_at"),
    "place",
)

_COUNTERS: Final = ", ".join(f"{name} INTEGER NOT NULL DEFAULT 0" for name in COUNTERS)

TABLES: Final = f"""
CREATE TABLE IF NOT EXISTS queues (
    queue INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, {_COUNTERS},
    virtual REAL NOT NULL DEFAULT 0, tick INTEGER NOT NULL DEFAULT 0, last_id INTEGER NOT NULL DEFAULT 0,
    strategy TEXT NOT NULL DEFAULT '', generation INTEGER NOT NULL DEFAULT 0, moving INTEGER NOT NULL DEFAULT 0,
    limits TEXT NOT NULL DEFAULT '', full_at REAL NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS lanes (
    queue INTEGER NOT NULL, key TEXT NOT NULL, {_COUNTERS}, weight REAL NOT NULL, set_weight REAL NOT NULL,
    tags TEXT NOT NULL, data TEXT NOT NULL, tag REAL NOT NULL, "order" INTEGER NOT NULL, generation INTEGER NOT NULL,
    mean_time REAL, limits TEXT NOT NULL, blocked TEXT NOT NULL, full_at REAL NOT NULL, look_at REAL, idle_at REAL,
    idle_order INTEGER NOT NULL, PRIMARY KEY (queue, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ready ON lanes (queue, generation, tag, "order") WHERE pending > 0 AND blocked = '';
CREATE TABLE IF NOT EXISTS jobs (
    queue INTEGER NOT NULL, id TEXT NOT NULL, lane TEXT NOT NULL, body BLOB NOT NULL, content_type TEXT NOT NULL,
    priority INTEGER NOT NULL, cost REAL NOT NULL, enqueued_at REAL NOT NULL, due_at REAL NOT NULL,
    attempts INTEGER NOT NULL, reclaims INTEGER NOT NULL, failures INTEGER NOT NULL, state TEXT NOT NULL,
    at REAL NOT NULL, token TEXT NOT NULL, bid REAL, expires_at REAL, lease REAL, dedup_key TEXT, place REAL NOT NULL,
    PRIMARY KEY (queue, id)
);
CREATE INDEX IF NOT EXISTS places ON jobs (queue, lane, place, id) WHERE state = 'ready';
CREATE TABLE IF NOT EXISTS timers (
    queue INTEGER NOT NULL, at REAL NOT NULL, timer TEXT NOT NULL, PRIMARY KEY (queue, at, timer)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS holders (
    queue INTEGER NOT NULL, key TEXT NOT NULL, job TEXT NOT NULL, until REAL, PRIMARY KEY (queue, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS letters (
    queue INTEGER NOT NULL, died_at REAL NOT NULL, id TEXT NOT NULL, until REAL, kind TEXT NOT NULL,
    reason TEXT NOT NULL, error TEXT NOT NULL, traceback TEXT NOT NULL, PRIMARY KEY (queue, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS oldest ON letters (queue, died_at, id);
"""


def columns(names: tuple[str, ...]) -> str:
    """Return names as SQL lists them."""
    return ", ".join(f'"{name}"' for name in names)


def _read_limits(text: str) -> Limits:
    if not text:
        return NONE
    limits = json.loads(text)
    if "rate" in limits:
        limits["rate"] = Rate(**limits["rate"])
    return Limits(**limits)


#: What is stored as text, and how it is written and read.
_TEXTS: Final[Mapping[str, tuple[Callable[[Any], str], Callable[[str], Any]]]] = {
    "tags": (json.dumps, json.loads),
    "data": (json.dumps, json.loads),
    "limits": (lambda limits: "" if limits is NONE else json.dumps(limits.as_dict()), _read_limits),
}


def write(row: LaneRow | QueueRow, names: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the values of a row's columns."""
    return tuple([_TEXTS[n][0](getattr(row, n)) if n in _TEXTS else getattr(row, n) for n in names])


def read(values: tuple[Any, ...], names: tuple[str, ...]) -> dict[str, Any]:
    """Return a row's fields."""
    return {n: _TEXTS[n][1](v) if n in _TEXTS else v for n, v in zip(names, values, strict=True)}
