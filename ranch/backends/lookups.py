"""The operations in Python that change nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from ranch.answers import JobPage, LetterPage, Standing, StoredJob
from ranch.backends.gates import blocked
from ranch.backends.job_rows import JobRow
from ranch.backends.letter_rows import LetterRow
from ranch.backends.rows import LaneRow, Tables
from ranch.choice import StrategyChoice
from ranch.letters import DeadLetter
from ranch.model import Lane, QueueStats
from ranch.steps import Steps

P = ParamSpec("P")
R = TypeVar("R")
L = TypeVar("L", bound="Lookups")


class Store(Protocol):
    """Where tables are: what a backend gives to those who work on them."""

    def begin(self, queue: str, *, reading: bool = False) -> AbstractContextManager[Tables]:
        """Open the tables of a queue for one transaction, which the end of the block commits and an error undoes.

        Transactions on one queue follow one another, as if each had the queue for itself. One that is `reading` puts
        nothing back: it needs not wait for others, but sees all of the queue as it was at one moment. A queue never
        used is an empty one. The queue's row knows the transaction's time, in seconds, rounded to milliseconds.
        """

    def wait(self, queue: str, timeout: float, tick: int) -> None:
        """Wait until the queue's tick is another one, or `timeout` seconds. It may return early."""

    def wait_for(self, queue: str, job_id: str, timeout: float) -> None:
        """Wait until it is kept how a job has ended, or `timeout` seconds. It may return early."""


def _operation(
    method: Callable[Concatenate[L, Tables, P], R], *, reading: bool
) -> Callable[Concatenate[L, P], Steps[R]]:
    def transact(self: L, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.store.begin(self.queue, reading=reading) as tables:
            return method(self, tables, *args, **kwargs)

    def operation(self: L, /, *args: P.args, **kwargs: P.kwargs) -> Steps[R]:
        result: R = yield partial(transact, self, *args, **kwargs)
        return result

    operation.__name__ = method.__name__
    return operation


def atomic(method: Callable[Concatenate[L, Tables, P], R]) -> Callable[Concatenate[L, P], Steps[R]]:
    """Make an operation, of one step and one transaction, of a method that works on open tables."""
    return _operation(method, reading=False)


def reading(method: Callable[Concatenate[L, Tables, P], R]) -> Callable[Concatenate[L, P], Steps[R]]:
    """Make such an operation of a method that changes nothing."""
    return _operation(method, reading=True)


class Lookups:
    """What can be read of one queue through its tables."""

    def __init__(self, store: Store, queue: str) -> None:
        self.store = store
        self.queue = queue

    @reading
    def find(self, tables: Tables, job_id: str) -> StoredJob | None:
        job = tables.job(job_id)
        return _stored(job, tables.ahead(job) if job.state == "ready" else None) if job else None

    @reading
    def jobs(self, tables: Tables, cursor: str, limit: int, lane: str | None = None) -> JobPage:
        if lane is None:
            jobs = tables.living_jobs(cursor, limit)
            following = jobs[-1].id if jobs else ""
        else:
            offset = int(cursor or 0)
            jobs, following = tables.ready_jobs(lane, offset, limit), str(offset + limit)
        return JobPage(jobs=[_stored(job) for job in jobs], cursor=following if len(jobs) == limit else "")

    @reading
    def letters(self, tables: Tables, cursor: str, limit: int) -> LetterPage:
        at, _, after = cursor.partition("-")
        rows = tables.letters((int(at or 0) / 1000, after), limit)
        following = f"{round(rows[-1].died_at * 1000)}-{rows[-1].id}" if len(rows) == limit else ""
        return LetterPage(letters=[_letter(tables, row) for row in rows], cursor=following)

    @reading
    def letter(self, tables: Tables, job_id: str) -> DeadLetter | None:
        row = tables.letter(job_id)
        return _letter(tables, row) if row else None

    @reading
    def read(self, tables: Tables, keys: Sequence[str]) -> list[Lane]:
        return [(tables.lane(key) or LaneRow(key=key)).read() for key in keys]

    @reading
    def keys(self, tables: Tables, tag: tuple[str, str] | None = None, *, backlogged: bool = False) -> list[str]:
        return sorted(
            lane.key
            for lane in tables.lanes()
            if (tag is None or lane.tags.get(tag[0]) == tag[1]) and (lane.waits or not backlogged)
        )

    @reading
    def standing(self, tables: Tables, lane: str) -> Standing:
        now = tables.queue.now
        row = tables.lane(lane) or LaneRow(key=lane)
        reason, until = blocked(row, now) if row.blocked else ("", None)
        queue_reason, queue_until = blocked(tables.queue, now)
        return Standing(
            rank=row.tag if row.waits else None,
            ahead=tables.lanes_ahead(row) if row.waits else None,
            blocked=row.blocked if reason else "",
            until=until,
            queue_blocked=queue_reason,
            queue_until=queue_until,
        )

    @reading
    def stats(self, tables: Tables) -> QueueStats:
        return QueueStats(**tables.queue.numbers(), **tables.count_lanes())

    @reading
    def read_strategy(self, tables: Tables) -> StrategyChoice | None:
        queue = tables.queue
        return StrategyChoice.read(queue.strategy, queue.generation) if queue.strategy else None


def _stored(job: JobRow, ahead: int | None = None) -> StoredJob:
    at = None if job.state == "ready" else job.at
    return StoredJob(job=job.read(), state=job.state, at=at, owner=job.owner, ahead=ahead)


def _letter(tables: Tables, row: LetterRow) -> DeadLetter:
    job = tables.job(row.id)
    assert job is not None, f"dead letter {row.id} has no job"
    return row.read(job.read())
