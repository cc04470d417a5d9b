"""The clients that a backend has open, and letting go of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from ranch.backends.redis.clients import Address
from ranch.backends.redis.lines import Line
from ranch.exceptions import ConfigError
from ranch.forks import BeginsAnew


class Connections(BeginsAnew):
    """Clients for an address, made when they are first asked for; or clients made elsewhere, which are never closed.

    Safe to share between threads and event loops.
    """

    def __init__(self, address: Address | None, client: Any = None, async_client: Any = None) -> None:
        self._address = address
        self._client = client
        self._given_async_client = async_client
        # An async client belongs to the event loop it was first used in.
        self._async_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()
        self._lines: WeakKeyDictionary[asyncio.AbstractEventLoop, Line] = WeakKeyDictionary()
        super().__init__()

    def _begin(self) -> None:
        self._lock = threading.Lock()

    def client(self) -> Any:
        """Return the client that blocks."""
        if self._client is None and self._address:
            with self._lock:
                if self._client is None:
                    self._client = self._address.client()
        return self._client

    def async_client(self) -> Any:
        """Return the client of the running event loop."""
        if not self._address:
            if self._given_async_client is None:
                raise ConfigError(
                    "there is no async client, which workers need: give one to from_client", where="backend"
                )
            return self._given_async_client
        loop = asyncio.get_running_loop()
        client = self._async_clients.get(loop)
        if client is None:
            client = self._async_clients[loop] = self._address.async_client()
        return client

    def line(self) -> Line | None:
        """Return the line of the running event loop. A cluster, and a client made elsewhere, have none."""
        loop = asyncio.get_running_loop()
        line = self._lines.get(loop)
        if line is None and self._address and (pool := getattr(self.async_client(), "connection_pool", None)):
            line = self._lines[loop] = Line(pool)
        return line

    def drop_idle(self) -> None:
        """Connect anew for the next call: the name of the server, or its Sentinels, may lead somewhere else by now."""
        if pool := getattr(self._client, "connection_pool", None):
            try:
                pool.disconnect(inuse_connections=False)
            except TypeError:  # In redis-py 5 a pool that waits can only cut all. Calls under way are made again.
                pool.disconnect()

    async def adrop_idle(self) -> None:
        """Do as `drop_idle`, for the running event loop."""
        if pool := getattr(self.async_client(), "connection_pool", None):
            await pool.disconnect(inuse_connections=False)
        if line := self.line():
            line.move()

    def close(self) -> None:
        """Close what was opened here; it is opened again when it is needed."""
        if self._address and self._client is not None:
            with self._lock:
                client, self._client = self._client, None
            for each in (client, *_sentinels(client)):
                each.close()

    async def aclose(self) -> None:
        """Do as `close`, for the running event loop's client too."""
        self.close()
        loop = asyncio.get_running_loop()
        if line := self._lines.pop(loop, None):
            await line.close()
        client = self._async_clients.pop(loop, None)
        if client is not None:
            for each in (client, *_sentinels(client)):
                await each.aclose()


def _sentinels(client: Any) -> Sequence[Any]:
    manager = getattr(getattr(client, "connection_pool", None), "sentinel_manager", None)
    sentinels: Sequence[Any] = manager.sentinels if manager else ()
    return sentinels
