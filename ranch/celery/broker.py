"""The app's own broker as the store, where it is a Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from celery import Celery

from ranch.exceptions import ConfigError

#: kombu writes them as in Python's ssl module, redis-py as words.
_CERTIFICATES: Final = {"CERT_REQUIRED": "required", "CERT_OPTIONAL": "optional", "CERT_NONE": "none"}


def store_url(app: Celery) -> str:
    """Return the URL of the store, for an app that names none: that of its Redis broker.

    Raises:
        ConfigError: The broker is no Redis, or how to reach it does not fit into one URL.
    """
    url = app.conf.broker_write_url
    if not url:
        raise _needs_a_store("it has no broker to take instead")
    urls = url.split(";") if isinstance(url, str) else list(url)
    schemes = {each.partition("://")[0] for each in urls}
    if schemes != {"sentinel"} and len(urls) > 1:
        raise _needs_a_store("it has several brokers, and jobs live in one place")
    scheme = schemes.pop()
    if scheme not in ("redis", "rediss", "redis+socket", "sentinel"):
        raise _needs_a_store(f"its broker ({scheme}) is no Redis")
    if app.conf.broker_use_ssl:
        raise _needs_a_store("app.conf.broker_use_ssl says how to reach its Redis, which no URL can")
    if scheme == "sentinel":
        return _sentinel_url(urls, app.conf.broker_transport_options or {})
    return _unix_url(urls[0]) if scheme == "redis+socket" else _tcp_url(urls[0])


def key_prefix(app: Celery) -> str:
    """Return what the names of all keys of the app's Redis broker begin with: so apps can share a database."""
    return (app.conf.broker_transport_options or {}).get("global_keyprefix") or ""


def _sentinel_url(urls: Sequence[str], options: Mapping[str, Any]) -> str:
    # Who logs in, and to which database, kombu takes from the first.
    first, hosts = urlsplit(urls[0]), [urlsplit(url).netloc.rpartition("@")[2] for url in urls]
    login, at, _ = first.netloc.rpartition("@")
    service, of_sentinels = options.get("master_name"), dict(options.get("sentinel_kwargs") or {})
    if not service:
        raise _needs_a_store("its broker_transport_options have no master_name for the Sentinels")
    query = {f"sentinel_{name}": of_sentinels.pop(name) for name in ("username", "password") if name in of_sentinels}
    unsaid = [f"sentinel_kwargs[{name!r}]" for name in of_sentinels]
    if options.get("min_other_sentinels"):
        unsaid.append("min_other_sentinels")
    if unsaid:
        raise _needs_a_store(f"its broker_transport_options have {', '.join(unsaid)}, which no URL can say")
    database = first.path.strip("/") or "0"
    return f"redis+sentinel://{login}{at}{','.join(hosts)}/{service}/{database}?{urlencode(query)}"


def _unix_url(url: str) -> str:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    database = query.pop("virtual_host", "0").strip("/") or "0"
    login, at, host = parts.netloc.rpartition("@")
    # In redis+socket://%2Ftmp%2Fredis.sock the path is where a host would be.
    path = unquote(host) + parts.path
    return f"unix://{login}{at}{quote(path)}?{urlencode({**query, 'db': database})}"


def _tcp_url(url: str) -> str:
    parts = urlsplit(url)
    query = [(name, _CERTIFICATES.get(value, value)) for name, value in parse_qsl(parts.query)]
    return parts._replace(query=urlencode(query)).geturl()


def _needs_a_store(why: str) -> ConfigError:
    return ConfigError(
        f"ranch does not know where to keep jobs: the app names no store, and {why}. Name one: "
        'app.conf.ranch = {"backend": "sqlite:////var/lib/app/ranch.db"} on one host, or "redis://host:6379/0"',
        where="app.conf.ranch",
    )
