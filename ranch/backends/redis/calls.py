"""Calls of one queue's scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from attrs import define, field

from ranch.backends.redis.keys import Keys
from ranch.backends.redis.records import to_ms
from ranch.backends.redis.runners import Call
from ranch.backends.redis.scripts import load
from ranch.backends.redis.twins import Twin
from ranch.policy import Policy
from ranch.typing import Clock, Strategy

T = TypeVar("T")


@define
class Caller:
    """Makes the calls of one queue under one strategy."""

    keys: Keys
    _strategy: Strategy
    _policy: Policy
    _clock: Clock | None
    _twin: Twin = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._twin = Twin.of(self._strategy)

    def call(self, name: str, *args: Any, parse: Any) -> Call:
        """Return the call of a script."""
        script = load(name, self._twin, self._policy)
        return Call(script, self.keys.named(script.keys), args, parse)

    def now(self) -> int | str:
        """Return the time to give to a script: none, so that it takes the server's, unless there is a clock."""
        return "" if self._clock is None else to_ms(self._clock())


def pages(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Return a sequence in parts."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def nothing(reply: object) -> None:
    """Read a reply that says nothing."""
