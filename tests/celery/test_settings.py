"""Where an app may be told about ranch, and what becomes of it in other apps and processes."""

from __future__ import annotations

import multiprocessing
import pickle
import re
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
import redis.sentinel
from celery import Celery, group

import ranch
from ranch import ConfigError, Queue, RedisStorage, SerializerType, configure, lru_task
from ranch.backends.memory import MemoryBackend
from ranch.backends.redis import RedisBackend
from ranch.celery import Ranch
from tests.celery.workers import SOON, CeleryWorker

PYTHON_TYPES = {SerializerType.PICKLE: "python-serialize", SerializerType.MSGPACK: "msgpack"}


@pytest.fixture
def bare() -> Celery:
    """An app without tasks or settings."""
    return Celery("bare", broker="memory://", set_as_current=False)


def test_settings_may_stand_alone(bare: Celery) -> None:
    """Each under its own key, beside the mapping."""
    bare.conf.ranch_backend = "memory://"
    bare.conf.update(ranch_lease=5, ranch_redis_prefix="mine:", ranch={"share": 0.25})
    config = Ranch(bare).config
    assert (config.backend, config.lease, config.prefix, config.share) == ("memory://", 5, "mine:", 0.25)


def test_single_settings_may_have_a_namespace(bare: Celery) -> None:
    """As in Django."""
    settings = SimpleNamespace(CELERY_RANCH_BACKEND="memory://", CELERY_RANCH_STRATEGIES={"ads": "bid"}, DEBUG=True)
    bare.config_from_object(settings, namespace="CELERY")
    copy = pickle.loads(pickle.dumps(bare))
    for app in (bare, copy):
        assert Ranch(app).config.backend == "memory://"
        assert Ranch(app).config.strategy_of("ads") == "bid"


def test_settings_may_be_written_in_capitals(bare: Celery) -> None:
    """Without a namespace too: none of them is dropped."""
    bare.config_from_object(SimpleNamespace(RANCH={"backend": "memory://"}, RANCH_LEASE=5))
    assert (Ranch(bare).config.backend, Ranch(bare).config.lease) == ("memory://", 5)


@pytest.mark.parametrize("namespace", [None, "CELERY"])
def test_a_mistyped_setting_is_found(bare: Celery, namespace: str | None) -> None:
    """Also where it stands alone."""
    key = f"{namespace}_RANCH_BAKEND" if namespace else "ranch_bakend"
    bare.config_from_object(SimpleNamespace(**{key: "memory://"}), namespace=namespace)
    with pytest.raises(ConfigError, match="unknown key 'bakend', did you mean 'backend'"):
        assert Ranch(bare).config


def test_two_places_have_to_agree(bare: Celery) -> None:
    """Nobody has to know which of them counts."""
    bare.conf.update(ranch_lease=5, ranch={"lease": 6})
    with pytest.raises(ConfigError, match="ranch_lease is 5, and in the mapping it is 6"):
        assert Ranch(bare).config


def test_apps_of_one_process_do_not_collide(bare: Celery) -> None:
    """Each has its store, its router and its counters, also where both send in one block."""
    other = Celery("other", broker="memory://", set_as_current=False)
    for app, key in ((bare, "one"), (other, "two")):
        app.conf.ranch = {"backend": "memory://", "lane_router": lambda *_, key=key: key}
        Ranch(app)
    for app, key in ((bare, "one"), (other, "two")):
        app.send_task("task")
        with ranch.lane("block"):
            app.send_task("task")
        assert [lane.key for lane in Ranch(app).queue().lanes()] == ["block", key]
    assert Ranch(bare).backend is not Ranch(other).backend


@pytest.mark.parametrize("serializer", [SerializerType.PICKLE, SerializerType.MSGPACK])
@pytest.mark.parametrize("settings", ["redis"], indirect=True)
def test_a_change_of_serializer_loses_nothing(
    settings: dict[str, Any], tmp_path: Path, new_app: Any, serializer: SerializerType
) -> None:
    """A worker reads what waits from before, and what was written since."""
    before = new_app(**settings).tasks["add"].apply_async((1, 2), lane="before")
    settings["ranch"] = {"redis_serializer": serializer}
    app = new_app(**settings)
    since = app.tasks["add"].apply_async((3, 4), lane="since")
    leases = Ranch(app).queue().claim_many(2)
    assert [lease.job.content_type for lease in leases] == [
        "application/json",
        f"application/x-{PYTHON_TYPES[serializer]}",
    ]
    Ranch(app).queue().release(leases)
    with CeleryWorker(tmp_path, settings):
        assert [result.get(timeout=SOON) for result in (before, since)] == [3, 7]


@pytest.mark.parametrize(
    ("setting", "value", "fault"),
    [
        ("serializer", "yaml", "unknown serializer 'yaml'"),
        ("redis_max_retries", -1, "must be a number of attempts >= 0"),
        ("redis_socket_timeout", 0, "must be a number of seconds > 0"),
        ("redis_use_ssl", "yes", "redis_use_ssl is true, false or a mapping"),
        ("backend", 7, "a backend is a URL or an object"),
        ("on_backend_down", "memory", "raise"),
        ("inherit_lane", "no", "expected bool"),
    ],
)
def test_a_wrong_value_is_found(bare: Celery, setting: str, value: Any, fault: str) -> None:
    """With its place."""
    bare.conf.ranch = {setting: value}
    with pytest.raises(ConfigError, match=rf"(?s){fault}.*{setting}|{setting}.*{fault}"):
        assert Ranch(bare).config


