"""The operations in Python, for every backend that lives in this process or on this host.

The algorithm is here, once; a backend brings the rows, as `Tables` opened for one transaction at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from attrs import evolve

from ranch.backends.ranking import Ranking
from ranch.backends.rows import SERVED, JobRow, LaneRow, Tables
from ranch.choice import StrategyChoice
from ranch.model import Claim, Job, Lane, LaneUpdate, Lease, NewJob, QueueStats, merged
from ranch.steps import Steps
from ranch.typing import TIMERS_PER_CALL, Strategy

P = ParamSpec("P")
R = TypeVar("R")


def atomic(
    method: Callable[Concatenate[LocalLanes, Tables, P], R],
) -> Callable[Concatenate[LocalLanes, P], Steps[R]]:
    """Make an operation, of one step and one transaction, of a method that works on open tables."""

    def transact(self: LocalLanes, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.begin() as tables:
            return method(self, tables, *args, **kwargs)

    def operation(self: LocalLanes, /, *args: P.args, **kwargs: P.kwargs) -> Steps[R]:
        result: R = yield partial(transact, self, *args, **kwargs)
        return result

    operation.__name__ = method.__name__
    return operation


class LocalLanes:
    """The lanes of one queue, worked on through tables."""

    def __init__(
        self,
        strategy: Strategy,
        choice: StrategyChoice | None,
        begin: Callable[[], AbstractContextManager[Tables]],
        wait: Callable[[float, int], None],
    ) -> None:
        self._ranking = Ranking(strategy, choice or StrategyChoice.of(strategy))
        self.begin = begin
        self._wait = wait

    @atomic
    def enqueue(self, tables: Tables, jobs: Sequence[NewJob]) -> list[Job]:
        self._ranking.agree(tables)
        queue, rows = tables.queue, []
        queue.strategy = self._ranking.text
        for new in jobs:
            queue.last_id += 1
            row = JobRow(
                id=f"{queue.last_id:011x}",
                lane=new.lane,
                body=new.body,
                content_type=new.content_type,
                priority=new.priority,
                cost=new.cost,
                enqueued_at=queue.now,
                due_at=round(queue.now + new.delay, 3),
                state="delayed" if new.delay else "ready",
                bid=new.bid,
            )
            row.at = row.due_at
            tables.add_job(row)
            lane = tables.lane(new.lane) or LaneRow(new.lane)
            lane.enqueued += 1
            if row.state == "delayed":
                lane.delayed += 1
                queue.tick += 1  # wakes those who wait, for it may be due before what they wait for
            else:
                self._arrived(tables, lane, row)
            tables.put_lane(lane)
            rows.append(row)
        return [row.read() for row in rows]

    @atomic
    def claim(self, tables: Tables, limit: int, lease: float) -> Claim:
        # As many as it could serve, so that no job is left out that there is.
        self._ranking.agree(tables, at_least=limit)
        self._take_back(tables, TIMERS_PER_CALL)
        queue = tables.queue
        leases: list[Lease] = []
        while len(leases) < limit and (lane := tables.next_lane()):
            job = tables.head(lane.key)
            assert job is not None, f"lane {lane.key!r} is in the index and has no job"
            queue.tick += 1
            queue.virtual = max(queue.virtual, lane.tag)
            job.state, job.token, job.at = (
                "leased",
                f"{queue.tick:011x}",
                round(queue.now + lease, 3),
            )
            job.attempts += 1
            tables.put_job(job)
            lane.pending -= 1
            lane.leased += 1
            lane.claimed += 1
            lane.order = SERVED + queue.tick
            self._ranking.served(tables, lane, job.cost)
            tables.put_lane(lane)
            leases.append(Lease(job=job.read(), token=job.token, deadline=job.at))
        idle_for = None
        if not leases and (at := tables.next_at()) is not None:
            idle_for = round(max(0.0, at - queue.now), 3)
        return Claim(leases=leases, idle_for=idle_for, tick=queue.tick)

    @atomic
    def ack(self, tables: Tables, leases: Sequence[Lease]) -> list[Lease]:
        lost = []
        for lease in leases:
            if owned := self._owned(tables, lease):
                job, lane = owned
                tables.drop_job(job)
                lane.acked += 1
                tables.put_lane(lane)
            else:
                lost.append(lease)
        return lost

    @atomic
    def release(self, tables: Tables, leases: Sequence[Lease], delay: float) -> list[Lease]:
        self._ranking.agree(tables)
        lost = []
        for lease in leases:
            if owned := self._owned(tables, lease):
                job, lane = owned
                lane.released += 1
                if delay:
                    job.state, job.at = "delayed", round(tables.queue.now + delay, 3)
                    job.due_at = job.at
                    tables.put_job(job)
                    lane.delayed += 1
                    tables.queue.tick += 1  # as in enqueue
                else:
                    self._give_back(tables, lane, job)
                tables.put_lane(lane)
            else:
                lost.append(lease)
        return lost

    @atomic
    def renew(self, tables: Tables, leases: Sequence[Lease], seconds: float) -> tuple[list[Lease], list[Lease]]:
        renewed, lost = [], []
        deadline = round(tables.queue.now + seconds, 3)
        for lease in leases:
            job = tables.job(lease.job.id)
            if job and job.state == "leased" and job.token == lease.token:
                job.at = deadline
                tables.put_job(job)
                renewed.append(Lease(job=lease.job, token=lease.token, deadline=deadline))
            else:
                lost.append(lease)
        return renewed, lost

    @atomic
    def reclaim(self, tables: Tables, limit: int) -> int:
        self._ranking.agree(tables)
        return self._take_back(tables, limit)

    @atomic
    def update(self, tables: Tables, changes: Sequence[LaneUpdate]) -> None:
        self._ranking.agree(tables)
        tables.queue.strategy, reads = self._ranking.text, self._ranking.reads
        for change in changes:
            lane = tables.lane(change.key) or LaneRow(change.key)
            before = reads.numbers(lane)
            if change.weight is not None:
                lane.weight = lane.set_weight = change.weight
            if change.effective_weight is not None:
                lane.weight = change.effective_weight
            if change.mean_time is not None:
                lane.mean_time = change.mean_time
            lane.tags = merged(lane.tags, change.tags)
            lane.data = merged(lane.data, change.data)
            if lane.pending and reads.numbers(lane) != before:
                self._ranking.enter(tables, lane)
            tables.put_lane(lane)

    @atomic
    def read(self, tables: Tables, keys: Sequence[str]) -> list[Lane]:
        return [(tables.lane(key) or LaneRow(key)).read() for key in keys]

    @atomic
    def keys(self, tables: Tables, tag: tuple[str, str] | None = None, *, backlogged: bool = False) -> list[str]:
        return sorted(
            lane.key
            for lane in tables.lanes()
            if (tag is None or lane.tags.get(tag[0]) == tag[1]) and (lane.pending or not backlogged)
        )

    @atomic
    def stats(self, tables: Tables) -> QueueStats:
        return QueueStats(**tables.count_lanes())

    @atomic
    def read_strategy(self, tables: Tables) -> StrategyChoice | None:
        queue = tables.queue
        return StrategyChoice.read(queue.strategy, queue.generation) if queue.strategy else None

    @atomic
    def set_strategy(self, tables: Tables, choice: StrategyChoice) -> StrategyChoice:
        queue, text = tables.queue, choice.text
        if queue.strategy != text or not queue.generation:
            queue.strategy, queue.virtual, queue.moving = text, 0.0, True
            queue.generation += 1
        return evolve(choice, generation=queue.generation)

    def wait(self, timeout: float, tick: int) -> Steps[None]:
        yield partial(self._wait, timeout, tick)

    def ring(self) -> Steps[None]:
        # A change wakes all who wait.
        yield from ()

    # What becomes of a job

    def _take_back(self, tables: Tables, limit: int) -> int:
        """Bring jobs whose time has come back into their lanes; return how many leases had expired."""
        expired = 0
        for job in tables.due(limit):
            lane = tables.lane(job.lane)
            assert lane is not None, f"job {job.id} has no lane"
            if job.state == "delayed":
                lane.delayed -= 1
            else:
                lane.leased -= 1
                lane.reclaimed += 1
                job.reclaims += 1
                expired += 1
            self._give_back(tables, lane, job)
            tables.put_lane(lane)
        return expired

    def _owned(self, tables: Tables, lease: Lease) -> tuple[JobRow, LaneRow] | None:
        """Return the job of a lease and its lane, no longer counted as leased; None if the lease is lost."""
        job = tables.job(lease.job.id)
        if job is None or job.state != "leased" or job.token != lease.token:
            return None
        lane = tables.lane(job.lane)
        assert lane is not None, f"job {job.id} has no lane"
        lane.leased -= 1
        return job, lane

    def _give_back(self, tables: Tables, lane: LaneRow, job: JobRow) -> None:
        job.state, job.token = "ready", ""
        tables.put_job(job)
        self._arrived(tables, lane, job)

    def _arrived(self, tables: Tables, lane: LaneRow, job: JobRow) -> None:
        """Account for a job that has just become ready in its lane."""
        lane.pending += 1
        if lane.pending > 1:
            if not self._ranking.reads.head:
                return
            head = tables.head(lane.key)
            if head is None or head.id != job.id:
                return
        self._ranking.enter(tables, lane)


class LocalBackend:
    """Takes steps that are plain functions: called, or in a thread of their own for whoever awaits them."""

    def perform(self, step: Callable[[], R]) -> R:
        return step()

    async def aperform(self, step: Callable[[], R]) -> R:
        return await asyncio.to_thread(step)
