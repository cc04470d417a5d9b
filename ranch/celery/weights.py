"""Which weight function weighs the lanes of a queue, where the configuration and tasks may each name one."""

from __future__ import annotations

from inspect import getattr_static
from typing import Any

from celery import Celery

from ranch.celery.internals.app import task_queue
from ranch.config import Config
from ranch.exceptions import ConfigError
from ranch.hooks.manager import default_plugins
from ranch.typing import WeightFunction


def weight_function_of(app: Celery, config: Config, queue: str) -> WeightFunction | None:
    """Return the weight function of a queue: what is set for it, or by tasks routed to it, else what is set for all.

    Raises:
        ConfigError: Two that differ are named for the queue. A weight belongs to the lane, and not to the task, so a
            lane cannot have two.
    """
    named: dict[str, WeightFunction | None] = {}
    if queue in config.weight_functions:
        named[f"app.conf.ranch.weight_functions[{queue!r}]"] = _resolved(config.weight_functions[queue])
    for _, task in sorted(app.tasks.items()):
        spec = task_weight_function(type(task))
        # Another app's task, which Celery shares with this one, says nothing about the lanes of this one.
        is_ours = getattr(task, "made_for", None) in {None, app}
        if spec is not None and is_ours and task_queue(task) == queue:
            named[f"task {task.name}"] = _resolved(spec)
    if not named:
        return _resolved(config.weight_function)
    (first, chosen), *others = named.items()
    for other, function in others:
        if function != chosen:
            raise ConfigError(
                f"{first} has the weight function {chosen!r}, and {other} has {function!r}, and the lanes of queue "
                f"{queue!r} can have but one: give both the same, or route the task to another queue",
                where="weight_function",
            )
    return chosen


def task_weight_function(task: type) -> Any:
    """Return what a class of tasks names as its weight function, None for nothing."""
    # As it stands in the class: got from an object, a function would be a method.
    spec = getattr_static(task, "weight_function", None)
    return spec.__func__ if isinstance(spec, staticmethod) else spec


def _resolved(spec: Any) -> WeightFunction | None:
    return None if spec is None else default_plugins().weight_function(spec)
