"""How the rows of queues lie in the tables of a database that speaks SQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import fields, frozen

from ranch.backends.job_rows import JobRow
from ranch.backends.rows import COUNTERS, LaneRow, QueueRow
from ranch.limits import NONE, Limits, Rate

#: The layout of the tables; raised when they change.
LAYOUT: Final = 9

#: The columns of each table, by the fields of its row; a queue's time is the transaction's.
JOB: Final = tuple(field.name for field in fields(JobRow))
LANE: Final = tuple(field.name for field in fields(LaneRow))
QUEUE: Final = tuple(field.name for field in fields(QueueRow) if field.name != "now")
#: What changes in the life of a job.
JOB_CHANGES: Final = (
    *("due_at", "attempts", "reclaims", "failures", "state", "at", "token", "expires_at"),
    "place",
)


@frozen(kw_only=True)
class Dialect:
    """What a database calls things."""

    integer: str
    real: str
    text: str
    bytes: str
    boolean: str
    #: The type of a key that numbers its rows from 1 on.
    number: str
    #: What may follow the columns of a table that is looked up by its primary key only.
    by_key: str = ""


def statements(dialect: Dialect) -> list[str]:
    """Return what makes the tables and indexes that are not there. Texts have to be sorted by their bytes."""
    integer, real, text = dialect.integer, dialect.real, dialect.text
    counters = ", ".join(f"{name} {integer} NOT NULL DEFAULT 0" for name in COUNTERS)
    return [
        f"""CREATE TABLE IF NOT EXISTS queues (
            queue {dialect.number} PRIMARY KEY, name {text} NOT NULL UNIQUE, {counters},
            virtual {real} NOT NULL DEFAULT 0, virtuals {text} NOT NULL DEFAULT '{{}}',
            tick {integer} NOT NULL DEFAULT 0, last_id {integer} NOT NULL DEFAULT 0,
            strategy {text} NOT NULL DEFAULT '', generation {integer} NOT NULL DEFAULT 0,
            moving {dialect.boolean} NOT NULL DEFAULT FALSE, limits {text} NOT NULL DEFAULT '',
            full_at {real} NOT NULL DEFAULT 0, chores_at {real}
        )""",
        f"""CREATE TABLE IF NOT EXISTS lanes (
            queue {integer} NOT NULL, key {text} NOT NULL, {counters}, weight {real} NOT NULL,
            set_weight {real} NOT NULL, tags {text} NOT NULL, data {text} NOT NULL, tag {real} NOT NULL,
            "order" {integer} NOT NULL, generation {integer} NOT NULL, mean_time {real}, limits {text} NOT NULL,
            blocked {text} NOT NULL, full_at {real} NOT NULL, look_at {real}, idle_at {real},
            idle_order {integer} NOT NULL, PRIMARY KEY (queue, key)
        ){dialect.by_key}""",
        """CREATE INDEX IF NOT EXISTS ready ON lanes (queue, generation, tag, "order")
            WHERE pending > 0 AND blocked = ''""",
        f"""CREATE TABLE IF NOT EXISTS jobs (
            queue {integer} NOT NULL, id {text} NOT NULL, lane {text} NOT NULL, body {dialect.bytes} NOT NULL,
            content_type {text} NOT NULL, priority {integer} NOT NULL, cost {real} NOT NULL,
            enqueued_at {real} NOT NULL, due_at {real} NOT NULL, attempts {integer} NOT NULL,
            reclaims {integer} NOT NULL, failures {integer} NOT NULL, state {text} NOT NULL, at {real} NOT NULL,
            token {text} NOT NULL, bid {real}, expires_at {real}, lease {real}, dedup_key {text},
            result_ttl {real}, place {real} NOT NULL, PRIMARY KEY (queue, id)
        )""",
        "CREATE INDEX IF NOT EXISTS places ON jobs (queue, lane, place, id) WHERE state = 'ready'",
        f"""CREATE TABLE IF NOT EXISTS timers (
            queue {integer} NOT NULL, at {real} NOT NULL, timer {text} NOT NULL, PRIMARY KEY (queue, at, timer)
        ){dialect.by_key}""",
        f"""CREATE TABLE IF NOT EXISTS holders (
            queue {integer} NOT NULL, key {text} NOT NULL, job {text} NOT NULL, until {real}, PRIMARY KEY (queue, key)
        ){dialect.by_key}""",
        f"""CREATE TABLE IF NOT EXISTS letters (
            queue {integer} NOT NULL, died_at {real} NOT NULL, id {text} NOT NULL, until {real}, kind {text} NOT NULL,
            reason {text} NOT NULL, error {text} NOT NULL, traceback {text} NOT NULL, PRIMARY KEY (queue, id)
        ){dialect.by_key}""",
        "CREATE INDEX IF NOT EXISTS oldest ON letters (queue, died_at, id)",
        f"""CREATE TABLE IF NOT EXISTS schedules (
            queue {integer} NOT NULL, name {text} NOT NULL, text {text} NOT NULL, look_at {real},
            PRIMARY KEY (queue, name)
        ){dialect.by_key}""",
        f"""CREATE TABLE IF NOT EXISTS outcomes (
            queue {integer} NOT NULL, id {text} NOT NULL, until {real} NOT NULL, how {text} NOT NULL,
            content_type {text} NOT NULL, body {dialect.bytes} NOT NULL, PRIMARY KEY (queue, id)
        )""",
        "CREATE INDEX IF NOT EXISTS outdated ON outcomes (queue, until)",
        f"""CREATE TABLE IF NOT EXISTS times (
            queue {integer} NOT NULL, lane {text} NOT NULL, counts {text} NOT NULL, PRIMARY KEY (queue, lane)
        ){dialect.by_key}""",
    ]


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
    "virtuals": (json.dumps, json.loads),
    "limits": (lambda limits: "" if limits is NONE else json.dumps(limits.as_dict()), _read_limits),
}


def write(row: LaneRow | QueueRow, names: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the values of a row's columns."""
    return tuple([_TEXTS[n][0](getattr(row, n)) if n in _TEXTS else getattr(row, n) for n in names])


def read(values: tuple[Any, ...], names: tuple[str, ...]) -> dict[str, Any]:
    """Return a row's fields."""
    return {n: _TEXTS[n][1](v) if n in _TEXTS else v for n, v in zip(names, values, strict=True)}
