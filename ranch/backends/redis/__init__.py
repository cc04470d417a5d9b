"""Jobs in Redis or Valkey: for fleets of workers on many hosts.

Each operation is one script, or a few, so it is atomic, takes one round trip, and goes by the server's clock. Where
everything lies is told in `keys`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import redis.asyncio.retry
import redis.retry
from redis.backoff import FullJitterBackoff
from redis.exceptions import ResponseError

from ranch.backends.redis.clients import RETRIES, Address, check, patience, socket_timeout
from ranch.backends.redis.connections import Connections
from ranch.backends.redis.eviction import warn_of_eviction
from ranch.backends.redis.failures import is_replica, translated
from ranch.backends.redis.keys import DEFAULT_PREFIX, Keys
from ranch.backends.redis.lanes import MAX_ENQUEUE, RedisLanes
from ranch.backends.redis.runners import Call, asend, heeding, send
from ranch.backends.redis.scripts import Script
from ranch.choice import StrategyChoice
from ranch.exceptions import BackendUnavailable
from ranch.policy import DEFAULT, Policy
from ranch.typing import Clock, Strategy

# Before a call is sent again: at random up to 0.2 seconds, then 0.4, 0.8, and 1 from then on, so that clients that
# lost their server together do not come back together.
_BACKOFF: Final = {"base": 0.1, "cap": 1.0}


class RedisBackend:
    """Keeps queues in Redis 6.2 or newer, or in Valkey: one server, Sentinel or a cluster.

    Guarantees what the server does: with its append-only file synced every second, a crash of the *server* may lose
    the last two. Workers that crash lose nothing.

    A call that gets no answer, or one that says that the server will be back, is sent again before
    `BackendUnavailable` is raised. The answer may have been lost after the work was done. So in such a moment a job may
    be enqueued twice; an ack may raise `LeaseLost` for jobs that are done, and no hook tells that they are; and the
    jobs of a claim, up to a hundred, may be leased to nobody, and come back when their leases end.

    Args:
        url: ``redis://user:password@host:port/db``, ``unix:///path?db=0``,
            ``redis+sentinel://user:password@host:port,host:port/service/db`` or
            ``redis+cluster://user:password@host:port,host:port``; with TLS they begin with ``rediss``. Options may
            stand in its query.
        prefix: What the names of all keys begin with, inside their hash tag.
        clock: In place of the server's clock, for tests.
        retries: How often a call is sent again, after some 0.1, 0.2, 0.4 and then 0.5 seconds each.
        options: Passed on to redis-py's connections. Beside its defaults: ``socket_timeout`` and
            ``socket_connect_timeout`` are 5 seconds, ``health_check_interval`` is 30. With ``max_connections``, which
            is 100 where calls are awaited, who needs one more waits for it, up to ``timeout`` seconds (20); Sentinel
            and clusters have none, and refuse where it is set.

    Raises:
        ConfigError: The URL or an option cannot be. Nothing was opened.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = DEFAULT_PREFIX,
        clock: Clock | None = None,
        retries: int = RETRIES,
        **options: Any,
    ) -> None:
        address = Address.parse(url, retries, options)
        self._set_up(Connections(address), address.retries, address.patience, prefix, clock)

    @classmethod
    def from_client(
        cls, client: Any, async_client: Any = None, *, prefix: str = DEFAULT_PREFIX, clock: Clock | None = None
    ) -> RedisBackend:
        """Use clients made elsewhere: redis-py's `Redis`, `RedisCluster`, or a Sentinel's ``master_for``.

        They try again as they were told to, and are not closed here. Without an `async_client` whatever is awaited is a
        `ConfigError`, a `Worker` too. One that is given is of one event loop, and so of one `Worker`.
        """
        backend = cls.__new__(cls)
        backend._use(client, async_client, prefix, clock)
        return backend

    def _use(self, client: Any, async_client: Any, prefix: str, clock: Clock | None) -> None:
        for given in filter(None, (client, async_client)):
            check(given)
        connections = Connections(None, client, async_client)
        self._set_up(connections, 0, patience(socket_timeout(client)), prefix, clock)

    def _set_up(
        self, connections: Connections, retries: int, patience: float, prefix: str, clock: Clock | None
    ) -> None:
        self._connections, self._patience, self._prefix, self._clock = connections, patience, prefix, clock
        self._looked = False
        backoff, passing = FullJitterBackoff(**_BACKOFF), (BackendUnavailable,)
        self._retry = redis.retry.Retry(backoff, retries, passing)
        # Its stubs know redis-py's own errors only.
        self._async_retry: Any = redis.asyncio.retry.Retry(backoff, retries, passing)  # type: ignore[arg-type]

    def lanes(
        self, queue: str, strategy: Strategy, choice: StrategyChoice | None = None, policy: Policy = DEFAULT
    ) -> RedisLanes:
        """Return the lanes of a queue, served in the strategy's order. No round trip.

        Raises:
            ConfigError: A field of the strategy cannot be said in Lua, which its twin there needs.
        """
        keys = Keys(self._prefix, queue)
        return RedisLanes(keys, strategy, choice, policy, clock=self._clock, patience=self._patience)

    def perform(self, step: Call) -> Any:
        """Take one step, blocking."""
        return self._retry.call_with_retry(lambda: self._send(step), self._failed)

    async def aperform(self, step: Call) -> Any:
        """Take one step, awaited."""
        return await heeding(self._async_retry.call_with_retry(lambda: self._asend(step), self._afailed))

    def _send(self, step: Call) -> Any:
        with translated(step.error):
            client = self._connections.client()
            if not self._looked:
                with suppress(ResponseError):  # Who may not look is not warned.
                    warn_of_eviction(client.info("memory"))
                self._looked = True
        return send(client, step)

    async def _asend(self, step: Call) -> Any:
        client = self._connections.async_client()
        if not self._looked:
            with translated(step.error):
                with suppress(ResponseError):
                    warn_of_eviction(await client.info("memory"))
                self._looked = True
        # A plain command may have to wait, and its answer is made by the client, of pairs for instance.
        line = self._connections.line() if isinstance(step.command, Script) else None
        return await asend(line.ask if line else client.execute_command, step)

    def _failed(self, error: Exception) -> None:
        if is_replica(error):
            self._connections.drop_idle()

    async def _afailed(self, error: Exception) -> None:
        if is_replica(error):
            await self._connections.adrop_idle()

    def close(self) -> None:
        """Close the connections made here. The backend can be used again: it connects anew."""
        self._connections.close()

    async def aclose(self) -> None:
        """Close the connections made here, those of the running event loop included."""
        await self._connections.aclose()


__all__ = ["MAX_ENQUEUE", "RedisBackend", "RedisLanes"]
