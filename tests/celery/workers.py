"""Real Celery workers for tests, which start them and end them."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path
from typing import Any

from celery import Celery

from ranch import LeaseLost, Queue
from ranch.model import Lease
from ranch.testing.server import RedisServer
from ranch.testing.waiting import wait_until
from tests.celery.app import VARIABLE, Journal, make_app

ROOT = Path(__file__).parents[2]
#: Seconds that a result may take, on a machine that has other things to do.
SOON = 60
#: Of remote control: wait for the answer of the one worker.
ASKED: dict[str, Any] = {"reply": True, "limit": 1, "timeout": 20}


class WorkerFailed(Exception):
    """A worker ended when it should not have; the message holds its log."""


class CeleryWorker:
    """
    A worker in a process group of its own, run like any other: ``python -m celery -A … worker``.

    Args:
        folder: where it runs, and where its app keeps what it keeps in files.
        settings: of its app.
        pool: as for the command line.
        concurrency: as for the command line.
        name: what tells it from others in the same folder.
        app: the module of its app.
        options: more arguments for the command line.
    """

    def __init__(
        self,
        folder: Path,
        settings: dict[str, Any],
        *options: str,
        pool: str = "prefork",
        concurrency: int = 2,
        name: str = "worker",
        app: str = "tests.celery.app",
    ) -> None:
        self._app = app
        self.folder, self.settings, self.name = folder, settings, name
        self._arguments = ["-P", pool, "-c", str(concurrency), "-n", f"{name}@tests", "-l", "INFO", *options]
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> CeleryWorker:
        self.launch()
        try:
            wait_until(lambda: f"{self.name}@tests ready." in self.log or self.exit_code is not None)
        except BaseException:
            self.kill()
            raise
        if self.exit_code is not None:
            raise WorkerFailed(self.log)
        return self

    def __exit__(self, *exc: object) -> None:
        if self.exit_code is not None:
            return
        self.terminate()
        try:
            self.wait()
        except subprocess.TimeoutExpired:
            # Celery answers with the stacks of all threads, into the log.
            self._running.send_signal(signal.SIGUSR1)
            time.sleep(1)
            self.kill()
            raise WorkerFailed(f"it did not stop:\n{self.log}") from None

    def launch(self) -> None:
        """Start it, and do not wait until it is ready."""
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            VARIABLE: json.dumps({"folder": str(self.folder), **self.settings}),
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", self._app, "worker", *self._arguments],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def pid(self) -> int:
        """The process that it was started as; its pool's are others."""
        return self._running.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._running.poll()

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process, "the worker was never started"
        return self._process

    def terminate(self) -> None:
        """Ask it to finish what runs and to stop."""
        self._running.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Wait for its end; return its exit code."""
        # A process of the pool may wait for 30 seconds until it is known that its last message was read: plain Celery
        # does so now and then, when it is told to stop while a task ends.
        return self._running.wait(SOON)

    def kill(self) -> None:
        """End it and its children as a crash of the machine would."""
        if self.exit_code is None:
            os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()


@contextmanager
def app_with_a_server(binary: Path, folder: Path, **settings: Any) -> Iterator[tuple[Celery, dict[str, Any]]]:
    """An app whose broker and results are a Redis of its own, with events of what is sent; and all its settings."""
    with RedisServer(binary) as server:
        settings = {
            "broker_url": server.tcp_url,
            "result_backend": server.tcp_url,
            "task_send_sent_event": True,
            **settings,
        }
        app = make_app(folder, **settings)
        try:
            yield app, settings
        finally:
            # Results that are forgotten tell the server, which must be there.
            gc.collect()
            app.close()


@contextmanager
def told(app: Celery) -> Iterator[list[dict[str, Any]]]:
    """What the workers of an app tell, as it comes: their events."""
    events: list[dict[str, Any]] = []
    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, handlers={"*": events.append})
        thread = threading.Thread(target=receiver.capture, kwargs={"limit": None, "timeout": None})
        thread.start()
        try:
            # A receiver says nowhere that it listens.
            with app.events.default_dispatcher() as dispatcher:
                wait_until(lambda: (dispatcher.send("test-listens"), events)[1], interval=0.1)
            yield events
        finally:
            receiver.should_stop = True
            thread.join()


def end_leases(queue: Queue, journal: Journal) -> None:
    """End those of jobs that have begun, as time would when nobody renews them.

    Of workers that were killed: so their leases may be long, and none is lost before, however slow the machine.
    """
    leased = [stored.job for stored in queue.jobs() if stored.state == "leased"]
    for job, tag in product(leased, {entry["tag"] for entry in journal.entries() if entry.get("lane")}):
        with suppress(LeaseLost):
            queue.renew([Lease(job=job, token=tag, deadline=0.0)], 0.001)


def ranch_says(app: Celery) -> dict[str, Any]:
    """What the one worker answers to `inspect ranch`."""
    ((answer,),) = [reply.values() for reply in app.control.broadcast("ranch", **ASKED)]
    found: dict[str, Any] = answer
    return found


def active(app: Celery) -> list[dict[str, Any]]:
    """What the one worker says that it runs.

    A job has begun before its worker knows so. In plain Celery, too, one that is told to stop in between never ends.
    """
    replies = app.control.inspect(limit=1, timeout=20).active() or {}
    return [task for tasks in replies.values() for task in tasks]
