"""Jobs on their way into a queue and out of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from attrs import evolve

from ranch.answers import Claim, JobPage, Receipt, Return
from ranch.checks import checked_count, checked_key, checked_number
from ranch.exceptions import InvalidJob
from ranch.hooks.details import Cancelled, Claimed, Ran
from ranch.model import Job, Lease
from ranch.operations.core import PER_CALL, checked_ids, chunks
from ranch.operations.metrics import MetricOperations
from ranch.operations.schedules import ScheduleOperations
from ranch.selection import LaneNames, Selection, selections
from ranch.steps import Steps
from ranch.typing import LONGEST_WAIT, RELEASES_PER_CALL


class JobOperations(ScheduleOperations, MetricOperations):
    """Enqueue, claim, cancel, read."""

    __slots__ = ()

    def enqueue(
        self, items: Iterable[tuple[str, Any]], *, dedup: bool = False, dedup_key: str | None = None, **options: Any
    ) -> Steps[list[Job]]:
        """Store jobs; `options` are the fields of `NewJob`."""
        jobs = []
        for item in items:
            try:
                lane, payload = item
            except (TypeError, ValueError) as exc:
                raise InvalidJob(f"each item is a pair (lane, payload), not {item!r}") from exc
            jobs.append(self.new_job(lane, payload, dedup=dedup, dedup_key=dedup_key, **options))
        if dedup_key is not None and len(jobs) > 1:
            raise InvalidJob(
                f"dedup_key {dedup_key!r} is for one job, and these are {len(jobs)}: enqueue them one by one, or "
                "with dedup=True, which makes a key for each of its lane and payload"
            )
        enqueued: list[Job] = []
        for chunk in chunks(jobs, PER_CALL):
            began = time.monotonic()
            receipt: Receipt = yield from self.lanes.enqueue(chunk)
            enqueued += self.tell_enqueued(receipt, began)
        return enqueued

    def take(
        self,
        limit: int,
        lease: float | None = None,
        *,
        selections: Sequence[Selection] = (),
        timed: bool = False,
    ) -> Steps[Claim]:
        """Claim without waiting: what is there, and if nothing is, how long to wait for what.

        If `timed`, the caller tells how long each job ran: see `ran`.
        """
        seconds = self.lease if lease is None else lease
        tick, further = None, ""
        if self.meter and self.meter.is_due:
            # Before there are leases, which run out meanwhile.
            yield from self.leave_times()
        while True:
            claim: Claim = yield from self.lanes.claim(
                limit, seconds, self.owner, selections=selections, further=further
            )
            self.readable(claimed.job for claimed in claim.leases)
            self.tell_ended(claim.ended)
            if self.events.claimed and claim.leases:
                last = claim.leases[-1]
                at = round(last.deadline - (last.job.lease or seconds), 3)
                self.events.claimed(Claimed(queue=self.name, leases=claim.leases, at=at, timed=timed))
            fired = bool(claim.due) and (yield from self.fire(claim.due))
            tick = claim.tick if tick is None else tick
            # Once more, if it has itself brought what it did not find, or not looked everywhere.
            if claim.leases or not (fired or claim.further):
                break
            further = "" if fired else claim.further
        if self.weigher and claim.leases:
            yield from self.weigher.served(claim.leases)
        # What has changed since the first look may be where the others did not look.
        return claim if tick == claim.tick else evolve(claim, tick=tick)

    def claim(
        self,
        limit: int,
        *,
        wait: float,
        lease: float | None,
        lanes: LaneNames | None = None,
        steal: LaneNames | None = None,
    ) -> Steps[list[Lease]]:
        checked_count(limit, "claim")
        chosen = selections(lanes, steal)
        until = time.monotonic() + checked_number(wait, "wait")
        if lease is not None:
            checked_number(lease, "lease", positive=True)
        while True:
            claim = yield from self.take(limit, lease, selections=chosen)
            left = until - time.monotonic()
            if self.weigher and self.weigher.times:
                self.weigher.times.begin(claim.leases)
            if claim.leases or left <= 0:
                return list(claim.leases)
            soonest = LONGEST_WAIT if claim.idle_for is None else min(claim.idle_for, LONGEST_WAIT)
            yield from self.lanes.wait(min(left, soonest), claim.tick, chosen)

    def ran(self, lease: Lease, seconds: float) -> None:
        """Take note of how long a job ran, and tell of it. No round trip."""
        if self.weigher and self.weigher.times:
            self.weigher.times.took(lease.job.lane, seconds)
        if self.events.ran:
            self.events.ran(Ran(queue=self.name, lease=lease, seconds=max(0.0, seconds)))

    def reclaim(self, limit: int) -> Steps[int]:
        back: Return = yield from self.lanes.reclaim(checked_count(limit, "reclaim"))
        self.tell_ended(back.ended)
        yield from self.fire(back.due)
        return back.reclaimed

    def cancel(self, ids: Iterable[str]) -> Steps[list[Job]]:
        return (yield from self._cancelled(checked_ids(ids), "cancelled"))

    def purge(self, lane: str | None = None) -> Steps[int]:
        """Cancel what is ready or delayed, page by page: what comes in meanwhile may stay."""
        purged, delayed = 0, True
        if lane is not None:
            # What is purged is no longer read, so the next page is the first one.
            (there,) = yield from self.lanes.read([lane])
            left, delayed = there.stats.pending, there.stats.delayed > 0
            while left > 0:
                page = yield from self.lanes.jobs("", min(left, RELEASES_PER_CALL), lane)
                left -= len(page.jobs) or left
                purged += len((yield from self._cancelled([stored.job.id for stored in page.jobs], "purged")))
        cursor = ""
        while delayed:
            page = yield from self.lanes.jobs(cursor, PER_CALL)
            waiting = [stored.job for stored in page.jobs if stored.state in {"ready", "delayed"}]
            ids = [job.id for job in waiting if lane is None or job.lane == lane]
            purged += len((yield from self._cancelled(ids, "purged")))
            if not (cursor := page.cursor):
                break
        return purged

    def read_jobs(self, cursor: str, lane: str | None) -> Steps[JobPage]:
        key = None if lane is None else checked_key(lane)
        page: JobPage = yield from self.lanes.jobs(cursor, PER_CALL, key)
        self.readable(stored.job for stored in page.jobs)
        return page

    def _cancelled(self, ids: list[str], how: Literal["cancelled", "purged"]) -> Steps[list[Job]]:
        cancelled: list[Job] = []
        for page in chunks(ids, RELEASES_PER_CALL):
            gone = self.readable((yield from self.lanes.cancel(page)))
            if self.events.cancelled and gone:
                self.events.cancelled(Cancelled(queue=self.name, jobs=gone, how=how))
            cancelled += gone
        return cancelled
