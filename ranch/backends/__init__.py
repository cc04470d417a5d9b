"""The backends that ship, registered as any plugin registers its own. Each is imported when its scheme is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ranch.exceptions import ConfigError
from ranch.hooks import BackendPlugin, hookimpl

if TYPE_CHECKING:
    from ranch.typing import Backend


def _memory(url: str, **options: Any) -> Backend:
    from ranch.backends.memory import MemoryBackend

    if url != "memory://":
        raise ConfigError(f"{url!r}: memory has one place only, write memory://", where="backend")
    return MemoryBackend(**options)


def _sqlite(url: str, **options: Any) -> Backend:
    from ranch.backends.sqlite import SQLiteBackend

    return SQLiteBackend(url, **options)


def _redis(url: str, **options: Any) -> Backend:
    from ranch.backends.redis import RedisBackend

    return RedisBackend(url, **options)


@hookimpl
def ranch_backends() -> Sequence[BackendPlugin]:
    """Name the built-in backends."""
    return [
        BackendPlugin(name="memory", factory=_memory, summary="In this process, gone with it."),
        BackendPlugin(name="sqlite", factory=_sqlite, summary="One file on one host, many processes, durable."),
        BackendPlugin(name="redis", factory=_redis, summary="Redis or Valkey over TCP.", remote=True),
        BackendPlugin(name="rediss", factory=_redis, summary="Redis or Valkey over TLS.", remote=True),
        BackendPlugin(name="unix", factory=_redis, summary="Redis or Valkey over a unix socket.", remote=True),
        BackendPlugin(name="redis+sentinel", factory=_redis, summary="Redis or Valkey under Sentinels.", remote=True),
        BackendPlugin(name="rediss+sentinel", factory=_redis, summary="The same over TLS.", remote=True),
        BackendPlugin(name="redis+cluster", factory=_redis, summary="Redis Cluster or Valkey Cluster.", remote=True),
        BackendPlugin(name="rediss+cluster", factory=_redis, summary="The same over TLS.", remote=True),
    ]
