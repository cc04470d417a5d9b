"""A worker in an event loop."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Iterable, Mapping

from attrs import evolve

from ranch.aqueue import AsyncQueue
from ranch.exceptions import RanchError
from ranch.queue import Queue
from ranch.selection import LaneNames
from ranch.worker.engine import Engine
from ranch.worker.settings import Health, Pool, Settings

log = logging.getLogger("ranch")


class AsyncWorker:
    """Runs the tasks of queues: coroutine functions in the event loop, all others in threads or processes.

    Every job runs at least once, and has one owner at a time: leases are kept alive while their jobs run, and one whose
    worker is killed is claimed again when its lease ends. Jobs are claimed when a slot is free, and not before.

    While a store is away, it waits and goes on when it is back; what has ended is settled then.

    Args:
        queues: On which it works; each has its turn. They are not closed.
        concurrency: How many jobs may run at a time.
        pool: Where functions run that are no coroutine functions. ``"thread"``: an exception is raised in a thread
            whose job has timed out, which a call into C that blocks feels only when it returns. ``"process"``: each
            has a process, which is killed. It runs no coroutine functions.
        allow: Modules and packages whose functions may be imported and run without being tasks of a queue.
        burst: End when no job is ready and none runs. Delayed ones are not waited for.
        max_jobs: End when so many were taken.
        assigned: Lanes that it serves, of each queue: names, and patterns such as ``"eu-*"``; see `Selection`. By
            default all. Another worker may be assigned the same ones.
        steal: Lanes that it serves when none of its own has a job that can be had.
        timeout: Seconds that a job may run, if neither its call nor its task says so; or a mapping of queues' names to
            such. None: as long as it takes.
        drain_timeout: Seconds that what runs gets to end when it is stopped; then it is interrupted and given back.
            None: as long as it takes.

    Raises:
        InvalidJob: A value cannot be.
        ConfigError: A task cannot be run in such a pool.
    """

    def __init__(
        self,
        *queues: Queue | AsyncQueue,
        concurrency: int = 10,
        pool: Pool = "thread",
        allow: Iterable[str] = (),
        burst: bool = False,
        max_jobs: int | None = None,
        timeout: float | Mapping[str, float | None] | None = None,
        drain_timeout: float | None = None,
        assigned: LaneNames | None = None,
        steal: LaneNames | None = None,
    ) -> None:
        self._settings = Settings(
            queues=queues,
            concurrency=concurrency,
            pool=pool,
            allow=allow,
            burst=burst,
            max_jobs=max_jobs,
            timeout=timeout,
            drain_timeout=drain_timeout,
            assigned=assigned,
            steal=steal,
        )
        self._engine: Engine | None = None
        self._working: asyncio.Future[None] | None = None

    async def start(self) -> None:
        """Begin to work, in the running event loop. No round trip: a store that is away is waited for.

        Raises:
            ConfigError: A task that was added since cannot be run in such a pool.
        """
        if self.running:
            raise RanchError("the worker is running already")
        self._settings.check()
        self._engine = Engine(self._settings)
        names = ", ".join(repr(queue.name) for queue in self._settings.queues)
        log.info("the worker runs jobs of %s, %d at a time", names, self._settings.concurrency)
        self._working = asyncio.ensure_future(self._engine.run())

    async def stop(self) -> None:
        """Claim no more, wait until what runs has ended, for `drain_timeout` at most, and settle it.

        Raises:
            RanchError: What has ended it before, if it was an error.
        """
        self.ask_to_stop()
        await self.wait()

    def assign(self, assigned: LaneNames | None, steal: LaneNames | None = None) -> None:
        """Serve other lanes from now on: at the latest a second later, when the claim is over that waits for a job.

        What was claimed before is run. From any thread, whether it is running or not. No round trip.

        Raises:
            InvalidJob: A value cannot be; nothing was changed.
        """
        self._settings = evolve(self._settings, assigned=assigned, steal=steal)
        if self._engine:
            self._engine.selections = self._settings.selections

    def ask_to_stop(self) -> None:
        """Claim no more, and end when what runs has ended; do not wait for it."""
        if self._engine:
            self._engine.stop()

    def abandon(self) -> None:
        """Claim no more, interrupt what runs, and give it back. Whoever is in `stop` or `wait` need not wait long."""
        if self._engine:
            self._engine.abandon()

    async def wait(self) -> None:
        """Wait until it ends: for a burst, for `max_jobs`, or for another one who stops it."""
        if self._working:
            await asyncio.shield(self._working)

    async def run(self) -> None:
        """Work until it ends, or until SIGTERM or SIGINT: the first stops it, the second gives back what runs."""
        await self.start()
        loop = asyncio.get_running_loop()
        # Python hands them to the main thread alone.
        is_main = threading.current_thread() is threading.main_thread()
        signals = (signal.SIGTERM, signal.SIGINT) if is_main else ()
        for number in signals:
            loop.add_signal_handler(number, self._on_signal)
        try:
            await self.wait()
        finally:
            for number in signals:
                loop.remove_signal_handler(number)
            ended = self.health()
            log.info(
                "the worker ends: %d jobs done, %d failed, %d given back", ended.done, ended.failed, ended.released
            )

    @property
    def running(self) -> bool:
        """It was started, and has not ended."""
        return self._working is not None and not self._working.done()

    def health(self) -> Health:
        """Tell how it is. No round trip."""
        if self._engine is None:
            return Health(state="stopped", store=True, running=0, done=0, failed=0, released=0)
        return self._engine.health()

    async def __aenter__(self) -> AsyncWorker:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    def _on_signal(self) -> None:
        assert self._engine
        if self._engine.is_stopping:
            self._engine.abandon()
        else:
            self._engine.stop()
            log.warning("the worker stops when what runs has ended; a second signal gives it back")
