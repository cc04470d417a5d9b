"""Claims from tables."""

from __future__ import annotations

from collections.abc import Sequence

from ranch.answers import Claim, Ending
from ranch.backends.gates import blocked, take_token
from ranch.backends.job_rows import JobRow
from ranch.backends.lookups import Lookups, atomic
from ranch.backends.outcomes import SHED_IDLE
from ranch.backends.ranking import Ranking
from ranch.backends.rows import SERVED, LaneRow, Tables
from ranch.backends.search import Search
from ranch.backends.timers import Timers
from ranch.backends.traffic import Traffic
from ranch.model import Lease
from ranch.selection import Selection
from ranch.typing import TIMERS_PER_CALL


class Claims(Lookups):
    """The claims from one queue, through its tables."""

    _ranking: Ranking
    _traffic: Traffic
    _timers: Timers

    @atomic
    def claim(
        self,
        tables: Tables,
        limit: int,
        lease: float,
        owner: str,
        *,
        selections: Sequence[Selection] = (),
        further: str = "",
    ) -> Claim:
        # As many as it could serve, so that no job is left out that there is.
        self._ranking.agree(tables, at_least=limit)
        endings: list[Ending] = []
        due: list[str] = []
        self._timers.see_to(tables, TIMERS_PER_CALL, endings, due)
        queue, spare, search = tables.queue, TIMERS_PER_CALL, Search(tables, selections, further)
        leases: list[Lease] = []
        idle_for: float | None = None
        while len(leases) < limit:
            lane = search.next_lane(limit - len(leases))
            if lane is None:
                break
            reason, until = blocked(queue, queue.now)
            if reason:
                idle_for = until and until - queue.now
                break
            job = tables.head(lane.key)
            assert job is not None, f"lane {lane.key!r} is in the index and has no job"
            if job.has_expired(queue.now):
                if not spare:
                    idle_for = 0.0
                    break
                spare -= 1
                self._traffic.withdraw(tables, lane, job)
                endings.append(self._traffic.end(tables, lane, job, "expired"))
            else:
                leases.append(self._serve(tables, lane, job, lease, owner, virtual=search.follow(lane)))
            tables.put_lane(lane)
        if leases:
            return Claim(leases=leases, ended=endings, idle_for=None, tick=queue.tick, due=due)
        tables.shed_outcomes(SHED_IDLE)  # there is time
        tables.shrink()
        if idle_for != 0.0:
            times = [at - queue.now for at in (tables.next_at(), queue.chores_at) if at is not None]
            idle_for = min(times if idle_for is None else [*times, idle_for], default=None)
        if idle_for is not None:
            idle_for = max(0.0, round(idle_for, 3))
        return Claim(leases=[], ended=endings, idle_for=idle_for, tick=queue.tick, due=due, further=search.further)

    def _serve(
        self, tables: Tables, lane: LaneRow, job: JobRow, seconds: float, owner: str, *, virtual: float
    ) -> Lease:
        queue = tables.queue
        queue.tick += 1
        self._traffic.leave(tables, lane, job)
        job.token = f"{queue.tick:011x}@{owner}"
        job.at = round(queue.now + (seconds if job.lease is None else job.lease), 3)
        job.attempts += 1
        tables.put_job(job)
        tables.add_timer(job.at, job.timer)
        for row in (lane, queue):
            row.leased += 1
            row.claimed += 1
            take_token(row, queue.now)
        lane.order = SERVED + queue.tick
        self._ranking.served(tables, lane, job.cost, virtual)
        if lane.pending:
            self._traffic.is_blocked(tables, lane)
        capped = lane.limits.max_in_flight is not None or queue.limits.max_in_flight is not None
        return Lease(job=job.read(), token=job.token, deadline=job.at, capped=capped)
