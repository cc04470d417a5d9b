"""What a queue offers for tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from ranch.operations import Operations
from ranch.retry import Retry
from ranch.steps import Steps, adrive, drive
from ranch.tasks.call import CallOptions, TaskCall
from ranch.tasks.job import TaskJob, enqueue
from ranch.tasks.registry import Registry
from ranch.tasks.task import GivenCallback, Task

if TYPE_CHECKING:
    from typing_extensions import Unpack

P = ParamSpec("P")
R = TypeVar("R")


class _Tasks:
    _operations: Operations

    @cached_property
    def tasks(self) -> Registry:
        """The functions that were made tasks of this queue, by their names."""
        return Registry(self._operations)

    @overload
    def task(self, function: Callable[P, R], /) -> Task[P, R]: ...

    @overload
    def task(
        self,
        function: None = None,
        /,
        *,
        name: str | None = None,
        retry: Retry | None = None,
        timeout: float | None = None,
        on_success: GivenCallback = None,
        on_failure: GivenCallback = None,
        lane: str | None = None,
        **options: Any,
    ) -> Callable[[Callable[P, R]], Task[P, R]]: ...

    def task(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        name: str | None = None,
        retry: Retry | None = None,
        timeout: float | None = None,
        on_success: GivenCallback = None,
        on_failure: GivenCallback = None,
        lane: str | None = None,
        **options: Any,
    ) -> Any:
        """Make a function a task of this queue: its calls can be put into lanes, for workers to run.

        Use it as a decorator, with or without arguments. The function may be a coroutine function, and stays callable.

        Args:
            function: What is to be run.
            name: By which workers find it; by default where it is, as ``pkg.module:function``.
            retry: When it is tried again after a failure; by default as the queue says.
            timeout: Seconds for which it may run; by default for ever. What becomes of it then depends on the
                worker's pool.
            on_success: A task, a function or the name of one. When a job is done, it is called in a job of its own with
                a mapping of ``job``, ``lane``, ``task``, ``args``, ``kwargs`` and ``result``; at least once.
            on_failure: The same for a job that is given up, with ``error`` in place of ``result``.
            lane: Where its jobs go if nobody else says. A callback without one goes into the lane of its job.
            options: `delay`, `priority`, `cost`, `bid`, `expires`, `lease`, `dedup`, `dedup_key`, `dedup_for`,
                `result_ttl` and `serializer`: see `EnqueueOptions`.

        Raises:
            ConfigError: Another function is a task of that name.
            InvalidJob: There is no such option, or a value cannot be.
        """
        if function is None:
            return partial(
                self.tasks.add,
                name=name,
                retry=retry,
                timeout=timeout,
                on_success=on_success,
                on_failure=on_failure,
                lane=lane,
                options=options,
            )
        return self.tasks.add(function)

    def _called(self, task: str, lane: str, options: Mapping[str, Any]) -> Steps[list[TaskJob]]:
        said = {name: options[name] for name in TaskCall.names() if name in options}
        for name in ("on_success", "on_failure"):
            said[name] = self.tasks.stored(said.get(name))
        rest = {name: value for name, value in options.items() if name not in said}
        return enqueue(self._operations, lane, [TaskCall(task=task, **said)], rest)


class BlockingTasks(_Tasks):
    """The part of `Queue` that knows functions."""

    def enqueue_call(self, task: str, *, lane: str, **options: Unpack[CallOptions]) -> TaskJob:
        """Put the call of a function into a lane without importing it. One round trip.

        A worker that cannot find it, or that the arguments do not fit, makes a dead letter of the job.

        Args:
            task: Its name: ``"pkg.module:function"``, or the name that the task was given.
            lane: Whose job it is.
            options: `args` and `kwargs` for the function; in place of the task's own `retry`, `timeout`, `on_success`
                and `on_failure`; and as for `Queue.enqueue`. See `CallOptions`.

        Raises:
            InvalidJob: A value cannot be; nothing was stored.
            SerializationError: The serializer does not take the arguments; nothing was stored.
        """
        return drive(self._operations.backend, self._called(task, lane, options))[0]


class AsyncTasks(_Tasks):
    """The part of `AsyncQueue` that knows functions."""

    async def enqueue_call(self, task: str, *, lane: str, **options: Unpack[CallOptions]) -> TaskJob:
        """As `Queue.enqueue_call`."""
        return (await adrive(self._operations.backend, self._called(task, lane, options)))[0]
