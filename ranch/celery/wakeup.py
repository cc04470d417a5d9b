"""The worker's wake-up: something happened, look soon whether a job can start."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from celery.utils.log import get_logger

log = get_logger(__name__)


class Wakeup:
    """Calls `tick` soon after it was rung, from any thread.

    In a worker with an event loop, in the loop: through a pair of sockets, for not all versions of kombu let another
    thread wake it. In a worker without, such as one with a file system for a broker, in a thread.
    """

    def __init__(self, tick: Callable[[], None]) -> None:
        self._tick = tick
        self._kick = threading.Event()
        self._stopped = False
        # Set while a byte is under way, so that a hundred rings cost one.
        self._rung = False
        self._ours, self._loops = socket.socketpair()
        self._ours.settimeout(0)
        self._loops.settimeout(0)

    def start(self, consumer: Any) -> None:
        """Begin, in a worker without an event loop."""
        if not consumer.hub:
            threading.Thread(target=self._run, daemon=True, name="ranch-tick").start()

    def register(self, consumer: Any, hub: Any) -> None:
        """Begin, in an event loop; again after it was reset."""
        self._rung = False
        hub.add_reader(self._loops.fileno(), self._on_ring, consumer)
        self.ring()

    def stop(self) -> None:
        """Call no more."""
        self._stopped = True
        self._kick.set()
        self._ours.close()
        self._loops.close()

    def ring(self) -> None:
        """Wake the worker up. Never raises, never blocks."""
        self._kick.set()
        if not self._rung:
            self._rung = True
            # It may be closed.
            with suppress(OSError):
                self._ours.send(b".")

    def _on_ring(self, consumer: Any) -> None:
        with suppress(OSError):
            self._loops.recv(4096)
        # In this order: what rings before the flag is down is seen by the tick that follows.
        self._rung = False
        # Not here: first come the loop's other events of now, such as that a job was revoked or has ended.
        consumer.call_soon(self._tick)

    def _run(self) -> None:
        while not self._stopped:
            self._kick.wait()
            self._kick.clear()
            try:
                self._tick()
            except Exception:
                log.exception("could not look for jobs")
