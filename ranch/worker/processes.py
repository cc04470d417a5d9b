"""Functions run in processes, which can be killed in the middle of anything."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.pool import ExceptionWithTraceback  # type: ignore[attr-defined]  # unknown to typeshed
from typing import Any, Final

from ranch.context import lane as in_lane
from ranch.exceptions import JobCrashed, JobTimeout
from ranch.letters import told
from ranch.tasks import Task, imported
from ranch.worker.threads import Threads

# Not forked: a fork of a process with threads may take over locks that nobody will ever open.
_SPAWN: Final = multiprocessing.get_context("spawn")


class Processes:
    """Processes that are started as they are needed, and kept. Each has its thread here, which waits for it.

    Args:
        size: How many there may be.
    """

    def __init__(self, size: int) -> None:
        self._threads = Threads(size)
        self._idle: list[_Child] = []
        self._all: list[_Child] = []

    async def run(
        self, path: str, args: Sequence[Any], kwargs: Mapping[str, Any], lane: str, timeout: float | None
    ) -> Any:
        """Call what is at a path, and return what it returns.

        Raises:
            JobTimeout: It has run for `timeout` seconds, and its process was killed.
            JobCrashed: Its process ended.
        """
        if self._idle:
            child = self._idle.pop()
        else:
            child = _Child()
            self._all.append(child)
        return await self._threads.run(partial(self._call, child, (path, args, kwargs, lane), timeout))

    def _call(self, child: _Child, message: Any, timeout: float | None) -> Any:
        # Back in the thread, so that one whose awaiter was cancelled is not lost.
        try:
            return child.call(message, timeout)
        finally:
            self._idle.append(child)

    async def idle(self, timeout: float) -> None:
        """Wait until none runs, or for so many seconds."""
        await self._threads.idle(timeout)

    def interrupt(self) -> None:
        """Kill all."""
        for child in self._all:
            child.kill()

    def close(self) -> None:
        """End the processes and their threads."""
        self._threads.close()
        self.interrupt()


class _Child:
    def __init__(self) -> None:
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None

    def call(self, message: Any, timeout: float | None) -> Any:
        try:
            if self._process is None or not self._process.is_alive():
                self._start()
            assert self._pipe
            self._pipe.send(message)
            if not self._pipe.poll(timeout):
                self.kill()
                raise JobTimeout(timeout or 0.0)
            done, value = self._pipe.recv()
        except (EOFError, ConnectionError) as exc:
            self.kill()
            raise JobCrashed(f"the process that ran the job ended with code {self._exit_code}") from exc
        if done:
            return value
        raise value

    def _start(self) -> None:
        pipe, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_serve, args=(theirs,), daemon=True, name="ranch-worker")
        process.start()
        self._pipe, self._process = pipe, process
        theirs.close()
        # What the start takes is not the job's time. One that cannot start ends, and so does its pipe.
        self._pipe.recv()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()

    @property
    def _exit_code(self) -> int | None:
        return None if self._process is None else self._process.exitcode


def _serve(pipe: Connection) -> None:
    """Call functions, in a process of its own, until the pipe is closed."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # A terminal and systemd signal whole groups; it is the worker who decides what is to end.
        signal.signal(number, signal.SIG_IGN)
    # Its worker may be gone before it has begun, or while it works.
    with suppress(EOFError, ConnectionError):
        pipe.send("ready")
        while True:
            path, args, kwargs, lane = pipe.recv()
            pipe.send_bytes(_answer(path, args, kwargs, lane))


def _answer(path: str, args: Sequence[Any], kwargs: Mapping[str, Any], lane: str) -> bytes:
    try:
        found = imported(path)
        function = found.function if isinstance(found, Task) else found
        with in_lane(lane):
            return pickle.dumps((True, function(*args, **kwargs)))
    except BaseException as exc:  # noqa: BLE001 - whatever a job may raise is its result
        try:
            packed = pickle.dumps((False, ExceptionWithTraceback(exc, exc.__traceback__)))
            pickle.loads(packed)  # noqa: S301 - our own; many an exception can be written and not read
        except Exception:  # noqa: BLE001 - pickling runs code of the exception
            plain = RuntimeError(told(exc))
            return pickle.dumps((False, ExceptionWithTraceback(plain, exc.__traceback__)))
        return packed
