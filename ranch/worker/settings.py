"""What a worker is told, and what it tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

from attrs import field, frozen

from ranch.aqueue import AsyncQueue
from ranch.checks import checked_count, checked_number, did_you_mean
from ranch.exceptions import ConfigError, InvalidJob
from ranch.queue import Queue
from ranch.selection import LaneNames, Selection, selections

#: Where functions run that are no coroutine functions.
Pool: TypeAlias = Literal["thread", "process"]
POOLS: Final = ("thread", "process")


def _checked_queues(values: Iterable[object]) -> tuple[Queue | AsyncQueue, ...]:
    queues = tuple(values)
    for queue in queues:
        if not isinstance(queue, (Queue, AsyncQueue)):
            raise InvalidJob(f"a worker works on queues, and {queue!r} is none")
    if not queues:
        raise InvalidJob("a worker needs a queue to work on")
    return queues  # type: ignore[return-value]  # as was checked


def _checked_concurrency(value: object) -> int:
    return checked_count(value, "concurrency is")


def _checked_max_jobs(value: object) -> int | None:
    return None if value is None else checked_count(value, "max_jobs is")


def _checked_drain_timeout(value: object) -> float | None:
    return None if value is None else checked_number(value, "drain_timeout")


def _checked_timeout(value: object) -> float | dict[str, float | None] | None:
    if isinstance(value, Mapping):
        return {name: _checked_seconds(seconds) for name, seconds in value.items()}
    return _checked_seconds(value)


def _checked_seconds(value: object) -> float | None:
    return None if value is None else checked_number(value, "timeout", positive=True)


def _checked_pool(value: object) -> object:
    if value not in POOLS:
        raise InvalidJob(f"pool is one of {', '.join(map(repr, POOLS))}, not {value!r}")
    return value


def _checked_allow(value: object) -> tuple[str, ...]:
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        names = tuple(value)
        if all(isinstance(name, str) and name for name in names):
            return names
    raise InvalidJob(f"allow is a list of modules, not {value!r}")


@frozen(kw_only=True)
class Settings:
    """How a worker works."""

    queues: tuple[Queue | AsyncQueue, ...] = field(converter=_checked_queues)
    concurrency: int = field(default=10, converter=_checked_concurrency)
    pool: Pool = field(default="thread", converter=_checked_pool)
    allow: tuple[str, ...] = field(default=(), converter=_checked_allow)
    burst: bool = False
    max_jobs: int | None = field(default=None, converter=_checked_max_jobs)
    timeout: float | dict[str, float | None] | None = field(default=None, converter=_checked_timeout)
    drain_timeout: float | None = field(default=None, converter=_checked_drain_timeout)
    assigned: LaneNames | None = None
    steal: LaneNames | None = None
    #: What these two say; others can be set while the worker runs.
    selections: tuple[Selection, ...] = field(init=False)

    @selections.default
    def _select(self) -> tuple[Selection, ...]:
        return selections(self.assigned, self.steal, ("assigned", "steal"))

    def __attrs_post_init__(self) -> None:
        names = [queue.name for queue in self.queues]
        for name in self.timeout if isinstance(self.timeout, dict) else ():
            if name not in names:
                raise InvalidJob(f"timeout is for the worker's queues, and {name!r} is none{did_you_mean(name, names)}")
        self.check()

    def timeout_of(self, queue: str) -> float | None:
        """Return how many seconds a job of a queue may run, if nothing else says so."""
        return self.timeout.get(queue) if isinstance(self.timeout, dict) else self.timeout

    def check(self) -> None:
        """Check that the tasks that there are can be run.

        Raises:
            ConfigError: One cannot.
        """
        if self.pool != "process":
            return
        problems = []
        for task in (task for queue in self.queues for task in queue.tasks):
            if task.is_coroutine:
                problems.append(f"{task.name} is a coroutine function, and the pool 'process' runs none: use 'thread'")
            elif "<locals>" in task.function.__qualname__:
                problems.append(f"{task.name} is inside another function, where no other process can find it")
        if problems:
            raise ConfigError(problems, where="worker")


@frozen(kw_only=True)
class Health:
    """A worker at one moment, for whoever asks whether it is alive."""

    #: ``"running"``; ``"stopping"``: it ends what runs, and claims no more; ``"stopped"``.
    state: Literal["running", "stopping", "stopped"]
    #: Whether the last claim of each queue was answered.
    store: bool
    #: Jobs that run now.
    running: int
    #: Jobs that were done, that failed, and that were given back, since it was made.
    done: int
    failed: int
    released: int

    @property
    def ok(self) -> bool:
        """It claims jobs, and its store answers."""
        return self.state == "running" and self.store
