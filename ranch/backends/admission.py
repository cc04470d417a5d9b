"""Whether jobs may come in, and how they do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ranch.answers import Ending, Receipt
from ranch.backends.job_rows import JobRow
from ranch.backends.rows import LaneRow, Tables
from ranch.backends.traffic import Traffic
from ranch.exceptions import QueueFull
from ranch.letters import DeadLetter
from ranch.limits import Limits
from ranch.model import Job, NewJob


def admit(tables: Tables, traffic: Traffic, new_jobs: Sequence[NewJob]) -> Receipt:
    """Store each job but duplicates, in the given order, once there is room for them."""
    jobs: list[Job] = []
    endings: list[Ending] = []
    for new in new_jobs:
        if twin := _twin(tables, new):
            jobs.append(twin.read(duplicate=True))
            continue
        lane = traffic.lane(tables, new.lane)
        if new.delay <= 0 and _drops(lane):
            oldest = tables.head(lane.key)
            assert oldest is not None, f"lane {lane.key!r} is full and has no job"
            traffic.withdraw(tables, lane, oldest)
            endings.append(traffic.end(tables, lane, oldest, "dropped"))
        jobs.append(_store(tables, traffic, lane, new).read())
        tables.put_lane(lane)
    return Receipt(jobs=jobs, ended=endings)


def check_room(tables: Tables, new_jobs: Sequence[NewJob]) -> None:
    """Refuse jobs that would be too many, before anything is changed.

    Raises:
        QueueFull: They would.
    """
    queue, keys = tables.queue, set()
    wanted: Counter[str] = Counter()
    for new in new_jobs:
        is_twin = new.dedup_key is not None and (new.dedup_key in keys or _twin(tables, new) is not None)
        keys.add(new.dedup_key)
        if new.delay <= 0 and not is_twin:
            wanted[new.lane] += 1
    more = 0
    for key, count in wanted.items():
        lane = tables.lane(key)
        most = lane.limits.max_pending if lane else None
        if lane is None or most is None:
            more += count
            continue
        room = max(0, most - lane.pending)
        if count > room and lane.limits.overflow == "raise":
            raise QueueFull(key, most)
        more += min(count, room)  # for each one beyond it, one is dropped
    most = queue.limits.max_pending
    if most is not None and more and queue.pending + more > most:
        raise QueueFull(None, most)


def _twin(tables: Tables, new: NewJob) -> JobRow | None:
    """Return the job that holds the new one's key."""
    held = None if new.dedup_key is None else tables.holder(new.dedup_key)
    if held is None or (held[1] is not None and held[1] <= tables.queue.now):
        return None
    return tables.job(held[0])


def _drops(lane: LaneRow) -> bool:
    limits = lane.limits
    return limits.max_pending is not None and limits.overflow != "raise" and lane.pending >= limits.max_pending


def _store(tables: Tables, traffic: Traffic, lane: LaneRow, new: NewJob) -> JobRow:
    queue = tables.queue
    queue.last_id += 1
    expires = _expires(new, lane.limits, queue.limits)
    job = JobRow(
        id=f"{queue.last_id:011x}",
        lane=new.lane,
        body=new.body,
        content_type=new.content_type,
        priority=new.priority,
        cost=new.cost,
        enqueued_at=queue.now,
        due_at=max(0.0, round(queue.now + new.delay, 3)),
        bid=new.bid,
        expires_at=None if expires is None else round(queue.now + expires, 3),
        lease=new.lease,
        dedup_key=new.dedup_key,
        result_ttl=None if new.result_ttl is None else round(new.result_ttl, 3),
    )
    tables.add_job(job)
    for row in (lane, queue):
        row.enqueued += 1
    if job.expires_at is not None:
        tables.add_timer(job.expires_at, f"e{job.id}")
    if new.dedup_key is not None:
        until = None if new.dedup_for is None else round(queue.now + new.dedup_for, 3)
        tables.hold(new.dedup_key, job.id, until)
    if new.delay > 0:
        traffic.delay(tables, lane, job, job.due_at)
    else:
        traffic.arrive(tables, lane, job)
    return job


def restore(tables: Tables, traffic: Traffic, letter: DeadLetter) -> None:
    """Store a dead letter of another store."""
    queue, dead = tables.queue, letter.job
    queue.last_id += 1
    job = JobRow(
        id=f"{queue.last_id:011x}",
        lane=dead.lane,
        body=dead.body,
        content_type=dead.content_type,
        priority=dead.priority,
        cost=dead.cost,
        enqueued_at=dead.enqueued_at,
        due_at=dead.due_at,
        attempts=dead.attempts,
        reclaims=dead.reclaims,
        failures=dead.failures,
        state="dead",
        at=letter.died_at,
        bid=dead.bid,
        expires_at=dead.expires_at,
        lease=dead.lease,
        dedup_key=dead.dedup_key,
        result_ttl=dead.result_ttl,
    )
    tables.add_job(job)
    lane = traffic.lane(tables, job.lane)
    for row in (lane, queue):
        row.enqueued += 1
    traffic.keep(tables, lane, job, letter.death)
    tables.put_lane(lane)


def _expires(new: NewJob, lane: Limits, queue: Limits) -> float | None:
    for seconds in (new.expires, lane.expires, queue.expires):
        if seconds is not None:
            return seconds
    return None
