"""Jobs in Redis or Valkey: for fleets of workers on many hosts.

Each operation is one script, or a few, so it is atomic, takes one round trip, and goes by the server's clock. Where
everything lies is told in `keys`.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import FullJitterBackoff
from redis.retry import Retry

from ranch.backends.redis.keys import DEFAULT_PREFIX, Keys
from ranch.backends.redis.lanes import MAX_ENQUEUE, RedisLanes
from ranch.backends.redis.runners import Call, asend, check_client, patience, send
from ranch.choice import StrategyChoice
from ranch.exceptions import BackendError, ConfigError
from ranch.policy import DEFAULT, Policy
from ranch.typing import Clock, Strategy

# How a call is tried again when the server cannot be reached, in seconds: 4 times within some 3 seconds.
_RETRIES: Final = 4
_BACKOFF: Final = {"base": 0.1, "cap": 1.0}


class RedisBackend:
    """Keeps queues in Redis 6.2 or newer, or in Valkey: one server, Sentinel or a cluster.

    Guarantees what the server does: with its append-only file written every second, a crash of the *server* may lose
    the last second. Workers that crash lose nothing.

    A call that gets no answer is sent again a few times before `BackendUnavailable` is raised. The answer may have been
    lost after the work was done, so in such a moment a job may be enqueued twice, and an ack reported as lost.

    Args:
        url: ``redis://host:port/db``, ``rediss://…`` or ``unix:///path``.
        prefix: What the names of all keys begin with, inside their hash tag.
        clock: In place of the server's clock, for tests.
        retries: How often a call that gets no answer is sent again, within seconds.
        options: Passed on to redis-py's clients.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = DEFAULT_PREFIX,
        clock: Clock | None = None,
        retries: int = _RETRIES,
        **options: Any,
    ) -> None:
        self._url, self._retries, self._options = url, retries, options
        try:
            client = redis.Redis.from_url(url, **{"retry": Retry(FullJitterBackoff(**_BACKOFF), retries), **options})
        except (ValueError, TypeError) as exc:
            raise ConfigError(f"{url!r} cannot be used: {exc}", where="backend") from exc
        self._set_up(client, None, prefix, clock)

    @classmethod
    def from_client(
        cls, client: Any, async_client: Any = None, *, prefix: str = DEFAULT_PREFIX, clock: Clock | None = None
    ) -> RedisBackend:
        """Use clients made elsewhere: redis-py's `Redis`, `RedisCluster`, or a Sentinel's ``master_for``.

        They are not closed here. Without an `async_client` nothing can be awaited.
        """
        backend = cls.__new__(cls)
        backend._url, backend._options = "", {}
        backend._set_up(client, async_client, prefix, clock)
        return backend

    def _set_up(self, client: Any, async_client: Any, prefix: str, clock: Clock | None) -> None:
        check_client(client)
        self._client = client
        self._given_async_client = async_client
        self._prefix, self._clock = prefix, clock
        # An async client belongs to the event loop it was first used in.
        self._async_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()

    def lanes(
        self, queue: str, strategy: Strategy, choice: StrategyChoice | None = None, policy: Policy = DEFAULT
    ) -> RedisLanes:
        """Return the lanes of a queue, served in the strategy's order. No round trip.

        Raises:
            ConfigError: A field of the strategy cannot be said in Lua, which its twin there needs.
        """
        keys = Keys(self._prefix, queue)
        return RedisLanes(keys, strategy, choice, policy, clock=self._clock, patience=patience(self._client))

    def perform(self, step: Call) -> Any:
        """Take one step, blocking."""
        return send(self._client, step)

    async def aperform(self, step: Call) -> Any:
        """Take one step, awaited."""
        return await asend(self._async_client(), step)

    def _async_client(self) -> Any:
        if self._given_async_client is not None:
            return self._given_async_client
        if not self._url:
            raise BackendError("there is no async client: give from_client() one")
        loop = asyncio.get_running_loop()
        client = self._async_clients.get(loop)
        if client is None:
            retry = AsyncRetry(FullJitterBackoff(**_BACKOFF), self._retries)
            client = redis.asyncio.Redis.from_url(self._url, **{"retry": retry, **self._options})
            self._async_clients[loop] = client
        return client

    def close(self) -> None:
        """Close the connections made here. The backend can be used again: it connects anew."""
        if self._url:
            self._client.close()

    async def aclose(self) -> None:
        """Close the connections made here, those of the running event loop included."""
        self.close()
        client = self._async_clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()


__all__ = ["MAX_ENQUEUE", "RedisBackend", "RedisLanes"]
