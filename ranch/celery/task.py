"""Tasks with lanes: the decorator and the base class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import asdict
from celery import Celery, Task
from celery.result import AsyncResult

from ranch.celery.embedding import Ranch
from ranch.celery.internals.app import task_queue
from ranch.celery.publish import RanchAMQP
from ranch.celery.weights import task_weight_function
from ranch.checks import checked_key
from ranch.exceptions import ConfigError
from ranch.hooks.manager import default_plugins
from ranch.metadata import LaneMetadata
from ranch.model import JSONValue
from ranch.queue import Queue

#: `LaneMetadata`, as it is called where a lane is known by its *LRU key*.
LRUKeyMetadata = LaneMetadata


class LRUTask(Task):  # type: ignore[type-arg]  # the stubs make Task generic, which it is not when the program runs
    """A task that can be sent into a lane, and look after the lanes of its queue.

    May be inherited from: ``@lru_task(app, base=MyTask)``. A *client* in the names of its methods is a lane.
    All that it does beside sending is one round trip to the store, unless it says otherwise; what changes a lane takes
    one more where a weight function weighs it.
    """

    abstract = True

    #: What weighs the lanes of the queue that the task is routed to: see `lru_task`.
    weight_function: Any = None
    #: The app that `lru_task` was given: Celery shares tasks with all other apps of the process too.
    made_for: Celery | None = None

    @classmethod
    def on_bound(cls, app: Celery) -> None:
        """As the task is bound to its app."""
        super().on_bound(app)
        if task_weight_function(cls) is not None:
            Ranch.forget_queues(app)

    def lru_delay(
        self,
        lru_key: str,
        /,
        *args: Any,
        priority_weight: float | None = None,
        tags: Mapping[str, str | None] | None = None,
        expiry: float | None = None,
        **kwargs: Any,
    ) -> AsyncResult[Any]:
        """Send the task with these arguments into a lane.

        Args:
            lru_key: The lane.
            *args: The task's positional arguments.
            priority_weight: The lane's weight from now on, > 0: lower is served more often.
            tags: Tags to set on the lane; those not named stay.
            expiry: Seconds after which the task is not to run any more.
            **kwargs: The task's keyword arguments.

        Returns:
            The result of this very task. One round trip, and as many more as a change of the lane takes.

        Raises:
            InvalidJob: A value cannot be; nothing was stored.
            BackendUnavailable: The store cannot be reached; nothing was stored.
        """
        self._check_embedded()
        # Celery drops an option that is None, and would run the task in no lane.
        options: dict[str, Any] = {"lane": checked_key(lru_key), "lane_weight": priority_weight, "lane_tags": tags}
        if expiry is not None:
            options["expires"] = expiry
        return self.apply_async(args, kwargs, **options)

    @property
    def ranch_queue(self) -> Queue:
        """The queue that the task is routed to. No round trip."""
        self._check_embedded()
        name = task_queue(self)
        if name is None:
            raise ConfigError(f"task {self.name} is routed to an exchange, and lanes need a queue: give it one")
        return Ranch(self.app).queue(name)

    def set_priority_weight(self, lru_key: str, weight: float) -> None:
        """Set a lane's weight, > 0: lower is served more often, 0.5 gives twice the share of 1."""
        self.ranch_queue.lane(lru_key).update(weight=weight)

    def add_tag(self, lru_key: str, name: str, value: str) -> None:
        """Set one tag of a lane."""
        self.ranch_queue.lane(lru_key).update(tags={name: value})

    def set_custom_data(self, lru_key: str, name: str, value: JSONValue) -> None:
        """Set one entry of a lane's custom data, a JSON value; None removes it."""
        self.ranch_queue.lane(lru_key).update(data={name: value})

    def get_custom_data(self, lru_key: str) -> dict[str, JSONValue]:
        """Return a lane's custom data."""
        return dict(self.ranch_queue.lane(lru_key).read().data)

    def get_client_metadata(self, lru_key: str) -> dict[str, Any]:
        """Return what is known of a lane: its weight, tags and custom data, and its numbers.

        ``weight`` is what was set, ``effective_weight`` what a weight function made of it. ``pending_tasks`` are those
        that could run now. Beside them there are the numbers of `LaneStats`.
        """
        lane = self.ranch_queue.lane(lru_key).read()
        return {
            "lru_key": lane.key,
            "weight": lane.weight,
            "effective_weight": lane.effective_weight,
            "tags": dict(lane.tags),
            "custom_data": dict(lane.data),
            "pending_tasks": lane.stats.pending,
            **asdict(lane.stats),
        }

    def get_tagged_clients(self, name: str, value: str) -> list[str]:
        """Return the lanes that bear a tag, sorted; one round trip for each 1,000 and one more."""
        return [lane.key for lane in self.ranch_queue.lanes(tag=(name, value))]

    def get_system_status(self) -> dict[str, Any]:
        """Return the numbers of the task's queue: ``backlog_size``, those of `QueueStats`, and the queue's name."""
        queue = self.ranch_queue
        stats = queue.stats()
        return {"queue": queue.name, "backlog_size": stats.pending + stats.delayed, **asdict(stats)}

    def _check_embedded(self) -> None:
        # Plain Celery would take the lane for a property of the message, and run the task in no lane.
        if not isinstance(self.app.amqp, RanchAMQP):
            raise ConfigError(f"the app of task {self.name} knows no lanes: call ranch.celery.Ranch(app)")


def lru_task(app: Celery, *, weight_function: Any = None, **options: Any) -> Callable[[Callable[..., Any]], LRUTask]:
    """Make a task that has lanes, in an app that ranch is embedded in, now if it was not before.

    Args:
        app: The app.
        weight_function: What weighs the lanes: a function of a lane's key and `LaneMetadata`, the name of a weight
            function, or a mapping of ``name`` and its options. A weight belongs to the lane, so this is the weight
            function of the queue that the task is routed to, and weighs its lanes whatever runs in them. Another one
            named for that queue, by a task or in ``app.conf.ranch["weight_functions"]``, is a `ConfigError` when the
            queue is first used, or a worker of it starts.
        **options: As for ``app.task``. A `base` has to inherit from `LRUTask`.

    Raises:
        ConfigError: An option is not one.
    """
    if not isinstance(app, Celery):
        raise ConfigError(f"expected a Celery app, got {app!r}: write @lru_task(app)", where="lru_task")
    if weight_function is not None:
        default_plugins().weight_function(weight_function)
        options["weight_function"] = weight_function
    options["made_for"] = app
    base = options.setdefault("base", LRUTask)
    if not (isinstance(base, type) and issubclass(base, LRUTask)):
        raise ConfigError(f"base={base!r} does not inherit from {LRUTask!r}", where="lru_task")
    Ranch(app)
    task: Callable[[Callable[..., Any]], LRUTask] = app.task(**options)
    return task
