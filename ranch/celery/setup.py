"""Setting an app up by a call, with a Redis client made elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from types import NoneType
from typing import Any, Final

import redis
from celery import Celery
from celery._state import get_current_app

from ranch.backends.redis import RedisBackend
from ranch.celery.embedding import Ranch
from ranch.exceptions import ConfigError


class RedisStorage(RedisBackend):
    """A store in Redis or Valkey, through a client made elsewhere.

    A backend like any other: for `configure`, for ``app.conf.ranch["backend"]``, and for a `Queue`. It goes with its
    app to a process that is spawned, and connects anew there.

    Args:
        redis_client: Of redis-py, with ``decode_responses=False``; it is not closed here.
        prefix: What the names of all keys begin with, inside their hash tag.

    Raises:
        ConfigError: The client decodes replies, or is to go to another process with what cannot.
    """

    def __init__(self, redis_client: Any, prefix: str = "ranch:") -> None:
        self._client = redis_client
        self._use(redis_client, None, prefix, None)

    def __reduce__(self) -> tuple[Any, ...]:
        pool = getattr(self._client, "connection_pool", None)
        arguments = pool.connection_kwargs if pool else {}
        if not pool or any(arguments.get(name) for name in ("credential_provider", "redis_connect_func")):
            raise ConfigError(
                f"{self._client!r} cannot go to another process: name the store by its URL", where="storage"
            )
        plain = {name: value for name, value in arguments.items() if name in _ARGUMENTS and isinstance(value, _PLAIN)}
        if "path" in arguments:
            plain["unix_socket_path"] = arguments["path"]
        return _connected_anew, (plain, issubclass(pool.connection_class, redis.SSLConnection), self._prefix)


#: What a client is made of anew: no object that the other process would have to share.
_ARGUMENTS: Final = frozenset(signature(redis.Redis).parameters)
_PLAIN: Final = (str, bytes, int, float, NoneType)


def _connected_anew(arguments: Mapping[str, Any], by_tls: bool, prefix: str) -> RedisStorage:  # noqa: FBT001 - pickle's
    return RedisStorage(redis.Redis(**arguments, ssl=by_tls), prefix)


def configure(
    app: Celery | None = None,
    storage: Any = None,
    config: Mapping[str, Any] | None = None,
    weight_function: Any = None,
) -> Ranch:
    """Embed ranch in an app, as `Ranch` does, and set it up.

    Args:
        app: The app; by default the current one.
        storage: Where jobs live: a `RedisStorage`, or any other backend, or its URL.
        config: Settings, as in ``app.conf.ranch``.
        weight_function: What weighs the lanes of all queues, as the setting of that name.

    Raises:
        ConfigError: Something else was set before.
    """
    if not isinstance(config, (Mapping, NoneType)):
        raise ConfigError(f"expected a mapping of settings, got {config!r}", where="configure")
    given = {"backend": storage, "weight_function": weight_function}
    options = {name: value for name, value in given.items() if value is not None}
    return Ranch(app or get_current_app(), **{**(config or {}), **options})
