"""What scripts reply, as answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from attrs import asdict, evolve

from ranch.answers import Claim, Ending, Outcome, Plan, Receipt
from ranch.backends.redis.records import to_ms, unpack, unpack_outcome
from ranch.letters import DeadLetter, Death
from ranch.model import Job, Lease, NewJob
from ranch.schedule import Schedule


def enqueued(jobs: Sequence[NewJob], reply: Sequence[Any]) -> Receipt:
    """Read what an enqueue says."""
    ended, now_ms, number, expiries, *words = reply
    expires_ms = iter(expiries)
    duplicates = {
        place: unpack(job_id.decode(), record, this_claim=is_leased, duplicate=True)
        for place, job_id, record, is_leased in zip(words[::4], words[1::4], words[2::4], words[3::4], strict=True)
    }
    stored: list[Job] = []
    for place, new in enumerate(jobs):
        if place in duplicates:
            stored.append(duplicates[place])
        else:
            stored.append(_stored(new, f"{number:011x}", now_ms, next(expires_ms, 0)))
            number += 1
    return Receipt(jobs=stored, ended=endings(ended))


def _stored(new: NewJob, job_id: str, now_ms: int, expires_ms: int) -> Job:
    return Job(
        id=job_id,
        lane=new.lane,
        body=new.body,
        content_type=new.content_type,
        priority=new.priority,
        cost=new.cost,
        enqueued_at=now_ms / 1000,
        due_at=max(0, now_ms + to_ms(new.delay)) / 1000,
        bid=new.bid,
        expires_at=expires_ms / 1000 if expires_ms else None,
        lease=None if new.lease is None else to_ms(new.lease) / 1000,
        dedup_key=new.dedup_key,
        result_ttl=None if new.result_ttl is None else to_ms(new.result_ttl) / 1000,
    )


def claimed(lease_ms: int, reply: Sequence[Any]) -> Claim:
    """Read what a claim says."""
    ended, now_ms, tick, idle_ms, capped, due, *words = reply
    further = words.pop().decode() if len(words) == 1 else ""
    leases = []
    for place, (job_id, token, record) in enumerate(zip(words[::3], words[1::3], words[2::3], strict=True)):
        job = unpack(job_id.decode(), record, this_claim=1)
        lasts_ms = lease_ms if job.lease is None else to_ms(job.lease)
        deadline = (now_ms + lasts_ms) / 1000
        leases.append(Lease(job=job, token=token.decode(), deadline=deadline, capped=place in capped))
    idle_for = None if idle_ms < 0 else idle_ms / 1000
    return Claim(leases=leases, ended=endings(ended), idle_for=idle_for, tick=tick, due=names(due), further=further)


def names(words: Sequence[bytes]) -> list[str]:
    """Read names."""
    return [name.decode() for name in words]


def replanned(job: NewJob, runs: Sequence[float], reply: Sequence[Any]) -> Receipt | None:
    """Read what a replan says."""
    if reply[0] == b"changed":
        return None
    now = reply[1] / 1000
    return enqueued([evolve(job, delay=at - now) for at in runs], reply)


def planned(reply: Sequence[Any]) -> Plan:
    """Read schedules."""
    now_ms, texts = reply
    return Plan(schedules=sorted(map(Schedule.read, texts), key=lambda found: found.name), now=now_ms / 1000)


def outcome(reply: Sequence[Any]) -> Outcome | None:
    """Read how a job has ended."""
    if not reply:
        return None
    how, said = reply
    if how == b"kept":
        return unpack_outcome(said)
    return (
        Outcome(how="dead", death=Death(**json.loads(said))) if how == b"dead" else Outcome(how="open", kept=bool(said))
    )


def endings(words: Sequence[bytes]) -> list[Ending]:
    """Read the jobs that ended: of each how, its id and its record."""
    return [
        Ending(how=how.decode(), job=unpack(job_id.decode(), record))  # type: ignore[arg-type]  # the scripts know the words
        for how, job_id, record in zip(words[::3], words[1::3], words[2::3], strict=True)
    ]


def revived(words: Sequence[bytes]) -> list[Job]:
    """Read jobs: of each its id and its record."""
    return [unpack(job_id.decode(), record) for job_id, record in zip(words[::2], words[1::2], strict=True)]


def lost(page: Sequence[Lease], reply: Sequence[int]) -> list[Lease]:
    """Read which leases of a page were lost."""
    _, *places = reply
    return [page[place] for place in places]


def write_death(death: Death) -> str:
    """Return a death as the store keeps it."""
    return json.dumps(asdict(death))


def letters(words: Sequence[bytes]) -> list[DeadLetter]:
    """Read dead letters: of each its id, when it died, its record, and why."""
    return [
        DeadLetter(job=unpack(job_id.decode(), record), death=Death(**json.loads(death)), died_at=int(at) / 1000)
        for job_id, at, record, death in zip(words[::4], words[1::4], words[2::4], words[3::4], strict=True)
    ]
