"""What a fleet is made of: queues and workers, as they are written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from attrs import field, frozen

from ranch.checks import checked_count, checked_key, checked_number, did_you_mean
from ranch.exceptions import ConfigError
from ranch.hooks.manager import Plugins
from ranch.limits import checked_limits
from ranch.selection import selections
from ranch.worker.settings import POOLS


@frozen(kw_only=True)
class FleetQueue:
    """A queue, as `Queue` takes it; its name is the key under which it stands."""

    #: A name, or a mapping with ``name`` and the strategy's options.
    strategy: Any = "weighted-lru"
    #: The same, of a weight function. None: nothing weighs the lanes.
    weight_function: Any = None
    serializer: str = "json"
    #: Seconds after which a job comes back from a worker that was killed.
    lease: float = 60.0
    #: Seconds that a job may run, if neither its call nor its task says so. None: as long as it takes.
    timeout: float | None = None
    #: Whether it is measured how long jobs wait and run, for `Queue.metrics`.
    metrics_enabled: bool = True
    #: By the names of `Limits`: set in the store whenever a worker of the fleet begins. What is not named stays.
    limits: dict[str, Any] = field(factory=dict)

    def faults(self, plugins: Plugins) -> Iterator[str]:
        """Say what is wrong, in sentences."""
        yield from _faults(plugins.strategy, self.strategy)
        if self.weight_function is not None:
            yield from _faults(plugins.weight_function, self.weight_function)
        yield from _faults(plugins.codec, self.serializer, None)
        yield from _seconds("lease", self.lease)
        yield from _seconds("timeout", self.timeout)
        yield from _faults(checked_limits, self.limits)


@frozen(kw_only=True)
class FleetWorker:
    """A worker, as `Worker` takes it."""

    #: What it is called by; no two run at a time under one.
    id: str
    #: Names of the queues on which it works; None: all of the fleet.
    queues: list[str] | None = None
    #: Lanes that it serves first, of each of its queues; None: all. See `Selection`.
    assigned: list[str] | None = None
    #: Lanes that it serves when none of those has a job that can be had.
    steal: list[str] | None = None
    #: How many jobs run at a time.
    concurrency: int = 10
    #: ``"thread"`` or ``"process"``.
    pool: str = "thread"
    #: Modules and packages whose functions may be run.
    allow: list[str] = field(factory=list)
    #: Seconds that a job may run, if neither its call, its task nor its queue says so. None: as long as it takes.
    timeout: float | None = None
    #: Seconds that what runs gets to end when the worker is stopped. None: as long as it takes.
    drain_timeout: float | None = None

    def faults(self) -> Iterator[str]:
        """Say what is wrong, in sentences."""
        yield from _faults(checked_key, self.id, "worker")
        yield from _faults(checked_count, self.concurrency, "concurrency is")
        yield from _seconds("timeout", self.timeout)
        yield from _seconds("drain_timeout", self.drain_timeout, positive=False)
        if self.pool not in POOLS:
            yield f"there is no pool {self.pool!r}{did_you_mean(self.pool, POOLS)}: it is thread or process"
        yield from _faults(selections, self.assigned, self.steal, ("assigned", "steal"))
        for lane in sorted({*(self.assigned or ())} & {*(self.steal or ())}):
            yield f"lane {lane!r} is assigned to it, so it cannot steal from it: drop one of the two"

    def serves(self, queue: str) -> bool:
        """Tell whether it works on a queue."""
        return self.queues is None or queue in self.queues


def _seconds(name: str, value: float | None, *, positive: bool = True) -> Iterator[str]:
    if value is not None:
        yield from _faults(partial(checked_number, value, name, positive=positive))


def _faults(check: Callable[..., object], *args: Any) -> Iterator[str]:
    try:
        check(*args)
    except ConfigError as exc:
        yield from exc.problems
    except (ValueError, TypeError) as exc:  # InvalidJob is one
        yield str(exc)
