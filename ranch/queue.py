"""The queue: one short method per operation, blocking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, TypeVar

from ranch.checks import checked_key
from ranch.choice import StrategyChoice
from ranch.handles import QueueLane, QueueLease
from ranch.hooks.manager import Plugins
from ranch.model import Job, Lane, Lease, Priority, QueueStats
from ranch.operations import Operations
from ranch.steps import Steps, drive
from ranch.typing import Backend, Serializer, Strategy, WeightFunction

R = TypeVar("R")


class Queue:
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
            plugins=plugins,
        )

    @property
    def name(self) -> str:
        """The queue's name."""
        return self._operations.name

    @property
    def backend(self) -> Backend:
        """Where its jobs live; may be given to another queue."""
        return self._operations.backend

    def enqueue(
        self,
        lane: str,
        payload: Any,
        *,
        delay: float = 0.0,
        priority: int = Priority.NORMAL,
        cost: float = 1.0,
        bid: float | None = None,
    ) -> Job:
        """Put a job into a lane; once this returns, the job is in the backend.

        Args:
            lane: Whose job it is. A lane needs no set-up: it exists from its first job on.
            payload: Whatever the queue's serializer takes.
            delay: Seconds until the job enters its lane.
            priority: 1 (very low) to 6 (critical), among the jobs of this lane.
            cost: Size of the job: the lane is charged ``weight * cost`` for it.
            bid: What the job offers under the strategy ``bid``, while it is its lane's first; else what the lane does.

        Returns:
            The job, with the id that it keeps. One round trip.

        Raises:
            InvalidJob: A value cannot be; nothing was stored.
            SerializationError: The serializer does not take the payload; nothing was stored.
        """
        return self.enqueue_many([(lane, payload)], delay=delay, priority=priority, cost=cost, bid=bid)[0]

    def enqueue_many(
        self,
        items: Iterable[tuple[str, Any]],
        *,
        delay: float = 0.0,
        priority: int = Priority.NORMAL,
        cost: float = 1.0,
        bid: float | None = None,
    ) -> list[Job]:
        """Put many jobs into their lanes, in the order given.

        All are checked before the first is stored. One round trip, and all or none, for each 1,000.

        Args:
            items: Pairs of lane and payload.
            delay: As for `enqueue`, for all of them.
            priority: As for `enqueue`, for all of them.
            cost: As for `enqueue`, for each of them.
            bid: As for `enqueue`, for each of them.

        Raises:
            InvalidJob: A value cannot be; nothing was stored.
            SerializationError: The serializer does not take a payload; nothing was stored.
        """
        return self._drive(self._operations.enqueue(items, delay=delay, priority=priority, cost=cost, bid=bid))

    def claim(self, *, wait: float = 0.0, lease: float | None = None) -> QueueLease | None:
        """Take the next job, in the order of the strategy. It is yours alone until the lease ends.

        Args:
            wait: Seconds to wait for a job; 0 does not wait.
            lease: Seconds for which the job is yours; by default the queue's.

        Returns:
            The lease, or None if there was no job to be had. One round trip, and one more for each time it waits.
        """
        leases = self.claim_many(1, wait=wait, lease=lease)
        return leases[0] if leases else None

    def claim_many(self, limit: int, *, wait: float = 0.0, lease: float | None = None) -> list[QueueLease]:
        """Take up to `limit` next jobs: the same, in the same order, as that many calls of `claim`.

        Waits for the first job only. One round trip, on Redis one for each 100, and one more for each time it waits.
        With a weight function, up to two more for those lanes that were not weighed for `weight_refresh` seconds.
        """
        leases = self._drive(self._operations.claim(limit, wait=wait, lease=lease))
        return [self._held(lease) for lease in leases]

    def ack(self, leases: Iterable[Lease]) -> None:
        """Settle jobs as done: they leave the backend. One round trip.

        Raises:
            LeaseLost: Some leases were not yours any more. The others were settled.
        """
        self._drive(self._operations.ack(leases))

    def release(self, leases: Iterable[Lease], *, delay: float = 0.0) -> None:
        """Give jobs back unharmed: to their old places in their lanes, or after a delay. A round trip for each 100.

        Raises:
            LeaseLost: Some leases were not yours any more. The others were given back.
        """
        self._drive(self._operations.release(leases, delay))

    def renew(self, leases: Iterable[Lease], seconds: float | None = None) -> list[QueueLease]:
        """Let leases end `seconds` from now, by default the queue's lease time. One round trip.

        Returns:
            The leases with their new deadlines; the old objects stay good, for the token is the same.

        Raises:
            LeaseLost: Some leases were not yours any more. The others were renewed.
        """
        return [self._held(lease) for lease in self._drive(self._operations.renew(leases, seconds))]

    def reclaim(self, limit: int = 1000) -> int:
        """Take back jobs whose lease has expired, and let delayed ones in that have fallen due, up to `limit` in all.

        Every claim does a little of this itself; nobody has to call it. One round trip.

        Returns:
            How many jobs came from an expired lease.
        """
        return self._drive(self._operations.reclaim(limit))

    def lane(self, key: str) -> QueueLane:
        """Return a handle of a lane. No round trip."""
        return QueueLane(key=checked_key(key), queue=self)

    def lanes(self, *, tag: tuple[str, str] | None = None) -> list[Lane]:
        """Read all lanes ever used, sorted by key; with `tag`, those that bear it.

        Round trips grow with the number of lanes, one for each 1,000; no single one holds the store up.
        """
        return self._drive(self._operations.read_lanes(tag))

    def refresh_weights(self) -> int:
        """Ask the weight function about all backlogged lanes, and return how many weights changed.

        One round trip for the keys, and for each 1,000 lanes one to look at them and one to write what changed; on
        Redis for each 500 and each 100. Without a weight function there is nothing to do.
        """
        return self._drive(self._operations.refresh_weights())

    @property
    def weight_errors(self) -> int:
        """How often the weight function has given this object no weight, but something else or an error."""
        return self._operations.weight_errors

    def stats(self) -> QueueStats:
        """Read the queue in numbers. One round trip."""
        return self._drive(self._operations.stats())

    def read_strategy(self) -> StrategyChoice | None:
        """Read which strategy the queue has; None before its first job. One round trip."""
        return self._drive(self._operations.read_strategy())

    def set_strategy(self, strategy: str | Mapping[str, Any] | Strategy) -> StrategyChoice:
        """Give the queue another strategy while it runs, and return it as it is stored. One round trip.

        Every process follows with its next operation, whatever it was configured with. Lanes that wait are ranked anew
        bit by bit: 32 with each operation, in their old order, behind those that are ranked by then.

        Args:
            strategy: A name, a mapping of ``name`` and options, or a strategy of a class that a plugin gives a name.

        Raises:
            ConfigError: It cannot be looked up by name; nothing was changed.
        """
        return self._drive(self._operations.set_strategy(strategy))

    def close(self) -> None:
        """Close the backend. Jobs stay; leases run on."""
        self.backend.close()

    def __enter__(self) -> Queue:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def _drive(self, steps: Steps[R]) -> R:
        return drive(self._operations.backend, steps)

    def _held(self, lease: Lease) -> QueueLease:
        return QueueLease(job=lease.job, token=lease.token, deadline=lease.deadline, queue=self)
