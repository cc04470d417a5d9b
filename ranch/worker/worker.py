"""A worker for programs without an event loop."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import Any

from ranch.aqueue import AsyncQueue
from ranch.exceptions import RanchError
from ranch.queue import Queue
from ranch.selection import LaneNames
from ranch.worker.aworker import AsyncWorker
from ranch.worker.settings import Health


class Worker:
    """As `AsyncWorker`, with an event loop of its own: its arguments, and the same promises.

    When it ends, it closes its queues' connections; queues of the stores that ship open them again when used.
    """

    def __init__(self, *queues: Queue | AsyncQueue, **settings: Any) -> None:
        self._queues = queues
        self._worker = AsyncWorker(*queues, **settings)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._error: BaseException | None = None
        self._ended = threading.Event()
        self._ended.set()

    def run(self) -> None:
        """Work here until it ends, or until SIGTERM or SIGINT: the first stops it, the second gives back what runs."""
        self._check_idle()
        self._ended.clear()
        try:
            asyncio.run(self._run())
        finally:
            self._ended.set()

    def start(self) -> None:
        """Begin to work, in a thread of its own."""
        self._check_idle()
        begun = threading.Event()
        self._error = None
        self._ended.clear()
        self._thread = threading.Thread(target=self._work, args=(begun,), daemon=True, name="ranch-worker")
        self._thread.start()
        begun.wait()

    def stop(self) -> None:
        """Claim no more, wait until what runs has ended, for `drain_timeout` at most, and settle it.

        Raises:
            RanchError: What has ended it before, if it was an error.
        """
        self._tell(self._worker.ask_to_stop)
        self.wait()

    def assign(self, assigned: LaneNames | None, steal: LaneNames | None = None) -> None:
        """As `AsyncWorker.assign`."""
        self._worker.assign(assigned, steal)

    def abandon(self) -> None:
        """As `AsyncWorker.abandon`."""
        self._tell(self._worker.abandon)

    def wait(self) -> None:
        """Wait until it ends, as `AsyncWorker.wait`, in whichever thread it works."""
        self._ended.wait()
        if self._error:
            raise self._error

    @property
    def running(self) -> bool:
        """As `AsyncWorker.running`."""
        return self._worker.running

    def health(self) -> Health:
        """As `AsyncWorker.health`."""
        return self._worker.health()

    def __enter__(self) -> Worker:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _check_idle(self) -> None:
        if not self._ended.is_set():
            raise RanchError("the worker is running already")

    def _tell(self, what: Any) -> None:
        loop = self._loop
        # It may end, and close its loop, at any moment.
        if loop and self.running:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(what)

    def _work(self, begun: threading.Event) -> None:
        try:
            asyncio.run(self._run(begun))
        except BaseException as exc:  # noqa: BLE001 - raised by whoever stops it
            self._error = exc
        finally:
            begun.set()
            self._ended.set()

    async def _run(self, begun: threading.Event | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            if begun is None:
                await self._worker.run()
            else:
                await self._worker.start()
                begun.set()
                await self._worker.wait()
        finally:
            self._loop = None
            for queue in self._queues:
                await AsyncQueue.of(queue).close()
