"""A RabbitMQ server for tests, with its files in a folder of theirs and on ports of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from kombu import Connection

from ranch.testing.waiting import wait_until

#: Debian's wrapper on the PATH insists on a user of its own.
_PLACES = ("/usr/lib/rabbitmq/bin/rabbitmq-server",)


def find_rabbit() -> str | None:
    """Return the program that starts the server; None if it is not installed."""
    return next((place for place in _PLACES if Path(place).exists()), None) or shutil.which("rabbitmq-server")


class RabbitServer:
    """A running server; its node, its files and its port mapper are its own."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._port, distribution, mapper = _free_ports(3)
        self._environment = {
            **os.environ,
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(mapper),
            "RABBITMQ_NODENAME": f"ranch{self._port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none.conf"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
        }
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self._port}//"

    def __enter__(self) -> RabbitServer:
        (self._folder / "rabbitmq.conf").write_text("vm_memory_high_watermark.relative = 0.4\n")
        (self._folder / "enabled_plugins").write_text("[].\n")
        mapper = self._environment["ERL_EPMD_PORT"]
        # Else the server would start one that outlives it.
        self._run("epmd", "-port", mapper, "-address", "127.0.0.1")
        self._run(self._program)
        try:
            wait_until(self._answers, 60.0, 0.1)
        except TimeoutError:
            self.__exit__()
            raise TimeoutError((self._folder / "output").read_text(errors="replace")) from None
        return self

    def __exit__(self, *exc: object) -> None:
        for process in reversed(self._processes):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _run(self, *command: str) -> None:
        with (self._folder / "output").open("ab") as output:
            self._processes.append(
                subprocess.Popen(
                    command,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def _answers(self) -> bool:
        with suppress(OSError), Connection(self.url, connect_timeout=1) as connection:
            connection.connect()
            return True
        return False


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
