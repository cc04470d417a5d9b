"""What a plugin may implement: each hook, with an example.

A plugin is a distribution with an entry point in the group ``ranch`` that names a module; the module holds functions
marked with `hookimpl`. The built-ins come through the same door.

Hooks of the *registration* family are called once, when a `Plugins` object is made, and return records;
what a record names is made when a queue is built that asks for it.

Hooks of the *event* family are called after something has happened, in the thread or event loop that made it happen,
once for a batch, with one frozen object. They return nothing and must not block. One that raises is logged and counted
in `Events.errors`, and changes nothing for the job. An event nobody listens to costs nothing.

Ranch never calls a hook to decide about a job.
"""

from __future__ import annotations

from ranch.hooks.specs.events import (
    ranch_backend_down,
    ranch_backend_up,
    ranch_cancelled,
    ranch_claimed,
    ranch_dead,
    ranch_enqueued,
    ranch_expired,
    ranch_failed,
    ranch_finished,
    ranch_lane_changed,
    ranch_ran,
    ranch_released,
    ranch_retried,
)
from ranch.hooks.specs.registrations import (
    ranch_backends,
    ranch_serializers,
    ranch_strategies,
    ranch_weight_functions,
)

__all__ = [
    "ranch_backend_down",
    "ranch_backend_up",
    "ranch_backends",
    "ranch_cancelled",
    "ranch_claimed",
    "ranch_dead",
    "ranch_enqueued",
    "ranch_expired",
    "ranch_failed",
    "ranch_finished",
    "ranch_lane_changed",
    "ranch_ran",
    "ranch_released",
    "ranch_retried",
    "ranch_serializers",
    "ranch_strategies",
    "ranch_weight_functions",
]
