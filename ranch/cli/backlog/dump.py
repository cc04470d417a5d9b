"""Reading a backlog out of its store, into the lines of a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from uuid import uuid4

from ranch.choice import StrategyChoice
from ranch.cli.backlog.lines import VERSION, End, Head, LaneLine, write_line
from ranch.cli.backlog.recurring import ScheduleLine
from ranch.cli.backlog.stored import DeadLine, JobLine
from ranch.cli.looks import each_lane
from ranch.queue import Queue


class Dump:
    """What is written of a queue.

    Args:
        queue: The queue. What comes and goes in it meanwhile may be missing, so it had better be paused.
        choice: Its strategy.
        step: Called for each lane, schedule, letter and job that was read.
    """

    def __init__(self, queue: Queue, choice: StrategyChoice, step: Callable[[], None]) -> None:
        self._queue = queue
        self._choice = choice
        self._step = step
        #: How many jobs were leased: they are written as jobs that wait.
        self.leased = 0
        #: How many of each kind were written.
        self.written = {"lane": 0, "schedule": 0, "dead": 0, "job": 0}

    def lines(self) -> Iterator[str]:
        """Write the whole, line by line."""
        choice = self._choice
        strategy = {"name": choice.name, "options": dict(choice.options), "generation": choice.generation}
        limits = self._queue.limits().as_dict()
        yield write_line(
            Head(version=VERSION, export=uuid4().hex, queue=self._queue.name, strategy=strategy, limits=limits)
        )
        for lane in each_lane(self._queue):
            yield self._counted(write_line(LaneLine.of(lane)), "lane")
        for schedule in self._queue.schedules.list():
            yield self._counted(write_line(ScheduleLine.of(schedule)), "schedule")
        for letter in self._queue.dead.list():
            yield self._counted(write_line(DeadLine.of(letter)), "dead")
        for text in self._jobs():
            yield self._counted(text, "job")
        counts = self.written
        yield write_line(End(lane=counts["lane"], schedule=counts["schedule"], dead=counts["dead"], job=counts["job"]))

    def _jobs(self) -> Iterator[str]:
        """Write the jobs in the order of their places, each once.

        The store gives them in no order, some twice, and there may be more than memory holds: SQLite sorts them, in a
        file of its own that goes with its connection.
        """
        with closing(sqlite3.connect("")) as spool:
            spool.execute("CREATE TABLE job (id TEXT PRIMARY KEY, place REAL, leased INTEGER, line TEXT)")
            for stored in self._queue.jobs():
                if stored.state == "dead":
                    continue
                line = JobLine.of(stored.job, stored.state)
                row = (line.id, line.place, stored.state == "leased", write_line(line))
                spool.execute("INSERT OR REPLACE INTO job VALUES (?, ?, ?, ?)", row)
            (self.leased,) = spool.execute("SELECT COUNT(*) FROM job WHERE leased").fetchone()
            for (text,) in spool.execute("SELECT line FROM job ORDER BY place, id"):
                yield text

    def _counted(self, text: str, kind: str) -> str:
        self.written[kind] += 1
        self._step()
        return text
