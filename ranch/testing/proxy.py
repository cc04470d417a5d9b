"""A network that fails on purpose: a proxy on the loopback interface, between a client and a server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from ssl import SSLContext
from types import TracebackType
from typing import Final, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

_CHUNK: Final = 65536


class FaultyProxy:
    """Passes bytes on between clients and one server over TCP, until it is told to do worse.

    It listens on a free port of 127.0.0.1 from ``__enter__`` to ``__exit__``. What it is told holds for connections
    that are open and for those to come. Safe to use from any thread.

    Args:
        url: Of the server: ``redis://127.0.0.1:6379/0``, or any other with a host and a port.
        tls: Speak TLS to clients, and plain TCP to the server.
    """

    def __init__(self, url: str, *, tls: SSLContext | None = None) -> None:
        self._target = urlsplit(url)
        self._tls = tls
        #: Seconds by which each piece of an answer is delayed.
        self.delay = 0.0
        #: How many connections clients have made so far.
        self.connections = 0
        self._port = 0
        # How many bytes of an answer pass before the connection is cut, for each of the next answers.
        self._cuts: list[int] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ranch-faulty-proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._flowing = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The server's URL with this proxy in place of the server; ``rediss`` in place of ``redis`` with TLS."""
        login, at, _ = self._target.netloc.rpartition("@")
        scheme = self._target.scheme + ("s" if self._tls else "")
        return self._target._replace(scheme=scheme, netloc=f"{login}{at}127.0.0.1:{self._port}").geturl()

    def __enter__(self) -> FaultyProxy:
        self._thread.start()
        self.thaw()
        self.accept()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.refuse()
        self._do(self._end)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # Faults

    def cut(self) -> None:
        """Cut all connections; new ones can be made."""
        self._do(self._cut)

    def refuse(self) -> None:
        """Cut all connections and let no new ones in: nobody listens on the port."""
        self._do(self._refuse)

    def accept(self) -> None:
        """Let connections in again, on the same port."""
        self._do(self._accept)

    def freeze(self) -> None:
        """Pass nothing on any more, as if the other host had lost its power: connections stay open, and are silent."""
        self._do(self._freeze)

    def thaw(self) -> None:
        """Pass on what was held back, and all that comes."""
        self._do(self._thaw)

    def lose_answers(self, count: int = 1, *, after: int = 0) -> None:
        """Let the next requests reach the server, and cut their connections instead of passing on the answers.

        Args:
            count: How many answers to lose.
            after: How many bytes of each to pass on first: a truncated answer.
        """
        self._cuts += [after] * count

    def lead_to(self, url: str) -> None:
        """Let connections to come lead to another server, as when a name is given another address; open ones stay."""
        self._target = urlsplit(url)

    # In the event loop

    def _do(self, action: Callable[[], Awaitable[T]]) -> T:
        async def run() -> T:
            return await action()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(60.0)

    async def _accept(self) -> None:
        if not self._server:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, ssl=self._tls)
            self._port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        await self._cut()

    async def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _freeze(self) -> None:
        self._flowing.clear()

    async def _thaw(self) -> None:
        self._flowing.set()

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self._writers.add(to_client)
        to_server: asyncio.StreamWriter | None = None
        try:
            from_server, to_server = await asyncio.open_connection(self._target.hostname, self._target.port)
            self._writers.add(to_server)
            pumps = [
                asyncio.ensure_future(self._pass_on(from_client, to_server)),
                asyncio.ensure_future(self._pass_on(from_server, to_client, answers=True)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except (OSError, asyncio.CancelledError):  # The server is gone, or this proxy ends.
            pass
        finally:
            self._tasks.discard(task)
            for writer in filter(None, (to_client, to_server)):
                self._writers.discard(writer)
                writer.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False
    ) -> None:
        while data := await reader.read(_CHUNK):
            await self._flowing.wait()
            if answers:
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self._cuts:
                    writer.write(data[: self._cuts.pop(0)])
                    await writer.drain()
                    return
            writer.write(data)
            await writer.drain()
