"""Operations as values: what to do is said once, and driven either way, blocking or awaited.

An operation of a backend is a generator. It yields *steps*, each one round trip to the store, and returns its result;
it never waits itself. `drive` performs the steps one after the other, `adrive` awaits them. Operations compose with
``yield from``, so logic over several round trips is written once for `Queue` and `AsyncQueue` alike.

The pattern is httpx's auth flow and psycopg's generators.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Protocol, TypeAlias, TypeVar

R = TypeVar("R")

#: An operation with a result of type R. The steps are the backend's own affair.
Steps: TypeAlias = Generator[Any, Any, R]


class Performer(Protocol):
    """Whoever can take one step, blocking or awaited: a backend."""

    def perform(self, step: Any) -> Any: ...

    async def aperform(self, step: Any) -> Any: ...


def drive(performer: Performer, steps: Steps[R]) -> R:
    """Perform an operation, blocking, and return its result."""
    try:
        step = next(steps)
        while True:
            try:
                reply = performer.perform(step)
            except Exception as exc:  # noqa: BLE001 - the operation decides what a failed step means
                step = steps.throw(exc)
            else:
                step = steps.send(reply)
    except StopIteration as stop:
        result: R = stop.value
        return result


async def adrive(performer: Performer, steps: Steps[R]) -> R:
    """Perform an operation, awaiting each step, and return its result."""
    try:
        step = next(steps)
        while True:
            try:
                reply = await performer.aperform(step)
            except Exception as exc:  # noqa: BLE001 - the operation decides what a failed step means
                step = steps.throw(exc)
            else:
                step = steps.send(reply)
    except StopIteration as stop:
        result: R = stop.value
        return result
