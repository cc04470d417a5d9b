"""Calls: one round trip each, as a value; and sending them, blocking or awaited."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from attrs import frozen
from redis.exceptions import NoScriptError

from ranch.backends.redis.failures import translated
from ranch.backends.redis.scripts import Script
from ranch.choice import StrategyChoice
from ranch.exceptions import BackendError, QueueFull, RanchError, StrategyMismatch


@frozen
class Call:
    """One round trip as a value: a script or a plain command, what it is given, and how to read the reply."""

    command: Script | str
    keys: tuple[str, ...]
    args: tuple[Any, ...]
    parse: Callable[[Any], Any]
    #: Whether the server may keep the answer back until there is something to tell.
    waits: bool = False

    def words(self, how: str = "EVALSHA") -> tuple[Any, ...]:
        """Return the command as it is sent; a script by its hash or, with ``EVAL``, whole."""
        if isinstance(self.command, str):
            return (self.command, *self.keys, *self.args)
        script = self.command.sha if how == "EVALSHA" else self.command.text
        return (how, script, len(self.keys), *self.keys, *self.args)

    def read(self, reply: Any) -> Any:
        """Return what the reply means.

        Raises:
            RanchError: The script's status word is not ``ok``.
        """
        if isinstance(self.command, Script):
            status, *rest = reply
            if status != b"ok":
                raise _refusal(status, rest)
            reply = rest
        return self.parse(reply)

    def error(self, text: str) -> RanchError:
        """Return what the server says against the call as an error."""
        if isinstance(self.command, Script) and "user_script" in text:
            return self.command.error(text)
        return BackendError(f"Redis refused: {text}")


class UnknownSelectionError(BackendError):
    """The server does not know the names of a selection, or no more: they have to be sent to it."""


def _layout(number: int) -> BackendError:
    return BackendError(f"the queue was written by another ranch (layout {number}): use that one, or another queue")


def _strategy(stored: bytes, generation: int, own: bytes) -> StrategyMismatch:
    return StrategyMismatch(StrategyChoice.read(stored, generation), StrategyChoice.read(own, 0))


def _full(lane: bytes, limit: int) -> QueueFull:
    return QueueFull(lane.decode() or None, limit)


# What a script's status word means, beside ``ok``.
_REFUSALS: Final[dict[bytes, Callable[..., RanchError]]] = {
    b"full": _full,
    b"layout": _layout,
    b"strategy": _strategy,
    b"unselected": UnknownSelectionError,
}


def _refusal(status: bytes, rest: Sequence[Any]) -> RanchError:
    refusal = _REFUSALS.get(status)
    return refusal(*rest) if refusal else BackendError(f"a script answered {status!r}")


def send(client: Any, call: Call) -> Any:
    """Send a call and return what it means. A script that the server does not know goes along whole."""
    with translated(call.error):
        try:
            reply = client.execute_command(*call.words())
        except NoScriptError:
            reply = client.execute_command(*call.words("EVAL"))
    return call.read(reply)


async def asend(ask: Callable[..., Awaitable[Any]], call: Call) -> Any:
    """Do as `send`, awaited, by way of what sends a command and returns the answer."""
    with translated(call.error):
        try:
            reply = await heeding(ask(*call.words()))
        except NoScriptError:
            reply = await heeding(ask(*call.words("EVAL")))
    return call.read(reply)


async def heeding(answer: Awaitable[Any]) -> Any:
    """Await what a client answers, and end if this was cancelled meanwhile.

    The client awaits with asyncio.wait_for, which before Python 3.12 forgets that it was cancelled if what it waits for
    is done at that instant. Whoever has cancelled would wait for ever.
    """
    told = _told_to_stop()
    reply = await answer
    if _told_to_stop() > told:
        raise asyncio.CancelledError
    return reply


def _told_to_stop() -> int:
    """Return how often the running task was cancelled; before Python 3.11 nobody counts that."""
    if sys.version_info < (3, 11):
        return 0
    task = asyncio.current_task()
    return task.cancelling() if task else 0
