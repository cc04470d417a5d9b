"""Sending calls, blocking or awaited, and telling what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from attrs import frozen
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from ranch.backends.redis.scripts import Script
from ranch.choice import StrategyChoice
from ranch.exceptions import BackendError, BackendUnavailable, ConfigError, QueueFull, RanchError, StrategyMismatch

# What passes: the server starts, fails over, or is not there.
_UNAVAILABLE: Final = (
    RedisConnectionError,
    RedisTimeoutError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    ReadOnlyError,
)


@frozen
class Call:
    """One round trip as a value: a script or a plain command, what it is given, and how to read the reply."""

    command: Script | str
    keys: tuple[str, ...]
    args: tuple[Any, ...]
    parse: Callable[[Any], Any]

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
}


def _refusal(status: bytes, rest: Sequence[Any]) -> RanchError:
    refusal = _REFUSALS.get(status)
    return refusal(*rest) if refusal else BackendError(f"a script answered {status!r}")


def send(client: Any, call: Call) -> Any:
    """Send a call and return what it means. A script that the server does not know goes along whole."""
    with _errors(call):
        try:
            reply = client.execute_command(*call.words())
        except NoScriptError:
            reply = client.execute_command(*call.words("EVAL"))
    return call.read(reply)


async def asend(client: Any, call: Call) -> Any:
    """Do as `send`, awaited."""
    with _errors(call):
        try:
            reply = await client.execute_command(*call.words())
        except NoScriptError:
            reply = await client.execute_command(*call.words("EVAL"))
    return call.read(reply)


@contextmanager
def _errors(call: Call) -> Iterator[None]:
    try:
        yield
    except (AuthenticationError, AuthorizationError) as exc:
        raise BackendError(f"Redis lets us not in: {exc}") from exc
    except _UNAVAILABLE as exc:
        raise BackendUnavailable(f"Redis cannot be reached: {exc}") from exc
    except ResponseError as exc:
        if isinstance(call.command, Script) and "user_script" in str(exc):
            raise call.command.error(str(exc)) from exc
        raise BackendError(f"Redis refused: {exc}") from exc
    except RedisError as exc:
        raise BackendError(f"Redis failed: {exc}") from exc


def check_client(client: Any) -> None:
    """Refuse a client that decodes replies: jobs are bytes."""
    if client.get_encoder().decode_responses:
        raise ConfigError(
            "the client decodes replies, and jobs are bytes: make it with decode_responses=False", where="backend"
        )


def patience(client: Any) -> float:
    """Return for how many seconds a command may block, well within the client's own patience."""
    pool = getattr(client, "connection_pool", None)
    timeout = pool.connection_kwargs.get("socket_timeout") if pool else None
    return min(2.0, timeout / 2) if timeout else 2.0
