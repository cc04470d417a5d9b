"""The operations in Python, for every backend that can open its rows as `Tables`, for one transaction at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from attrs import evolve

from ranch.answers import Ending, Outcome, Receipt, Return
from ranch.backends.admission import admit, check_room, restore
from ranch.backends.checks import Checks
from ranch.backends.claims import Claims
from ranch.backends.gates import change_limits
from ranch.backends.job_rows import JobRow
from ranch.backends.lookups import Store, atomic
from ranch.backends.outcomes import SHED_IDLE, Outcomes, keep
from ranch.backends.plans import Plans
from ranch.backends.ranking import Ranking
from ranch.backends.rows import LaneRow, Tables
from ranch.backends.timers import Timers
from ranch.backends.times import Times
from ranch.backends.traffic import Traffic
from ranch.backends.waits import Wait, Waits, Watch
from ranch.choice import StrategyChoice
from ranch.letters import DeadLetter, Death
from ranch.limits import Limits
from ranch.model import Job, LaneUpdate, Lease, NewJob, merged
from ranch.policy import DEFAULT, Policy
from ranch.typing import NO_RESULTS, Strategy

R = TypeVar("R")


class TableLanes(Checks, Claims, Plans, Outcomes, Times, Waits):
    """The lanes of one queue, worked on through tables."""

    def __init__(
        self, store: Store, queue: str, strategy: Strategy, choice: StrategyChoice | None, policy: Policy
    ) -> None:
        super().__init__(store, queue)
        self._ranking = Ranking(strategy, choice or StrategyChoice.of(strategy))
        self._traffic = Traffic(self._ranking, policy)
        self._timers = Timers(self._traffic)

    # Jobs

    @atomic
    def enqueue(self, tables: Tables, jobs: Sequence[NewJob]) -> Receipt:
        check_room(tables, jobs)
        self._ranking.agree(tables)
        tables.queue.strategy = self._ranking.text
        return admit(tables, self._traffic, jobs)

    @atomic
    def ack(self, tables: Tables, leases: Sequence[Lease], results: Mapping[str, Outcome] = NO_RESULTS) -> list[Lease]:
        def done(tables: Tables, lane: LaneRow, job: JobRow) -> None:
            for row in (lane, tables.queue):
                row.acked += 1
            if result := results.get(job.token):
                keep(tables, job, result)
            self._traffic.drop(tables, job)

        return self._settle(tables, leases, done)

    @atomic
    def release(self, tables: Tables, leases: Sequence[Lease], delay: float, *, failed: bool = False) -> Return:
        self._ranking.agree(tables)
        endings: list[Ending] = []

        def give_back(tables: Tables, lane: LaneRow, job: JobRow) -> None:
            has_expired = job.has_expired(tables.queue.now)
            for row in (lane, tables.queue):
                row.failed += failed
                row.released += not failed
                row.retried += failed and not has_expired
            job.failures += failed
            if delay and not has_expired:
                self._traffic.delay(tables, lane, job, round(tables.queue.now + delay, 3))
            else:
                self._traffic.come_back(tables, lane, job, endings)

        return Return(lost=self._settle(tables, leases, give_back), ended=endings)

    @atomic
    def bury(self, tables: Tables, leases: Sequence[Lease], death: Death) -> list[Lease]:
        def give_up(tables: Tables, lane: LaneRow, job: JobRow) -> None:
            for row in (lane, tables.queue):
                row.failed += 1
            job.failures += 1
            self._traffic.die(tables, lane, job, death)

        return self._settle(tables, leases, give_up)

    def _settle(
        self, tables: Tables, leases: Sequence[Lease], settle: Callable[[Tables, LaneRow, JobRow], None]
    ) -> list[Lease]:
        """End leases; return those that were lost."""
        lost = []
        for lease in leases:
            if job := _owned(tables, lease):
                lane = self._traffic.lane(tables, job.lane)
                tables.drop_timer(job.at, job.timer)
                self._traffic.freed(tables, lane)
                settle(tables, lane, job)
                tables.put_lane(lane)
            else:
                lost.append(lease)
        return lost

    @atomic
    def renew(
        self, tables: Tables, leases: Sequence[Lease], seconds: float, *, final: bool = False
    ) -> tuple[list[Lease], list[Lease]]:
        renewed, lost = [], []
        deadline = round(tables.queue.now + seconds, 3)
        for lease in leases:
            if job := _owned(tables, lease):
                tables.drop_timer(job.at, job.timer)
                job.at = deadline
                if final:
                    self._traffic.spend(job)
                tables.put_job(job)
                tables.add_timer(job.at, job.timer)
                renewed.append(evolve(lease, deadline=deadline))
            else:
                lost.append(lease)
        return renewed, lost

    @atomic
    def reclaim(self, tables: Tables, limit: int) -> Return:
        self._ranking.agree(tables)
        endings: list[Ending] = []
        due: list[str] = []
        reclaimed = self._timers.see_to(tables, limit, endings, due)
        tables.shed_outcomes(SHED_IDLE)
        tables.shrink()
        return Return(reclaimed=reclaimed, ended=endings, due=due)

    @atomic
    def cancel(self, tables: Tables, job_ids: Sequence[str], how: str = "cancelled") -> list[Job]:
        self._ranking.agree(tables)
        cancelled = []
        for job_id in job_ids:
            job = tables.job(job_id)
            if job and job.state in {"ready", "delayed"}:
                lane = self._traffic.lane(tables, job.lane)
                self._traffic.withdraw(tables, lane, job)
                cancelled.append(self._traffic.end(tables, lane, job, how).job)
                tables.put_lane(lane)
        return cancelled

    # Dead letters

    @atomic
    def revive(self, tables: Tables, job_ids: Sequence[str]) -> list[Job]:
        self._ranking.agree(tables)
        return [self._traffic.revive(tables, row).read() for job_id in job_ids if (row := tables.letter(job_id))]

    @atomic
    def forget(self, tables: Tables, job_ids: Sequence[str]) -> int:
        return sum(bool(self._traffic.forget(tables, row)) for job_id in job_ids if (row := tables.letter(job_id)))

    @atomic
    def restore(self, tables: Tables, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            restore(tables, self._traffic, letter)

    # Lanes

    @atomic
    def update(self, tables: Tables, changes: Sequence[LaneUpdate]) -> None:
        self._ranking.agree(tables)
        tables.queue.strategy, reads = self._ranking.text, self._ranking.reads
        for change in changes:
            lane = self._traffic.lane(tables, change.key)
            before = reads.numbers(lane)
            if change.weight is not None:
                lane.weight = lane.set_weight = change.weight
            if change.effective_weight is not None:
                lane.weight = change.effective_weight
            if change.mean_time is not None:
                lane.mean_time = change.mean_time
            lane.tags = merged(lane.tags, change.tags)
            lane.data = merged(lane.data, change.data)
            if lane.waits and reads.numbers(lane) != before:
                self._ranking.enter(tables, lane)
            if change.limits:
                self._traffic.limit(tables, lane, change.limits)
            tables.put_lane(lane)

    @atomic
    def limit(self, tables: Tables, changes: Mapping[str, Any]) -> Limits:
        queue = tables.queue
        if changes:
            change_limits(queue, changes, queue.now)
            queue.tick += 1
        return queue.limits

    @atomic
    def set_strategy(self, tables: Tables, choice: StrategyChoice) -> StrategyChoice:
        queue, text = tables.queue, choice.text
        if queue.strategy != text or not queue.generation:
            queue.strategy, queue.virtual, queue.virtuals, queue.moving = text, 0.0, {}, True
            queue.generation += 1
        return evolve(choice, generation=queue.generation)


def _owned(tables: Tables, lease: Lease) -> JobRow | None:
    """Return the job of a lease, None if the lease is lost."""
    job = tables.job(lease.job.id)
    return job if job and job.state == "leased" and job.token == lease.token else None


class TableBackend(Store):
    """A backend whose steps are plain functions: called, or in a thread of their own for whoever awaits them.

    To make one of a store, give `begin` and `wait`, and say in `close` and `aclose` what there is to let go of.
    """

    def lanes(
        self, queue: str, strategy: Strategy, choice: StrategyChoice | None = None, policy: Policy = DEFAULT
    ) -> TableLanes:
        return TableLanes(self, queue, strategy, choice, policy)

    def wait_for(self, queue: str, job_id: str, timeout: float) -> None:
        """Look again and again; a backend whose store is not at hand has something better."""
        Watch(self, queue, job_id, timeout).look_on()

    def perform(self, step: Callable[[], R]) -> R:
        return step()

    async def aperform(self, step: Callable[[], R]) -> R:
        if isinstance(step, (Wait, Watch)):
            await step.alook_on()
            return None  # type: ignore[return-value]  # which is what it answers
        return await asyncio.to_thread(self.perform, step)
