"""The queue: one short method per operation, blocking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ranch.breaker import FAILURES
from ranch.control import Control
from ranch.handles import QueueLease
from ranch.heartbeat import Heartbeat
from ranch.hooks.manager import Plugins
from ranch.letters import Kind
from ranch.model import Job, Lease
from ranch.operations import RESULT_TTL, Operations
from ranch.options import EnqueueOptions
from ranch.policy import Policy
from ranch.retry import Retry
from ranch.selection import LaneNames
from ranch.tasks import BlockingTasks
from ranch.typing import Backend, Serializer, Strategy, WeightFunction

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Queue(Control, BlockingTasks):
    """A set of lanes under one strategy, in one backend.

    Safe to share between threads. What it costs in round trips is said at each method; the backend's errors,
    `BackendError` and `BackendUnavailable`, come from all of them.

    Args:
        name: Up to 256 characters. Queues of one name in one backend are one queue.
        backend: A URL (``memory://``, ``sqlite:///path/to/ranch.db``, ``redis://host:6379/0``, ``rediss://…``,
            ``unix://…``), or a backend, which may be shared between queues.
        strategy: A name (``"weighted-lru"``, ``"round-robin"``, ``"bid"``, ``"priority"``, ``"lottery"``), a mapping
            such as ``{"name": "bid", "ageing": 0.1}``, or a strategy. What `set_strategy` has set goes before it.
        serializer: What payloads are written with: the name of a serializer (``"json"``, ``"msgpack"``, ``"pickle"``;
            `SerializerType` has them too), or a serializer.
        accept: The serializers whose payloads are read; by default the queue's own, but ``"pickle"``, whose reading
            runs code of whoever wrote it, only if it is named here.
        lease: Seconds for which a claimed job is yours, if a claim says nothing else.
        weight_function: What weighs the lanes: a name (``"static"``, ``"tag"``, ``"bid"``, ``"backlog"``), a mapping as
            above, or a `WeightFunction`. All processes that work on the queue have to name the same.
        weight_refresh: Seconds for which a lane that was weighed is not weighed again for being served here.
        breaker_failures: How many calls in a row find a store at a networked URL away before the next fail at once;
            see `Breaker`. 0: never. A backend that is given comes as it is.
        policy: How often a job may come back from an expired lease, and how long lanes and dead letters are kept.
        retry: When failed jobs are tried again; by default `Retry.exponential`, five attempts in all.
        result_ttl: Seconds for which the result of a task's job is kept, if neither the task nor the call says; None,
            or 0: no time.
        owner: Who claims, as `explain` tells it; by default the host's name and the process's number.
        metrics_enabled: Whether it measures how long jobs wait and run that are claimed here, for `metrics`. Costs
            some 5 microseconds for each, 3 in batches; and in ten seconds, within a claim, a round trip for each 100
            lanes that they were of, 1,000 at most.
        plugins: Where names are looked up; by default the installed plugins.

    Raises:
        ConfigError: A name is unknown, or an option wrong. Nothing was opened.
    """

    def __init__(
        self,
        name: str,
        *,
        backend: str | Backend = "sqlite:///ranch.db",
        strategy: str | Mapping[str, Any] | Strategy = "weighted-lru",
        serializer: str | Serializer = "json",
        accept: Iterable[str | Serializer] | None = None,
        lease: float = 60.0,
        weight_function: str | Mapping[str, Any] | WeightFunction | None = None,
        weight_refresh: float = 1.0,
        breaker_failures: int = FAILURES,
        policy: Policy | None = None,
        retry: Retry | None = None,
        result_ttl: float | None = RESULT_TTL,
        owner: str | None = None,
        metrics_enabled: bool = True,
        plugins: Plugins | None = None,
    ) -> None:
        self._operations = Operations.open(
            name,
            backend=backend,
            strategy=strategy,
            serializer=serializer,
            accept=accept,
            lease=lease,
            weight_function=weight_function,
            weight_refresh=weight_refresh,
            breaker_failures=breaker_failures,
            policy=policy,
            retry=retry,
            result_ttl=result_ttl,
            owner=owner,
            metrics_enabled=metrics_enabled,
            plugins=plugins,
        )
        self._heartbeat = Heartbeat(self._operations)

    @property
    def name(self) -> str:
        """The queue's name."""
        return self._operations.name

    @property
    def backend(self) -> Backend:
        """Where its jobs live; may be given to another queue."""
        return self._operations.backend

    def enqueue(self, lane: str, payload: Any, **options: Unpack[EnqueueOptions]) -> Job:
        """Put a job into a lane; once this returns, the job is in the backend.

        Args:
            lane: Whose job it is. A lane needs no set-up: it exists from its first job on.
            payload: Whatever the queue's serializer takes.
            options: `delay`, `priority`, `cost`, `bid`, `expires`, `lease`, `dedup`, `dedup_key`, `dedup_for`,
                `result_ttl` and `serializer`: see `EnqueueOptions`.

        Returns:
            The job, with the id that it keeps; or the one that was there, with `Job.duplicate` set. One round trip.

        Raises:
            InvalidJob: A value cannot be; nothing was stored.
            QueueFull: No more jobs may wait in the lane, or in the queue; nothing was stored.
            SerializationError: The serializer does not take the payload; nothing was stored.
        """
        return self.enqueue_many([(lane, payload)], **options)[0]

    def enqueue_many(self, items: Iterable[tuple[str, Any]], **options: Unpack[EnqueueOptions]) -> list[Job]:
        """Put many jobs into their lanes, in the order given.

        All are checked before the first is stored. One round trip, and all or none, for each 1,000.

        Args:
            items: Pairs of lane and payload.
            options: As for `enqueue`, for each of them. A `dedup_key` is for one item only: each needs its own.

        Raises:
            InvalidJob: A value cannot be; nothing was stored.
            QueueFull: As for `enqueue`; of this thousand nothing was stored, those before it were.
            SerializationError: The serializer does not take a payload; nothing was stored.
        """
        return self._drive(self._operations.enqueue(items, **options))

    def claim(
        self,
        *,
        lanes: LaneNames | None = None,
        steal: LaneNames | None = None,
        wait: float = 0.0,
        lease: float | None = None,
    ) -> QueueLease | None:
        """Take the next job, in the order of the strategy. It is yours alone until the lease ends.

        Args:
            lanes: Those alone that it may be from: names, and patterns such as ``"eu-*"``; by default all. See
                `Selection`.
            steal: Those that it may be from when none of `lanes` has a job to be had.
            wait: Seconds to wait for a job; 0 does not wait.
            lease: Seconds for which the job is yours; by default the queue's.

        Returns the lease, or None if there was no job to be had. One round trip, and one more for each time it waits.
        """
        leases = self.claim_many(1, lanes=lanes, steal=steal, wait=wait, lease=lease)
        return leases[0] if leases else None

    def claim_many(
        self,
        limit: int,
        *,
        lanes: LaneNames | None = None,
        steal: LaneNames | None = None,
        wait: float = 0.0,
        lease: float | None = None,
    ) -> list[QueueLease]:
        """Take up to `limit` next jobs: the same, in the same order, as that many calls of `claim`.

        Waits for the first job only. One round trip, on Redis one for each 100, and one more for each time it waits.
        With a weight function, up to two more for those lanes that were not weighed for `weight_refresh` seconds. With
        patterns, one more for each `LOOKS_PER_CALL` waiting lanes that fit none, until the first that does.
        """
        leases = self._drive(self._operations.claim(limit, wait=wait, lease=lease, lanes=lanes, steal=steal))
        return [self._held(taken, taken.job.lease or lease) for taken in leases]

    def ack(self, leases: Iterable[Lease], *, results: Mapping[str, Any] | None = None) -> None:
        """Settle jobs as done: they leave the backend. One round trip.

        Args:
            leases: Of the jobs that are done.
            results: By the ids of jobs, for those who ask with `result`. Kept of jobs with a `result_ttl`, in the same
                step: no such job is done without its result. One that the serializer does not take is not kept; asked
                for, this is said.

        Raises:
            LeaseLost: Some leases were not yours any more. The others were settled.
        """
        self._drive(self._operations.ack(leases, results))

    def release(self, leases: Iterable[Lease], *, delay: float = 0.0) -> None:
        """Give jobs back unharmed: to their old places in their lanes, or after a delay. A round trip for each 100.

        Raises:
            LeaseLost: Some leases were not yours any more. The others were given back.
        """
        self._drive(self._operations.release(leases, delay))

    def fail(self, leases: Iterable[Lease], error: BaseException | str, *, retry: Retry | None = None) -> None:
        """Say that jobs failed: each goes back after a delay, or becomes a dead letter with the error.

        A `DecodeError` makes a dead letter of its job at once, of kind ``"system"``: no attempt can do better.

        Args:
            leases: Of the jobs that failed.
            error: What they failed with: an exception, of which the traceback is kept, or a text.
            retry: When to try again; by default as the queue says.

        Costs one round trip for each 100 jobs of one delay, one for each 100 that are dead, and, if the retry
        has a `timeout`, one to read the backend's clock, by renewing the leases.

        Raises:
            LeaseLost: Some leases were not yours any more. The others were settled.
        """
        self._drive(self._operations.fail(leases, error, retry))

    def bury(
        self, leases: Iterable[Lease], reason: str, *, error: BaseException | str = "", kind: Kind = "system"
    ) -> None:
        """Make dead letters of jobs, whatever their retry says. A round trip for each 100.

        Args:
            leases: Of the jobs that are given up on.
            reason: In a few words, always the same for the same reason: dead letters are found by it.
            error: What is known beside it.
            kind: ``"system"``: they cannot be run. ``"failure"``: their own code failed.

        Raises:
            LeaseLost: Some leases were not yours any more. The others were settled.
        """
        self._drive(self._operations.bury(leases, reason, error, kind))

    def renew(self, leases: Iterable[Lease], seconds: float | None = None) -> list[QueueLease]:
        """Let leases end `seconds` from now, by default as long as they were claimed for. One round trip.

        Returns the leases with their new deadlines; the old objects stay good, for the token is the same.

        Raises:
            LeaseLost: Some leases were not yours any more. The others were renewed.
        """
        return [self._held(lease, lease.seconds) for lease in self._drive(self._operations.renew(leases, seconds))]

    def heartbeat(self, on_lost: Callable[[Lease], None] | None = None) -> Heartbeat:
        """Return what renews leases in the background, for whoever runs many jobs; for one there is `keep_alive`."""
        return Heartbeat(self._operations, on_lost)

    def close(self) -> None:
        """Leave what was measured, and close the backend. Jobs stay; leases run on, and are no longer kept alive."""
        self._heartbeat.stop()
        self._drive(self._operations.leave_times())
        self.backend.close()

    def __enter__(self) -> Queue:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def _held(self, lease: Lease, seconds: float | None) -> QueueLease:
        return QueueLease(job=lease.job, token=lease.token, deadline=lease.deadline, seconds=seconds, queue=self)
