from __future__ import annotations

import pickle
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.app.amqp import AMQP
from kombu import Queue as KombuQueue

from ranch import ConfigError, Queue
from ranch.backends.memory import MemoryBackend
from ranch.backends.redis import RedisBackend
from ranch.celery import LRUTask, Ranch, RanchAMQP, lru_task
from ranch.celery.broker import store_url
from ranch.strategies.bid import Bid
from ranch.testing.server import GivenServer, RedisServer


@pytest.fixture
def bare() -> Celery:
    """An app without tasks or settings."""
    return Celery("bare", broker="memory://", set_as_current=False)


def test_twice_is_once(bare: Celery) -> None:
    """The same app has the same ranch."""
    assert Ranch(bare, backend="memory://") is Ranch(bare, backend="memory://") is Ranch(bare)


def test_options_may_be_given_in_parts(bare: Celery) -> None:
    """A decorator that embeds ranch first does not keep the app from setting it up."""
    lru_task(bare, shared=False)(lambda: None)
    assert Ranch(bare, backend="memory://").config.backend == "memory://"


def test_other_options_are_refused(bare: Celery) -> None:
    """Two places that disagree are an error that names both values."""
    Ranch(bare, backend="memory://")
    with pytest.raises(ConfigError, match=r"backend was 'memory://' before, and is 'sqlite:///r\.db' now"):
        Ranch(bare, backend="sqlite:///r.db")


def test_other_options_are_refused_once_it_is_in_use(bare: Celery) -> None:
    """An option cannot change what runs already."""
    bare.conf.ranch = {"backend": "memory://"}
    assert Ranch(bare).config.lease == 60
    with pytest.raises(ConfigError, match=r"lease was 60\.0 before, and is 5 now"):
        Ranch(bare, lease=5)


@pytest.mark.parametrize("finished", [False, True])
def test_configuration_may_come_later(bare: Celery, finished: bool) -> None:
    """It is read when it is needed, whether the app's configuration was finished before or not."""
    if finished:
        assert bare.conf.task_default_queue == "celery"
    ranch = Ranch(bare, lease=5)
    bare.conf.ranch = {"backend": "memory://", "lease": 7}
    assert isinstance(ranch.backend, MemoryBackend)
    assert ranch.config.lease == 5, "an option goes before a setting"


def test_embedding_does_not_finish_the_configuration(bare: Celery) -> None:
    """An app embeds ranch first, and is configured from an object later."""
    Ranch(bare, lease=5)
    assert not bare.configured
    bare.config_from_object(SimpleNamespace(ranch={"backend": "memory://"}, task_default_queue="mine"))
    assert (Ranch(bare).config.backend, Ranch(bare).config.lease) == ("memory://", 5)
    assert Ranch(bare).queue().name == "mine"


def test_configuration_may_have_a_namespace(bare: Celery) -> None:
    """Settings of Django carry a prefix."""
    Ranch(bare, lease=5)
    bare.config_from_object(SimpleNamespace(CELERY_RANCH={"backend": "memory://"}), namespace="CELERY")
    assert (Ranch(bare).config.backend, Ranch(bare).config.lease) == ("memory://", 5)


def test_faults_name_the_setting(bare: Celery) -> None:
    """A wrong setting is found when it is first needed."""
    bare.conf.ranch = {"bakend": "memory://"}
    with pytest.raises(ConfigError, match=r"app\.conf\.ranch: unknown key 'bakend', did you mean 'backend'"):
        assert Ranch(bare).backend


def test_an_app_that_was_pickled_has_its_options(bare: Celery) -> None:
    """A process that is spawned gets all that the app was told."""
    Ranch(bare, backend="memory://", strategy=Bid(ageing=0.5))
    copy = pickle.loads(pickle.dumps(bare))
    assert isinstance(copy.amqp, RanchAMQP)
    assert Ranch(copy) is not Ranch(bare)
    assert Ranch(copy).config == Ranch(bare).config
    assert Ranch(copy).config.strategy == Bid(ageing=0.5)


def test_late_embedding_keeps_what_was_set_up(bare: Celery) -> None:
    """Queues chosen before, such as a worker's, stay."""
    bare.amqp.queues.select_add(KombuQueue("extra"))
    assert bare.amqp.send_task_message
    Ranch(bare, backend="memory://")
    assert isinstance(bare.amqp, RanchAMQP)
    assert "extra" in bare.amqp.queues
    bare.send_task("anything", lane="acme")
    assert Ranch(bare).queue().stats().pending == 1


class ForeignAMQP(AMQP):
    pass


class FriendlyAMQP(RanchAMQP):
    pass


def test_a_foreign_amqp_class_is_refused() -> None:
    """The error says what to do about it."""
    app = Celery(amqp=ForeignAMQP, set_as_current=False)
    with pytest.raises(
        ConfigError, match=r"test_embedding\.ForeignAMQP.*inherit from ranch\.celery\.publish\.RanchAMQP"
    ):
        Ranch(app)


