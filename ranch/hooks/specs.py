"""What a plugin may implement: each hook, with an example.

A plugin is a distribution with an entry point in the group ``ranch`` that names a module; the module holds functions
marked with `hookimpl`. The built-ins come through the same door.

Hooks of the *registration* family, first below, are called once, when a `Plugins` object is made, and return records;
what a record names is made when a queue is built that asks for it.

Hooks of the *event* family are called after something has happened, in the thread or event loop that made it happen,
once for a batch, with one frozen object. They return nothing and must not block. One that raises is logged and counted
in `Events.errors`, and changes nothing for the job. An event nobody listens to costs nothing.

Ranch never calls a hook to decide about a job.
"""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from ranch.hooks.details import Claimed, Enqueued, Finished, LaneChanged, Released
from ranch.hooks.records import BackendPlugin, SerializerPlugin, StrategyPlugin, WeightFunctionPlugin

hookspec = pluggy.HookspecMarker("ranch")


@hookspec
def ranch_strategies() -> Sequence[StrategyPlugin]:  # type: ignore[empty-body]  # a specification has no body
    """Name strategies.

    Example:
        .. code-block:: python

            from attrs import frozen
            from ranch.hooks import StrategyPlugin, hookimpl
            from ranch.typing import Strategy


            @frozen
            class Stack(Strategy):
                def enter(self, lane, clock):
                    return -clock.tick

                def served(self, lane, clock, cost):
                    return -clock.tick


            @hookimpl
            def ranch_strategies():
                return [
                    StrategyPlugin(
                        name="stack",
                        factory=Stack,
                        summary="Last served, first served again.",
                    )
                ]
    """


@hookspec
def ranch_weight_functions() -> Sequence[WeightFunctionPlugin]:  # type: ignore[empty-body]  # a specification has no body
    """Name weight functions.

    Example:
        .. code-block:: python

            from attrs import frozen
            from ranch.hooks import WeightFunctionPlugin, hookimpl


            @frozen
            class Impact:
                floor: float = 0.1

                def __call__(self, lane_key, metadata):
                    return max(metadata.data.get("impact", 1.0), self.floor)


            @hookimpl
            def ranch_weight_functions():
                return [
                    WeightFunctionPlugin(
                        name="impact",
                        factory=Impact,
                        summary="What costs more is served less often.",
                    )
                ]
    """


@hookspec
def ranch_backends() -> Sequence[BackendPlugin]:  # type: ignore[empty-body]  # a specification has no body
    """Name backends, each by the scheme of its URLs.

    Example:
        .. code-block:: python

            from ranch.backends.memory import MemoryBackend
            from ranch.hooks import BackendPlugin, hookimpl


            @hookimpl
            def ranch_backends():
                return [
                    BackendPlugin(
                        name="scratch",
                        factory=lambda url, **options: MemoryBackend(**options),
                        summary="Gone with the process.",
                    )
                ]
    """


@hookspec
def ranch_serializers() -> Sequence[SerializerPlugin]:  # type: ignore[empty-body]  # a specification has no body
    """Name serializers.

    Example:
        .. code-block:: python

            from ranch.hooks import SerializerPlugin, hookimpl


            class Text:
                content_type = "text/plain"

                def dumps(self, payload):
                    return str(payload).encode()

                def loads(self, body):
                    return body.decode()


            @hookimpl
            def ranch_serializers():
                return [SerializerPlugin(name="text", factory=Text, summary="Text as it is.")]
    """


@hookspec
def ranch_enqueued(details: Enqueued) -> None:
    """Jobs were put into lanes: in the producer, once they are in the backend.

    Example:
        .. code-block:: python

            from ranch.hooks import hookimpl


            @hookimpl
            def ranch_enqueued(details):
                for job in details.jobs:
                    print(f"{details.queue}: {job.id} waits in lane {job.lane}")
    """


@hookspec
def ranch_claimed(details: Claimed) -> None:
    """Jobs were claimed: in the worker, before it has seen them.

    Example:
        .. code-block:: python

            from ranch.hooks import hookimpl


            @hookimpl
            def ranch_claimed(details):
                for lease in details.leases:
                    print(f"{lease.job.id} is on its {lease.job.attempts}. attempt")
    """


@hookspec
def ranch_finished(details: Finished) -> None:
    """Jobs were acked: in the worker, once they are out of the backend.

    Example:
        .. code-block:: python

            from ranch.hooks import hookimpl


            @hookimpl
            def ranch_finished(details):
                print(f"{details.queue}: {len(details.leases)} done")
    """


@hookspec
def ranch_released(details: Released) -> None:
    """Jobs were given back: in the worker, once others can claim them.

    Example:
        .. code-block:: python

            from ranch.hooks import hookimpl


            @hookimpl
            def ranch_released(details):
                print(f"{len(details.leases)} back in {details.delay} s")
    """


@hookspec
def ranch_lane_changed(details: LaneChanged) -> None:
    """A lane was changed: where `QueueLane.update` was called, once it has taken effect.

    Example:
        .. code-block:: python

            from ranch.hooks import hookimpl


            @hookimpl
            def ranch_lane_changed(details):
                print(f"{details.change.key} weighs {details.change.weight}")
    """
