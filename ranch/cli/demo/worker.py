"""The demo's Celery worker: a process group that is gone when its context is left."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ranch.cli.demo.app import Setup
from ranch.cli.demo.interrupt import Interrupts
from ranch.exceptions import RanchError

#: How many jobs run at a time.
PROCESSES: Final = 2

_START: Final = 20.0
_VANISH: Final = 5.0
_PAUSE: Final = 0.02
_TAIL: Final = 15


class WorkerFailed(RanchError):
    """The demo's worker does not work."""

    def __init__(self, message: str, log: str) -> None:
        #: The end of what the worker said.
        self.log = log
        super().__init__(message)


class Worker:
    """A started worker. It leads a process group of its own, so one signal reaches all that it has started."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        command = [sys.executable, "-m", "celery", "-A", "ranch.cli.demo.serve", "worker", "-P", "prefork"]
        command += ["-c", str(PROCESSES), "-n", f"{setup.queue}@localhost", "-l", "WARNING"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        # Nothing is ever written here. All that the worker starts inherits the one end, so the other end reads as
        # finished when the last of them is gone, reaped or not.
        self._gone, lives = os.pipe()
        with setup.log.open("wb") as log, os.fdopen(lives, "wb"):
            self._process = subprocess.Popen(  # noqa: S603 - this Python, and words from here
                command,
                env={
                    **os.environ,
                    **setup.to_environment(),
                    # What the worker leaves behind when it is killed goes with the folder.
                    "TMPDIR": str(setup.folder),
                    # From Python 3.11 on, a celery.py in the current folder cannot pose as Celery.
                    "PYTHONSAFEPATH": "1",
                },
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(lives,),
            )

    def check(self) -> None:
        """Raise `WorkerFailed` if the worker has ended."""
        code = self._process.poll()
        if code is not None:
            raise WorkerFailed(f"the Celery worker ended early, with exit code {code}", tail(self._setup.log))

    def wait_until_ready(self, interrupts: Interrupts) -> None:
        """Return when the worker takes jobs."""
        deadline = time.monotonic() + _START
        while not self._setup.ready.exists():
            interrupts.check()
            self.check()
            if time.monotonic() > deadline:
                raise WorkerFailed(f"the Celery worker was not ready within {_START:g} s", tail(self._setup.log))
            time.sleep(_PAUSE)

    def kill(self) -> None:
        """End the whole group at once, and wait until it is gone."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()
        select.select([self._gone], [], [], _VANISH)
        os.close(self._gone)


@contextmanager
def running(setup: Setup, interrupts: Interrupts) -> Iterator[Worker]:
    """Start a worker and wait until it is ready. However the context is left, no process of it stays."""
    worker = Worker(setup)
    try:
        worker.wait_until_ready(interrupts)
        yield worker
    finally:
        worker.kill()


def tail(log: Path) -> str:
    """Return the last lines of a log."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL:])