def test_an_amqp_class_may_inherit_from_ours() -> None:
    """Who has an AMQP class of their own keeps it."""
    app = Celery(amqp=FriendlyAMQP, set_as_current=False)
    Ranch(app)
    assert type(app.amqp) is FriendlyAMQP


def test_a_base_without_lanes_is_refused(bare: Celery) -> None:
    """A task that could not be sent into a lane is found where it is defined."""
    with pytest.raises(ConfigError, match="does not inherit from"):
        lru_task(bare, base=bare.Task)


def test_a_base_may_inherit(bare: Celery) -> None:
    """As the user's own task class does."""

    class Mine(LRUTask):
        abstract = True

        def shout(self) -> str:
            return "!"

    @lru_task(bare, base=Mine, shared=False)
    def task() -> None: ...

    assert task.shout() == "!"
    assert isinstance(task, LRUTask)


@pytest.mark.parametrize(
    ("broker", "store"),
    [
        ("redis://localhost:6379/3", "redis://localhost:6379/3"),
        ("redis://me:p%40ss@host/", "redis://me:p%40ss@host/"),
        ("rediss://host:6380/0?ssl_cert_reqs=CERT_NONE", "rediss://host:6380/0?ssl_cert_reqs=none"),
        ("redis+socket:///tmp/redis.sock?virtual_host=2", "unix:///tmp/redis.sock?db=2"),
        ("redis+socket://:secret@/tmp/redis.sock", "unix://:secret@/tmp/redis.sock?db=0"),
    ],
)
def test_a_redis_broker_is_the_store_if_none_is_named(broker: str, store: str) -> None:
    """The way to it is written as clients of Redis write it."""
    assert store_url(Celery(broker=broker, set_as_current=False)) == store


@pytest.mark.parametrize(
    ("broker", "options", "store"),
    [
        ("sentinel://host:26379", {}, "redis+sentinel://host:26379/main/0?"),
        (
            "sentinel://me:p%40ss@a:1/3;sentinel://b:2",
            {"sentinel_kwargs": {"password": "s@cret"}},
            "redis+sentinel://me:p%40ss@a:1,b:2/main/3?sentinel_password=s%40cret",
        ),
        (["sentinel://a", "sentinel://b"], {"sentinel_kwargs": None}, "redis+sentinel://a,b/main/0?"),
    ],
)
def test_a_broker_by_sentinel_is_the_store_too(broker: Any, options: dict[str, Any], store: str) -> None:
    """With what its transport options say of the Sentinels."""
    app = Celery(broker=broker, set_as_current=False)
    app.conf.broker_transport_options = {"master_name": "main", "visibility_timeout": 60, **options}
    assert store_url(app) == store
    RedisBackend(store).close()


def test_apps_that_share_a_broker_by_prefixes_share_no_lanes(redis_server: RedisServer | GivenServer) -> None:
    """Else a worker of one would claim the other's jobs, whose tasks it does not know."""
    redis_server.empty()
    one, other = (Celery(broker=redis_server.tcp_url, set_as_current=False) for _ in range(2))
    one.conf.broker_transport_options = {"global_keyprefix": "one:"}
    other.conf.broker_transport_options = {"global_keyprefix": "other:"}
    with closing(Ranch(one).backend), closing(Ranch(other).backend), closing(RedisBackend(redis_server.url)) as none:
        one.send_task("anything", lane="acme")
        assert [Ranch(app).queue().stats().pending for app in (one, other)] == [1, 0]
        assert Queue("celery", backend=none).stats().pending == 0
    one.close()


@pytest.mark.parametrize("options", [{"sentinel_kwargs": {"ssl": True}}, {"min_other_sentinels": 1}])
def test_sentinel_options_are_not_dropped(options: dict[str, Any]) -> None:
    """What a URL cannot say needs a store that is named."""
    app = Celery(broker="sentinel://host", set_as_current=False)
    app.conf.broker_transport_options = {"master_name": "main", **options}
    with pytest.raises(ConfigError, match=next(iter(options))):
        store_url(app)


@pytest.mark.parametrize(
    ("broker", "why"),
    [
        ("memory://", r"its broker \(memory\) is no Redis"),
        ("amqp://host//", r"its broker \(amqp\) is no Redis"),
        ("sentinel://host:26379", "no master_name"),
        ("sentinel://a;redis://b", "several brokers"),
        ("redis://a;redis://b", "several brokers"),
    ],
)
def test_no_store_is_an_error_that_says_what_to_set(broker: str, why: str) -> None:
    """There is never a silent fallback to another store."""
    app = Celery(broker=broker, set_as_current=False)
    Ranch(app)
    with pytest.raises(ConfigError, match=why + r".*app\.conf\.ranch = \{\"backend\": \"sqlite:///"):
        app.send_task("anything", lane="acme")


def test_tls_settings_beside_the_url_are_not_dropped() -> None:
    """A store that the URL alone does not reach is not guessed."""
    app = Celery(broker="rediss://host", set_as_current=False)
    app.conf.broker_use_ssl = {"ssl_cert_reqs": "required"}
    with pytest.raises(ConfigError, match="broker_use_ssl"):
        store_url(app)
