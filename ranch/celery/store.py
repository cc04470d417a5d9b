"""The store of an app, opened as its settings say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from celery import Celery

from ranch.backends.guard import opened
from ranch.celery.broker import key_prefix, store_url
from ranch.celery.settings import WHERE
from ranch.config import Config
from ranch.exceptions import ConfigError
from ranch.hooks.manager import Plugins
from ranch.typing import Backend

#: Schemes of Redis. It is shared with others, so that keys need a prefix.
_REDIS: Final = ("redis", "rediss", "unix")


def open_store(app: Celery, config: Config, plugins: Plugins) -> Backend:
    """Open the store that is named, or else the app's broker. No round trip.

    Raises:
        ConfigError: There is none, or a setting is not for a store of its kind.
    """
    store = config.backend or store_url(app)
    scheme = store.partition("://")[0] if isinstance(store, str) else None
    options = {
        "retries": config.redis_max_retries,
        "socket_timeout": config.redis_socket_timeout,
        **(config.redis_use_ssl if isinstance(config.redis_use_ssl, Mapping) else {}),
    }
    options = {name: value for name, value in options.items() if value is not None}
    if scheme and scheme.partition("+")[0] in _REDIS:
        if config.redis_use_ssl:
            store = _over_tls(store)
        prefix = config.prefix if config.backend else key_prefix(app) + config.prefix
        return opened(plugins, store, config.breaker_failures, prefix=prefix, **options)
    if options or config.redis_use_ssl:
        what = f"the store is {scheme}://" if scheme else f"the store was made elsewhere: {store!r}"
        raise ConfigError(
            f"redis_max_retries, redis_socket_timeout and redis_use_ssl are for a redis:// URL, and {what}", where=WHERE
        )
    return opened(plugins, store, config.breaker_failures)


def _over_tls(url: str) -> str:
    scheme, _, rest = url.partition("://")
    if scheme == "unix":
        raise ConfigError(f"redis_use_ssl is set, and {url!r} is no connection that TLS is for", where=WHERE)
    _, plus, kind = scheme.partition("+")
    return f"rediss{plus}{kind}://{rest}"
