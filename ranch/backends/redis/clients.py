"""Clients of redis-py, made from an address: of one server, of what Sentinel watches, or of a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from ssl import CERT_NONE
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import redis.asyncio.cluster
import redis.asyncio.retry
import redis.asyncio.sentinel
import redis.cluster
import redis.connection
import redis.retry
import redis.sentinel
from attrs import frozen
from redis.backoff import NoBackoff

from ranch.exceptions import ConfigError
from ranch.typing import LONGEST_WAIT

# Untyped in redis-py.
_parse_url: Any = redis.connection.parse_url

#: How often a call is sent again when it failed in a way that may pass, if the address does not say.
RETRIES: Final = 4

# What redis-py's clients are told if the address does not say, in seconds. A connection that idled for longer than the
# last is tried before it is used, so that one that a firewall forgot shows before anything is sent that counts.
_OPTIONS: Final = {"socket_timeout": 5.0, "health_check_interval": 30}
_OPTIONS_OVER_TCP: Final = {**_OPTIONS, "socket_connect_timeout": 5.0, "socket_keepalive": True}
# redis-py 8 refuses connections beyond 100 by itself, and a refusal is no server that is away.
_NO_LIMIT: Final = {"max_connections": 2**31}
# Threads are as many as somebody has made; coroutines may be thousands, which no server lets in at once: they wait.
_AWAITED: Final = 100
# Seconds for one Sentinel to answer, before the next is asked.
_SENTINEL_PATIENCE: Final = 1.0
# What says how to speak to the Sentinels themselves.
_SENTINEL_OPTIONS: Final = {"sentinel_username": "username", "sentinel_password": "password"}

_FORMS: Final = {
    "": "redis://user:password@host:6379/0",
    "sentinel": "redis+sentinel://user:password@host:26379,host:26379/service/0",
    "cluster": "redis+cluster://user:password@host:6379,host:6379",
}
_PORTS: Final = {"sentinel": 26379, "cluster": 6379}


@frozen
class Address:
    """Where a Redis is, and how to speak to it."""

    #: ``""`` for one server, ``"sentinel"`` or ``"cluster"``.
    kind: str
    #: As redis-py reads it, without the hosts of Sentinels and clusters, and without options.
    url: str
    hosts: Sequence[tuple[str, int]]
    #: What the Sentinels know the servers by.
    service: str
    retries: int
    #: Of redis-py's connections.
    options: dict[str, Any]

    @classmethod
    def parse(cls, url: str, retries: int = RETRIES, options: dict[str, Any] | None = None) -> Address:
        """Take a URL apart. What its query says goes before the options. No round trip.

        Raises:
            ConfigError: It is none, or says what cannot be.
        """
        try:
            return cls._parse(url, retries, options or {})
        except (ValueError, TypeError) as exc:
            raise ConfigError(f"{url!r} cannot be used: {exc}", where="backend") from exc

    @classmethod
    def _parse(cls, url: str, retries: int, options: dict[str, Any]) -> Address:
        parts = urlsplit(url)
        scheme, _, kind = parts.scheme.partition("+")
        query = dict(parse_qsl(parts.query))
        retries = int(query.pop("retries", retries))
        login, at, netloc = parts.netloc.rpartition("@")
        hosts, service, path = [], "", parts.path
        if kind in _PORTS:
            hosts = [_host(host, _PORTS[kind]) for host in netloc.split(",")]
            netloc = ""
            if kind == "sentinel":
                service, _, path = path.strip("/").partition("/")
        if kind not in _FORMS or (kind == "sentinel" and not service):
            raise ValueError(f"expected {_FORMS.get(kind, _FORMS[''])}")
        if scheme != "unix" and (database := path.strip("/")) and not database.isdecimal():
            # redis-py would take database 0.
            raise ValueError(f"its database is a number, not {database!r}")
        plain = f"{scheme}://{login}{at}{netloc}/{path.lstrip('/')}"
        said = _parse_url(f"{plain}?{urlencode(query)}")
        defaults = _OPTIONS if scheme == "unix" else _OPTIONS_OVER_TCP
        options = {**defaults, **options, **{name: said[name] for name in query}}
        if scheme == "rediss":
            # redis-py 5 does not by itself. Without a certificate to look at there is no name in it.
            options.setdefault("ssl_check_hostname", options.get("ssl_cert_reqs") not in {"none", CERT_NONE})
        _check(kind, scheme, {**options, **said})
        return cls(kind, plain, hosts, service, retries, options)

    @property
    def patience(self) -> float:
        """For how many seconds a command may block."""
        return patience(self.options["socket_timeout"])

    def client(self) -> Any:
        """Return a client that blocks. Only that of a cluster connects at once."""
        return self._client(redis)

    def async_client(self) -> Any:
        """Return a client to be awaited, in one event loop only."""
        return self._client(redis.asyncio)

    def _client(self, library: Any) -> Any:
        """Return a client of redis-py, or of its twin for asyncio. It tries nothing again: that is the backend's."""
        options = {**self.options, "retry": library.retry.Retry(NoBackoff(), 0)}
        if self.kind == "cluster":
            nodes = [library.cluster.ClusterNode(*host) for host in self.hosts]
            return library.RedisCluster(startup_nodes=nodes, **self._several({**_NO_LIMIT, **options}))
        if self.kind == "sentinel":
            options = self._watched({**_NO_LIMIT, **options})
            return library.sentinel.Sentinel(self.hosts, **options).master_for(self.service)
        if library is redis.asyncio:
            options.setdefault("max_connections", _AWAITED)
        pool = library.BlockingConnectionPool if "max_connections" in options else library.ConnectionPool
        return library.Redis.from_pool(pool.from_url(self.url, **{**_NO_LIMIT, **options}))

    def _several(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return what each of several servers is told."""
        said = {**options, **_parse_url(self.url)}
        over_tls = said.pop("connection_class", None) is not None
        return {**said, "ssl": over_tls}

    def _watched(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return what the servers are told, and what the Sentinels are, who have users and passwords of their own."""
        said = self._several(options)
        sentinel = {name: said.pop(option) for option, name in _SENTINEL_OPTIONS.items() if option in said}
        sentinel |= {name: value for name, value in said.items() if name.startswith("ssl") or name == "retry"}
        sentinel |= {"socket_timeout": _SENTINEL_PATIENCE, "socket_connect_timeout": _SENTINEL_PATIENCE}
        return {**said, "sentinel_kwargs": sentinel}


def _host(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError(f"{text!r} is no host")
    return parts.hostname, parts.port or port


def _check(kind: str, scheme: str, options: dict[str, Any]) -> None:
    """Refuse what redis-py would refuse, or drop, at the first use."""
    if kind == "cluster" and options.get("db"):
        raise ValueError("a cluster has database 0 only")
    if scheme != "rediss" and (tls := [name for name in options if name.startswith("ssl")]):
        raise ValueError(f"{', '.join(tls)} need TLS: write rediss://")
    own = {"connection_class", "path", "timeout", *(_SENTINEL_OPTIONS if kind == "sentinel" else ())}
    redis.Redis(**{name: value for name, value in options.items() if name not in own}).close()


def patience(socket_timeout: float | None) -> float:
    """Return for how many seconds a command may block, well within the time for which a client waits for an answer."""
    return min(LONGEST_WAIT, socket_timeout / 2) if socket_timeout else LONGEST_WAIT


def socket_timeout(client: Any) -> float | None:
    """Return for how many seconds a client made elsewhere waits for an answer; None if for ever."""
    holder = getattr(client, "connection_pool", None) or getattr(client, "nodes_manager", None)
    timeout: float | None = holder.connection_kwargs.get("socket_timeout") if holder else None
    return timeout


def check(client: Any) -> None:
    """Refuse a client that decodes replies: jobs are bytes."""
    if not hasattr(client, "get_encoder"):
        raise ConfigError(f"expected a client of redis-py, got {client!r}; a URL stands by itself", where="backend")
    if client.get_encoder().decode_responses:
        raise ConfigError(
            "the client decodes replies, and jobs are bytes: make it with decode_responses=False", where="backend"
        )
