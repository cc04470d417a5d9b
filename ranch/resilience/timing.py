"""Calls that end in time."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from typing import Any, ParamSpec, TypeVar

from ranch.checks import checked_number
from ranch.exceptions import ConfigError, InvalidJob
from ranch.worker.threads import Interrupted, Interruptible

P = ParamSpec("P")
R = TypeVar("R")


def with_timeout(default_timeout: float = 60.0) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function raise `TimeoutError` if it takes too long.

    A coroutine function is cancelled. Another one runs in a thread of its own, in the caller's context: the caller goes
    on in time, and an exception is raised in the thread, which Python sees to between two of its own instructions. A
    call into C that blocks goes on until it returns, and holds nobody up but its thread.

    Args:
        default_timeout: Seconds.

    Raises:
        ConfigError: It is no number of seconds.
    """
    try:
        seconds = checked_number(default_timeout, "default_timeout", positive=True)
    except InvalidJob as exc:
        raise ConfigError(str(exc), where="with_timeout") from exc

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        late = f"{function.__qualname__} took longer than {seconds:g} seconds"
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
                return await _awaited(function(*args, **kwargs), seconds, late)

            return awaited  # type: ignore[return-value]  # it returns what the function does, to be awaited

        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            return _called(functools.partial(function, *args, **kwargs), seconds, late)

        return called

    return decorate


async def _awaited(coroutine: Coroutine[Any, Any, R], seconds: float, late: str) -> R:
    running = asyncio.ensure_future(coroutine)
    try:
        done, _ = await asyncio.wait({running}, timeout=seconds)
        if not done:
            raise TimeoutError(late)
        return running.result()
    finally:
        if not running.done():
            running.cancel()
            await asyncio.wait({running})


def _called(function: Callable[[], R], seconds: float, late: str) -> R:
    answer: Future[R] = Future()
    interruptible = Interruptible(function)

    def run() -> None:
        try:
            result = interruptible()
        except Interrupted:
            answer.cancel()
        except BaseException as exc:  # noqa: BLE001 - whatever it raises is the caller's
            answer.set_exception(exc)
        else:
            answer.set_result(result)

    threading.Thread(target=run, daemon=True, name="with_timeout").start()
    if not wait([answer], seconds).done:
        interruptible.interrupt()
        raise TimeoutError(late)
    return answer.result()
