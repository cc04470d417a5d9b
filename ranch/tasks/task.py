"""A task: a function whose calls can be put into lanes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, TypeAlias, TypeVar

from attrs import evolve, field, frozen

from ranch.checks import checked_key, checked_number, did_you_mean
from ranch.context import current_lane
from ranch.exceptions import InvalidJob
from ranch.model import NewJob
from ranch.operations import Operations
from ranch.options import EnqueueOptions
from ranch.retry import Retry, checked_retry
from ranch.schedule import GRACE, Schedule
from ranch.steps import Steps, adrive, drive
from ranch.tasks.call import TaskCall
from ranch.tasks.job import TaskJob, enqueue
from ranch.tasks.recurrence import Recurrence
from ranch.typing import Backend

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ranch.tasks.registry import Registry

P = ParamSpec("P")
R = TypeVar("R")

#: A task, or its name.
Callback: TypeAlias = "str | Task[Any, Any]"
#: The same as it may be given: a plain function is made a task.
GivenCallback: TypeAlias = "Callback | Callable[..., Any] | None"

#: What `Queue.enqueue` takes beside lane and payload.
ENQUEUE_OPTIONS: Final = tuple(EnqueueOptions.__annotations__)
_OTHERS: Final = ("lane", "retry", "timeout", "on_success", "on_failure")
_SAID_ONCE_ONLY: Final = {"dedup", "dedup_key", "dedup_for", "serializer"}


def _checked_lane(value: object) -> str | None:
    return None if value is None else checked_key(value)


def _checked_timeout(value: object) -> float | None:
    return None if value is None else checked_number(value, "timeout", positive=True)


def _checked_options(options: Mapping[str, Any]) -> dict[str, Any]:
    for name in options:
        if name not in ENQUEUE_OPTIONS:
            raise InvalidJob(f"{name!r} is no option of a task{did_you_mean(name, (*ENQUEUE_OPTIONS, *_OTHERS))}")
    NewJob(lane="-", body=b"", content_type="", **{k: v for k, v in options.items() if k not in _SAID_ONCE_ONLY})
    return dict(options)


@frozen(kw_only=True, eq=False, slots=False)
class Task(Generic[P, R]):
    """A function whose calls can be put into lanes; called itself, it runs here and now.

    Made by `Queue.task`. A `Worker` runs its jobs.
    """

    function: Callable[P, R] = field(repr=False)
    #: By which a worker finds it: ``pkg.module:function``, or what it was given.
    name: str
    #: When it is tried again after a failure; None: as the queue says.
    retry: Retry | None = field(default=None, converter=checked_retry)
    #: Seconds for which it may run; None: for ever.
    timeout: float | None = field(default=None, converter=_checked_timeout)
    #: Called in jobs of their own when it is done, and when it is given up.
    on_success: Callback | None = None
    on_failure: Callback | None = None
    #: Where its jobs go if nobody else says.
    lane: str | None = field(default=None, converter=_checked_lane)
    _options: dict[str, Any] = field(factory=dict, converter=_checked_options, repr=False)
    _registry: Registry = field(repr=False)
    _said: dict[str, Any] = field(factory=dict, repr=False)

    def __attrs_post_init__(self) -> None:
        # What introspection reads, as functools.update_wrapper would write it.
        names = (*functools.WRAPPER_ASSIGNMENTS, "__wrapped__")
        vars(self).update({name: getattr(self.function, name, None) for name in names}, __wrapped__=self.function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    @functools.cached_property
    def is_coroutine(self) -> bool:
        """It has to be awaited."""
        return inspect.iscoroutinefunction(self.function)

    def options(
        self,
        *,
        lane: str | None = None,
        retry: Retry | None = None,
        timeout: float | None = None,
        on_success: GivenCallback = None,
        on_failure: GivenCallback = None,
        **options: Unpack[EnqueueOptions],
    ) -> Task[P, R]:
        """Return the task with other options, for the calls that are enqueued through it.

        Args:
            lane: This and all that follow: as for `Queue.task`. What is not named stays.
            retry: The same; it goes with each call, so its delays have to be no function.
            timeout: The same.
            on_success: The same.
            on_failure: The same.
            options: `delay`, `priority`, `cost`, `bid`, `expires`, `lease`, `dedup`, `dedup_key`, `dedup_for`,
                `result_ttl` and `serializer`: see `EnqueueOptions`.

        Raises:
            InvalidJob: There is no such option, or a value cannot be.
        """
        callback = self._registry.callback
        if goes_along := checked_retry(retry):
            goes_along.to_dict()
        given: dict[str, Any] = {
            "retry": retry,
            "timeout": timeout,
            "on_success": callback(on_success),
            "on_failure": callback(on_failure),
        }
        said: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return evolve(
            self,
            lane=self.lane if lane is None else lane,
            options={**self._options, **options},
            said={**self._said, **said},
            **said,
        )

    def enqueue(self, lane: str | None, /, *args: P.args, **kwargs: P.kwargs) -> TaskJob:
        """Put a call into a lane: a worker will run it. One round trip.

        The job that is returned has its `result`, kept for `result_ttl` seconds; by default as the queue says.

        Args:
            lane: Whose job it is. None: that of the `ranch.lane` block that this is in, where a job that runs is in
                one of its own lane; else the task's own.
            args: For the function.
            kwargs: For the function.

        Raises:
            InvalidJob: The arguments do not fit the function, or there is no lane; nothing was stored.
            QueueFull: As for `Queue.enqueue`.
            SerializationError: The serializer does not take the arguments; nothing was stored.
        """
        return drive(self._backend, self._enqueued(lane, [self._call(args, kwargs)]))[0]

    async def aenqueue(self, lane: str | None, /, *args: P.args, **kwargs: P.kwargs) -> TaskJob:
        """Do as `enqueue`, awaited."""
        return (await adrive(self._backend, self._enqueued(lane, [self._call(args, kwargs)])))[0]

    def enqueue_each(self, lane: str | None, /, *iterables: Iterable[Any]) -> list[TaskJob]:
        """Put a call into a lane for each item, or for the items of several iterables as ``map`` would call it.

        All are checked before the first is stored. One round trip, and all or none, for each 1,000.

        Args:
            lane: As for `enqueue`.
            iterables: One for each argument of the function; the shortest ends it.

        Raises:
            InvalidJob: As for `enqueue`.
            QueueFull: As for `Queue.enqueue_many`.
            SerializationError: As for `enqueue`.
        """
        return drive(self._backend, self._enqueued(lane, self._calls(iterables)))

    async def aenqueue_each(self, lane: str | None, /, *iterables: Iterable[Any]) -> list[TaskJob]:
        """Do as `enqueue_each`, awaited."""
        return await adrive(self._backend, self._enqueued(lane, self._calls(iterables)))

    def schedule(
        self, cron: str | None = None, *, name: str | None = None, lane: str | None = None, **times: Unpack[Recurrence]
    ) -> Schedule:
        """Enqueue a call again and again: see `Queue.schedule`, of which this is the form for tasks. Two round trips.

        Args:
            cron: As there.
            name: Of the schedule; by default the task's.
            lane: As for `enqueue`.
            times: `args` and `kwargs` for the function, and `every`, `timezone`, `missed` and `grace` as there. What
                is said of its jobs, such as their `priority`, are the `options` of the task.

        Raises:
            InvalidJob: The arguments do not fit the function, or as there; nothing was stored.
            SerializationError: The serializer does not take the arguments.
        """
        steps = self.scheduled(self._registry.operations, cron, name=name, lane=lane, **times)
        return drive(self._backend, steps)

    async def aschedule(
        self, cron: str | None = None, *, name: str | None = None, lane: str | None = None, **times: Unpack[Recurrence]
    ) -> Schedule:
        """Do as `schedule`, awaited."""
        return await adrive(
            self._backend, self.scheduled(self._registry.operations, cron, name=name, lane=lane, **times)
        )

    def call(self, *args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        """Return a call as a payload, for `Queue.enqueue_many`: a round trip for a thousand of them.

        What the task says of enqueueing, such as its `priority`, is not in it.

        Raises:
            InvalidJob: The arguments do not fit the function.
        """
        return self._call(args, kwargs).payload()

    def fits(self, args: Any, kwargs: Mapping[str, Any]) -> None:
        """Check arguments against the function's signature.

        Raises:
            InvalidJob: They do not fit.
        """
        try:
            self._signature.bind(*args, **kwargs)
        except TypeError as exc:
            raise InvalidJob(f"the arguments do not fit {self.name}{self._signature}: {exc}") from exc

    def scheduled(
        self,
        operations: Operations,
        cron: str | None,
        *,
        name: str | None,
        lane: str | None,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        **said: Any,
    ) -> Steps[Schedule]:
        """Declare a schedule in a queue; what is not said of its jobs is as the task says."""
        payload = self._call(args, kwargs or {}).payload()
        said = {"every": None, "timezone": "UTC", "missed": "one", "grace": GRACE, **self._options, **said}
        return operations.schedule(cron, payload, name=name or self.name, lane=self._lane(lane), **said)

    def as_callback(self) -> str | dict[str, Any]:
        """Return what a call keeps of it, if it is a callback of that call alone."""
        said = {**self._options, **self._stored(), **({} if self.lane is None else {"lane": self.lane})}
        if retry := said.get("retry"):
            said["retry"] = retry.to_dict()
        return {**said, "task": self.name} if said else self.name

    @property
    def queue_name(self) -> str:
        """The name of the queue that it is a task of."""
        return self._registry.operations.name

    @property
    def _backend(self) -> Backend:
        return self._registry.operations.backend

    @functools.cached_property
    def _signature(self) -> inspect.Signature:
        return inspect.signature(self.function)

    def _enqueued(self, lane: str | None, calls: list[TaskCall]) -> Steps[list[TaskJob]]:
        return enqueue(self._registry.operations, self._lane(lane), calls, self._options)

    def _calls(self, iterables: Sequence[Iterable[Any]]) -> list[TaskCall]:
        return [self._call(args, {}) for args in zip(*iterables)]  # noqa: B905 - the shortest ends it, as it ends map

    def _call(self, args: Any, kwargs: Mapping[str, Any]) -> TaskCall:
        self.fits(args, kwargs)
        return TaskCall(task=self.name, args=args, kwargs=kwargs, **self._stored())

    def _stored(self) -> dict[str, Any]:
        """Return what goes along with a call: what was said in place of what the task says."""
        return {
            name: self._registry.stored(value) if name in {"on_success", "on_failure"} else value
            for name, value in self._said.items()
        }

    def _lane(self, lane: str | None) -> str:
        if lane is not None:
            return lane
        around = current_lane()
        if isinstance(around, str):
            return around
        if self.lane is None:
            raise InvalidJob(f"a job of {self.name} needs a lane: name it, or give the task one with lane=…")
        return self.lane


def scheduled(
    operations: Operations, cron: str | None, payload: Any, *, name: str | None, lane: str | None, **said: Any
) -> Steps[Schedule]:
    """Declare the schedule of a payload, or of a task, which may have a name and a lane of its own."""
    if isinstance(payload, Task):
        return payload.scheduled(operations, cron, name=name, lane=lane, **said)
    return operations.schedule(cron, payload, name=checked_key(name, "schedule"), lane=checked_key(lane), **said)
