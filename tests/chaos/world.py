"""The stores and the processes of the chaos, and what can be done to them."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final

from ranch.testing.proxy import FaultyProxy
from ranch.testing.server import RedisServer, mortal

ROOT: Final = Path(__file__).parents[2]
#: How many ways lead to the server, each with faults of its own.
PROXIES: Final = 3


class SQLiteStore:
    """A file, which every process opens for itself."""

    proxies: tuple[FaultyProxy, ...] = ()
    server: RedisServer | None = None

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'chaos.db'}"

    def way(self, rng: random.Random) -> str:
        """Return a URL for a process."""
        return self.url

    def __enter__(self) -> SQLiteStore:
        return self

    def __exit__(self, *exc: object) -> None:
        pass


class RedisStore:
    """A server that keeps all that it has acknowledged, behind proxies that fail."""

    def __init__(self, folder: Path) -> None:
        self.server = RedisServer(options=["--appendonly", "yes", "--appendfsync", "always"])
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """The way without a proxy."""
        return self.server.url

    def way(self, rng: random.Random) -> str:
        """Return a URL for a process: behind a proxy, with little patience."""
        return f"{rng.choice(self.proxies).url}?socket_timeout=1&socket_connect_timeout=1"

    def __enter__(self) -> RedisStore:
        with ExitStack() as stack:
            stack.enter_context(self.server)
            self.proxies = tuple(stack.enter_context(FaultyProxy(self.server.tcp_url)) for _ in range(PROXIES))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()


STORES: Final = {"sqlite": SQLiteStore, "redis": RedisStore}


class Process:
    """A worker or an enqueuer, killed at the end of the block if it is still there."""

    def __init__(self, kind: str, name: str, url: str, folder: Path, seed: str) -> None:
        self.kind, self.name = kind, name
        self.ledger, self.log = folder / f"{name}.ledger", folder / f"{name}.log"
        self.is_stopped = self.is_over = False
        self._command = [sys.executable, "-m", "tests.chaos.actor", kind, url, str(self.ledger), name, seed]

    def __enter__(self) -> Process:
        with self.log.open("wb") as log:
            # A session of its own: Ctrl-C is for the driver, which ends the others.
            self._process = subprocess.Popen(
                mortal(*self._command), stdout=log, stderr=log, cwd=ROOT, start_new_session=True
            )
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def kill(self) -> None:
        self.is_over = True
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self.is_stopped = True
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.is_stopped = False
        self._process.send_signal(signal.SIGCONT)

    @property
    def has_begun(self) -> bool:
        return self.ledger.exists() and self.ledger.stat().st_size > 0

    def end(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def fault(self) -> str | None:
        """Tell what it died of, if nobody killed it."""
        if self.is_over or self.exit_code in {None, 0}:
            return None
        return f"{self.name} ended with {self.exit_code}:\n{self.log.read_text()[-3000:]}"
