"""The hooks of the registration family: called once, to be told what a plugin gives."""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

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
