"""What may be said of a job beside its lane and its payload, wherever jobs are enqueued."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from ranch.typing import Serializer


class EnqueueOptions(TypedDict, total=False):
    """The keyword arguments of `Queue.enqueue`, `Queue.enqueue_many`, `Queue.schedule`, `Queue.task` and others."""

    #: Seconds until the job enters its lane; 0 if nothing is said.
    delay: float
    #: 1 (very low) to 6 (critical), among the jobs of its lane; 3 if nothing is said. See `Priority`.
    priority: int
    #: Size of the job: the lane is charged ``weight * cost`` for it; 1 if nothing is said.
    cost: float
    #: What the job offers under the strategy ``bid``, while it is its lane's first; else what the lane does.
    bid: float | None
    #: Seconds from now on after which the job is not to run any more: it is gone then, counted, and told of by the hook
    #: ``ranch_expired``. By default what the lane's or the queue's limits say.
    expires: float | None
    #: Seconds for which a claim of the job lasts, whatever the claim says.
    lease: float | None
    #: Store nothing if the same payload waits or runs in this lane already: its `dedup_key` is the BLAKE2b digest of
    #: the lane's key and the payload's bytes.
    dedup: bool
    #: Store nothing if a job with this key waits or runs in the queue already.
    dedup_key: str | None
    #: Seconds for which the key counts at most; by default until the job ends.
    dedup_for: float | None
    #: Seconds for which it is kept how the job has ended, and with what result: see `Queue.result`. None, or 0: not at
    #: all, which is the default but for tasks: theirs is the queue's.
    result_ttl: float | None
    #: What this payload is written with: a name, or a serializer. Whoever reads it has to accept it.
    serializer: str | Serializer
