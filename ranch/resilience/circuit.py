"""Calls that fail at once, while what they call fails.

By the breaker that stands before backends: the libraries that there are count failures in a row and not in a time,
let any number of trials through at once, or know threads or event loops and not both (see ADR 6).
"""

from __future__ import annotations

import functools
import inspect
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar, Final, ParamSpec, TypeVar

from ranch.breaker import Breaker
from ranch.checks import checked_count, checked_key, checked_number
from ranch.exceptions import CircuitOpen, ConfigError, InvalidJob

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger("ranch")

#: Seconds that only grow.
clock: Callable[[], float] = time.monotonic
#: Those that have a name, with what was said of each.
_named: Final[dict[str, tuple[Circuit, tuple[float, ...]]]] = {}
_naming: Final = threading.Lock()


class Circuit(Breaker):
    """A `Breaker` before functions: whatever they raise is a failure."""

    failure: ClassVar[type[Exception]] = Exception

    def __init__(self, name: str, failures: int, seconds: float, trials: int, window: float) -> None:
        super().__init__(failures, seconds, self._tell_log, trials=trials, window=window, clock=clock)
        self.name = name

    def refusal(self, seconds: float, error: Exception | None) -> Exception:
        return CircuitOpen(self.name, seconds, repr(error))

    def _tell_log(self, is_open: bool, error: Exception | None) -> None:  # noqa: FBT001 - as `Breaker` calls it
        if is_open:
            log.warning("%s fails, and is not called for a while: %r", self.name, error)
        else:
            log.warning("%s is called again", self.name)


def circuit_breaker(
    name: str | None = None,
    failure_threshold: int = 5,
    recovery_timeout: float = 30.0,
    half_open_max_calls: int = 3,
    window_size: float = 60.0,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function's calls fail at once, while it has failed too often.

    Its state is this process's own, and shared by its threads and event loops.

    Args:
        name: Functions of one name share one breaker. None: the function has its own.
        failure_threshold: How many calls have to fail, in `window_size` seconds, until it opens. Every `Exception` is a
            failure; a call that is cancelled is none.
        recovery_timeout: Seconds from opening to the next trial.
        half_open_max_calls: How many calls are let through then. If all of them return, it closes; the first that fails
            opens it again.
        window_size: Seconds.

    Raises:
        ConfigError: A value cannot be, or another breaker of that name was described otherwise.
        CircuitOpen: From the function, while it is open. It was not called.
    """
    try:
        if name is not None:
            checked_key(name, "circuit_breaker")  # which is what it is not where the () were forgotten
        checked_count(failure_threshold, "failure_threshold is", of="")
        checked_count(half_open_max_calls, "half_open_max_calls is", of="")
        checked_number(recovery_timeout, "recovery_timeout", positive=True)
        checked_number(window_size, "window_size", positive=True)
    except InvalidJob as exc:
        raise ConfigError(str(exc), where="circuit_breaker") from exc
    said = (failure_threshold, recovery_timeout, half_open_max_calls, window_size)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        called = name or f"{function.__module__}.{function.__qualname__}"
        circuit = Circuit(called, *said)
        if name is not None:
            with _naming:
                circuit, before = _named.setdefault(name, (circuit, said))
            if before != said:
                raise ConfigError(f"{name!r} is another one, described otherwise", where="circuit_breaker")
        return _guarded(function, circuit)

    return decorate


def _guarded(function: Callable[P, R], circuit: Circuit) -> Callable[P, R]:
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
            with circuit.watching():
                return await function(*args, **kwargs)

        return awaited  # type: ignore[return-value]  # it returns what the function does, to be awaited

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        with circuit.watching():
            return function(*args, **kwargs)

    return called