def connection_of(app: Celery) -> tuple[Any, dict[str, Any]]:
    """How an app's store reaches Redis."""
    backend: Any = Ranch(app).backend
    pool = backend.backend._connections.client().connection_pool
    return pool.connection_class, pool.connection_kwargs


def test_redis_settings_arrive(bare: Celery, new_app: Callable[..., Celery]) -> None:
    """At the backend and its client."""
    bare.conf.ranch = {"backend": "redis://host", "redis_max_retries": 7, "redis_socket_timeout": 1.5}
    connection, arguments = connection_of(bare)
    backend: Any = Ranch(bare).backend
    assert connection is redis.Connection
    assert (backend.backend._retry._retries, arguments["socket_timeout"]) == (7, 1.5)
    unsaid: Any = Ranch(new_app(ranch={"backend": "redis://host"})).backend
    arguments = unsaid.backend._connections.client().connection_pool.connection_kwargs
    assert (unsaid.backend._retry._retries, arguments["socket_timeout"]) == (4, 5.0)


def test_the_breaker_is_set(bare: Celery) -> None:
    """Or switched off; only a store over a network has one."""
    bare.conf.ranch = {"backend": "redis://host", "breaker_failures": 0}
    assert isinstance(Ranch(bare).backend, RedisBackend)


@pytest.mark.parametrize(
    "use_ssl", [True, {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": "/ca.pem"}], ids=["on", "arguments"]
)
def test_redis_is_reached_by_tls(bare: Celery, use_ssl: Any) -> None:
    """By a switch, or with arguments as Celery's own settings have them."""
    bare.conf.ranch = {"backend": "redis://host", "redis_use_ssl": use_ssl}
    connection, arguments = connection_of(bare)
    assert connection is redis.SSLConnection
    assert arguments.get("ssl_ca_certs") == (None if use_ssl is True else "/ca.pem")


def test_sentinels_and_clusters_are_redis_too(bare: Celery) -> None:
    """They take the prefix and the settings like one server does."""
    settings = {"prefix": "my_app:", "redis_max_retries": 7, "redis_use_ssl": True}
    bare.conf.ranch = {"backend": "redis+sentinel://host/service", **settings}
    backend: Any = Ranch(bare).backend
    connection, _ = connection_of(bare)
    assert (backend.backend._prefix, backend.backend._retry._retries) == ("my_app:", 7)
    assert connection is redis.sentinel.SentinelManagedSSLConnection


@pytest.mark.parametrize(
    ("backend", "setting"),
    [
        ("memory://", {"redis_max_retries": 7}),
        ("sqlite:///r.db", {"redis_use_ssl": True}),
        ("unix:///r.sock", {"redis_use_ssl": True}),
        (MemoryBackend(), {"redis_socket_timeout": 1}),
    ],
    ids=["memory", "sqlite", "unix", "object"],
)
def test_redis_settings_are_for_redis(bare: Celery, backend: Any, setting: dict[str, Any]) -> None:
    """Elsewhere they would do nothing, and that is an error."""
    bare.conf.ranch = {"backend": backend, **setting}
    with pytest.raises(ConfigError, match="redis_"):
        assert Ranch(bare).backend


def test_a_store_may_be_given(bare: Celery, redis_url: str) -> None:
    """As an object: a client of Redis made elsewhere, with a prefix; a queue takes it as well."""
    with redis.from_url(redis_url) as client:
        storage = RedisStorage(client, prefix="my_app:")
        assert configure(app=bare, storage=storage, config={"lease": 5}) is Ranch(bare)
        bare.send_task("task", lane="acme")
        assert Queue("celery", backend=storage).stats().pending == 1
        assert all(key.startswith(b"{my_app:") for key in client.scan_iter())
    assert Ranch(bare).config.lease == 5


def test_configure_says_what_differs(bare: Celery) -> None:
    """Twice is once, and another thing is an error."""
    configure(app=bare, storage="memory://")
    configure(app=bare, storage="memory://")
    with pytest.raises(ConfigError, match="backend was 'memory://' before"):
        configure(app=bare, storage="sqlite:///r.db")


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (Ranch, "app"),
        (lru_task, print),
        (RedisStorage, "redis://localhost"),
        (configure, "app"),
        (partial(configure, Celery(set_as_current=False), None), ["lease"]),
    ],
)
def test_a_wrong_argument_is_named(call: Callable[[Any], Any], argument: object) -> None:
    """With what was expected, where Python would complain of an attribute."""
    with pytest.raises(ConfigError, match=f"expected a .*, got {re.escape(repr(argument))}"):
        call(argument)


def send_from_there(app: Celery) -> None:
    """Run in a process that was spawned: send into lanes, one and a group."""
    with ranch.lane("spawned"):
        app.send_task("one")
        group([app.signature("many")] * 3, app=app)()


@pytest.mark.parametrize("how", ["url", "storage"])
def test_an_app_goes_to_a_spawned_process(redis_url: str, how: str) -> None:
    """With all that it was told."""
    app = Celery("producer", broker="memory://", set_as_current=False)
    with redis.from_url(redis_url) as client:
        if how == "url":
            app.conf.ranch = {"backend": redis_url, "prefix": "mine:"}
            Ranch(app)
        else:
            configure(app=app, storage=RedisStorage(client, prefix="mine:"))
        process = multiprocessing.get_context("spawn").Process(target=send_from_there, args=(app,))
        process.start()
        process.join(30)
        assert process.exitcode == 0
        assert Ranch(app).queue().lane("spawned").stats.pending == 4
