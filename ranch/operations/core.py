"""What all operations of a queue share."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from itertools import islice
from typing import Any, Final, TypeVar

from attrs import frozen

from ranch.agreement import AgreedLanes
from ranch.answers import Ending, Receipt
from ranch.checks import checked_key, did_you_mean
from ranch.codec import Codec
from ranch.exceptions import InvalidJob, LeaseLost
from ranch.hooks.details import Cancelled, Dead, Enqueued, Expired
from ranch.hooks.events import Events
from ranch.hooks.manager import Plugins
from ranch.letters import WORKER_LOST
from ranch.meter import Meter
from ranch.model import Job, Lease, NewJob
from ranch.options import EnqueueOptions
from ranch.retry import Retry
from ranch.typing import Backend, Serializer
from ranch.weigher import Weigher

T = TypeVar("T")

#: What may be said of a job, as it is given here or by other operations.
_OPTIONS: Final = frozenset(EnqueueOptions.__annotations__)
#: How many jobs or lanes go into one round trip, so that no call holds the store up.
PER_CALL: Final = 1000


@frozen
class Core:
    """One queue, opened."""

    name: str
    backend: Backend
    lanes: AgreedLanes
    codec: Codec
    #: Seconds.
    lease: float
    plugins: Plugins
    #: Whom to tell what has happened.
    events: Events
    retry: Retry
    #: Seconds, of tasks' jobs that do not say it themselves.
    result_ttl: float | None
    #: None if the queue has no weight function.
    weigher: Weigher | None = None
    #: Which is told by `events`; None if nothing is measured.
    meter: Meter | None = None
    #: As it was given; see `owner`.
    owner_name: str | None = None

    @property
    def owner(self) -> str:
        """Who claims. Without a name of its own it is this process, whose number a fork changes."""
        return self.owner_name or f"{socket.gethostname()}:{os.getpid()}"

    def lasting(self, lease: Lease) -> float:
        """Return for how many seconds a lease was claimed, as far as that is known, and is to be renewed."""
        return lease.seconds or lease.job.lease or self.lease

    def new_job(
        self,
        lane: str,
        payload: Any,
        *,
        dedup: bool = False,
        dedup_key: str | None = None,
        serializer: str | Serializer | None = None,
        **options: Any,
    ) -> NewJob:
        """Check and serialize what is to be enqueued; `options` are the fields of `NewJob`."""
        for name in options.keys() - _OPTIONS:
            raise InvalidJob(f"{name!r} is no option of a job{did_you_mean(name, _OPTIONS)}")
        if options.get("dedup_for") is not None and not dedup and dedup_key is None:
            raise InvalidJob("dedup_for says how long a key counts: give a dedup_key, or dedup=True")
        codec = self.codec if serializer is None else self.plugins.codec(serializer)
        lane, body = checked_key(lane), codec.dumps(payload)
        key = _digest(lane, body) if dedup and dedup_key is None else dedup_key
        return NewJob(lane=lane, body=body, content_type=codec.content_type, dedup_key=key, **options)

    def readable(self, jobs: Iterable[Job]) -> list[Job]:
        """Say how the payloads of jobs are decoded."""
        return [job.read_with(self.codec.loads) for job in jobs]

    def tell_enqueued(self, receipt: Receipt, began: float) -> list[Job]:
        """Tell of jobs that were stored in a call that began then, and return them all, duplicates too."""
        jobs = self.readable(receipt.jobs)
        self.tell_ended(receipt.ended)
        if self.events.enqueued and (new := [job for job in jobs if not job.duplicate]):
            self.events.enqueued(Enqueued(queue=self.name, jobs=new, seconds=time.monotonic() - began))
        return jobs

    def tell_ended(self, ended: Sequence[Ending]) -> None:
        """Tell of jobs that the backend ended on its way."""
        events = self.events
        for how in dict.fromkeys(ending.how for ending in ended):
            jobs = self.readable(ending.job for ending in ended if ending.how == how)
            if how == "expired":
                if events.expired:
                    events.expired(Expired(queue=self.name, jobs=jobs))
            elif how == "dead":
                if events.dead:
                    events.dead(Dead(queue=self.name, jobs=jobs, death=WORKER_LOST))
            elif events.cancelled:
                events.cancelled(Cancelled(queue=self.name, jobs=jobs, how=how))


def _digest(lane: str, body: bytes) -> str:
    """Return a key that is the same for the same payload in the same lane: 128 bits of BLAKE2b, in hexadecimal."""
    return blake2b(f"{len(lane)} {lane} ".encode() + body, digest_size=16).hexdigest()


def without(leases: Iterable[Lease], lost: Iterable[Lease]) -> list[Lease]:
    """Return those that were not lost."""
    tokens = {lease.token for lease in lost}
    return [lease for lease in leases if lease.token not in tokens]


def raise_if_lost(lost: Sequence[Lease]) -> None:
    """Raise `LeaseLost` if any were."""
    if lost:
        raise LeaseLost([lease.job.id for lease in lost])


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut items into lists of at most `size`."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def checked_id(job_id: object) -> str:
    """Return the id of a job, which may be there or not."""
    if isinstance(job_id, str):
        with suppress(UnicodeEncodeError):  # which no store could look for
            job_id.encode()
            return job_id
    raise InvalidJob(f"the id of a job is a str, as in Job.id, not {job_id!r}")


def checked_ids(ids: object) -> list[str]:
    """Return the ids of jobs, each once."""
    if isinstance(ids, Iterable) and not isinstance(ids, (str, bytes)):
        return [checked_id(job_id) for job_id in dict.fromkeys(ids)]
    raise InvalidJob(f"job ids are a list of str, as in Job.id, not {ids!r}")
