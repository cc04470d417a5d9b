"""Functions that block, run in threads and awaited."""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Final

from ranch.exceptions import JobTimeout

_raise_in_thread: Final = ctypes.pythonapi.PyThreadState_SetAsyncExc


class Interrupted(BaseException):
    """Raised in a thread from outside; no `except Exception` of a job holds it."""


class Interruptible:
    """A function that one thread calls, once, and another may interrupt: not before it runs, and not after.

    It runs in the context of whoever made this.
    """

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._context = contextvars.copy_context()
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._too_late = False

    def __call__(self) -> Any:
        """Run.

        Raises:
            Interrupted: It was interrupted, before or meanwhile.
        """
        with self._lock:
            if self._too_late:
                raise Interrupted
            self._thread = threading.get_ident()
        try:
            return self._context.run(self._function)
        finally:
            with self._lock:
                thread, self._thread = self._thread, None
            # One that has come too late must not hit what the thread does next.
            _raise_in_thread(ctypes.c_ulong(thread), None)

    def interrupt(self) -> None:
        """Raise `Interrupted` in the thread, between two of Python's instructions; if it has not begun, then."""
        with self._lock:
            self._too_late = True
            if self._thread is not None:
                _raise_in_thread(ctypes.c_ulong(self._thread), ctypes.py_object(Interrupted))


class Threads:
    """Threads that are started as they are needed, and kept.

    Unlike those of concurrent.futures they are daemons: one that cannot be stopped does not keep the process alive.

    Args:
        size: How many there may be.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._waiting: SimpleQueue[_Call | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._calls: set[_Call] = set()

    async def run(self, function: Callable[[], Any], timeout: float | None = None) -> Any:
        """Run a function in the caller's context, and return what it returns.

        Raises:
            JobTimeout: It has run for `timeout` seconds. An exception was raised in the thread, which Python sees to
                between two of its own instructions: a call into C that blocks goes on, and holds this up until it ends.
        """
        loop = asyncio.get_running_loop()
        call = _Call(function, loop, timeout)
        self._calls.add(call)
        if len(self._calls) > len(self._threads) and len(self._threads) < self._size:
            thread = threading.Thread(target=self._work, daemon=True, name=f"ranch-worker-{len(self._threads) + 1}")
            self._threads.append(thread)
            thread.start()
        self._waiting.put(call)
        timer = None if timeout is None else loop.call_later(timeout, call.interrupt)
        call.future.add_done_callback(lambda _: self._calls.discard(call))
        try:
            # Whoever awaits this may be cancelled; the thread goes on.
            return await asyncio.shield(call.future)
        finally:
            if timer:
                timer.cancel()

    def interrupt(self) -> None:
        """Raise an exception in all that run."""
        for call in self._calls:
            call.interrupt()

    async def idle(self, timeout: float) -> None:
        """Wait until none runs, or for so many seconds."""
        if self._calls:
            await asyncio.wait([call.future for call in self._calls], timeout=timeout)

    def close(self) -> None:
        """End the threads, each when it is done."""
        for _ in self._threads:
            self._waiting.put(None)

    def _work(self) -> None:
        while call := self._waiting.get():
            call.perform()


class _Call:
    def __init__(self, function: Callable[[], Any], loop: asyncio.AbstractEventLoop, timeout: float | None) -> None:
        self._function, self._loop, self._timeout = Interruptible(function), loop, timeout
        self.interrupt = self._function.interrupt
        self.future: asyncio.Future[Any] = loop.create_future()
        # Its result is nobody's, if the one who awaited was cancelled.
        self.future.add_done_callback(lambda future: future.cancelled() or future.exception())

    def perform(self) -> None:
        """Run, in a thread."""
        try:
            result = self._function()
        except Interrupted:
            self._answer(self.future.set_exception, JobTimeout(self._timeout or 0.0))
        except StopIteration as exc:  # which no future takes
            self._answer(self.future.set_exception, RuntimeError(f"the job raised {exc!r}"))
        except BaseException as exc:  # noqa: BLE001 - whatever a job may raise is its result
            self._answer(self.future.set_exception, exc)
        else:
            self._answer(self.future.set_result, result)

    def _answer(self, how: Callable[[Any], None], value: Any) -> None:
        # The loop may be gone: the worker has given the job back and ended.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(how, value)
