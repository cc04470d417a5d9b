"""What registration hooks return: frozen records."""

from __future__ import annotations

from collections.abc import Callable

from attrs import field, frozen, validators

from ranch.typing import Backend, Serializer, Strategy, WeightFunction

_name = validators.matches_re(r"[a-z][a-z0-9+.-]*")


@frozen(kw_only=True)
class StrategyPlugin:
    """A strategy that configurations may choose by name."""

    name: str = field(validator=_name)
    #: An attrs class: its fields are the strategy's options, and an instance is the strategy.
    factory: type[Strategy]
    #: One line that says when to use it.
    summary: str


@frozen(kw_only=True)
class WeightFunctionPlugin:
    """A weight function that configurations may choose by name."""

    name: str = field(validator=_name)
    #: An attrs class: its fields are the function's options, and an instance is the function.
    factory: type[WeightFunction]
    #: One line that says what it makes of a lane.
    summary: str


@frozen(kw_only=True)
class BackendPlugin:
    """A backend that configurations may choose by the scheme of its URL."""

    #: The scheme, without ``://``.
    name: str = field(validator=_name)
    #: Called with the whole URL, and the options that the user gave beside it.
    factory: Callable[..., Backend]
    summary: str
    #: It is reached over a network, and may be away: a queue that opens it by its URL has a breaker before it.
    remote: bool = False


@frozen(kw_only=True)
class SerializerPlugin:
    """A serializer that configurations may choose by name."""

    name: str = field(validator=_name)
    factory: Callable[[], Serializer]
    summary: str
    #: Reading can run code of the writer's, so a queue reads it only if its configuration says so by name.
    trusted_only: bool = False
