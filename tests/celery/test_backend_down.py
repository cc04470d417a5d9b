"""What becomes of laned messages while the store is away."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest
from celery import Celery, group

from ranch import BackendUnavailable, ConfigError
from ranch.celery import Ranch
from ranch.config import Config
from ranch.model import QueueStats
from ranch.testing.server import RedisServer
from ranch.testing.waiting import wait_until
from tests.celery.app import Journal
from tests.celery.test_publish import lanes, sent
from tests.celery.workers import SOON, CeleryWorker


@pytest.fixture
def settings(own_redis: RedisServer, file_settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of an app whose store can be killed, and whose broker stays."""
    return {**file_settings, "ranch": {"backend": own_redis.tcp_url}}


def ways(app: Celery) -> list[Any]:
    """One message, and three in a group."""
    run = app.tasks["run"]
    return [
        lambda: run.apply_async(("single",), lane="acme"),
        lambda: group([run.si("of group")] * 3, app=app).apply_async(lane="acme"),
    ]


def stats_of(app: Celery) -> QueueStats | None:
    """The numbers of the app's queue, if the store answers."""
    try:
        return Ranch(app).queue().stats()
    except BackendUnavailable:
        return None


def test_it_is_an_error(settings: dict[str, Any], new_app: Any, own_redis: RedisServer) -> None:
    """At the call, for one message and for a group; the broker gets nothing."""
    app = new_app(**settings)
    own_redis.kill()
    for send in ways(app):
        with pytest.raises(BackendUnavailable):
            send()
    assert sent(app) is None
    assert Ranch(app).sent_to_broker == 0


def test_the_retry_policy_of_celery_counts(settings: dict[str, Any], new_app: Any, own_redis: RedisServer) -> None:
    """A store that comes back in time costs no message, and none is doubled."""
    policy = {"max_retries": None, "interval_start": 0.1, "interval_step": 0, "interval_max": 0.1}
    app = new_app(**settings, task_publish_retry_policy=policy)
    own_redis.kill()
    with ThreadPoolExecutor() as executor:
        calls = [executor.submit(send) for send in ways(app)]
        # Longer than the client of the store tries by itself.
        done, _ = wait(calls, timeout=4.0)
        assert not done
        # Not in a thread that ends: the server would end with it.
        own_redis.start()
        for call in calls:
            call.result(SOON)
    assert lanes(app) == ["acme"] * 4


def test_without_retry_it_is_tried_once(settings: dict[str, Any], new_app: Any, own_redis: RedisServer) -> None:
    """As Celery's `retry=False` says."""
    app = new_app(**settings, task_publish_retry_policy={"max_retries": None})
    own_redis.kill()
    with pytest.raises(BackendUnavailable):
        app.tasks["run"].apply_async(lane="acme", retry=False)


def test_the_broker_may_have_it(
    settings: dict[str, Any],
    new_app: Any,
    own_redis: RedisServer,
    journal: Journal,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Where the app says so: a worker runs it as a plain task, what it sends inherits the lane, and it is told of."""
    settings["ranch"] |= {"on_backend_down": "broker"}
    app = new_app(**settings)
    own_redis.kill()
    for send in ways(app):
        send()
    app.tasks["replaced"].apply_async(("child",), lane="other")
    assert Ranch(app).sent_to_broker == 5
    assert "the store is away, so 3 messages to queue 'celery' go to the broker" in caplog.text
    with CeleryWorker(journal.path.parent, settings):
        wait_until(lambda: len(journal.words()) == 5)
        own_redis.start()
    assert sorted((entry["word"], entry["lane"]) for entry in journal.entries()) == [
        ("child", "other"),
        *[("of group", "acme")] * 3,
        ("single", "acme"),
    ]
    # Until its breaker has found out, asking fails at once.
    assert wait_until(lambda: stats_of(app)).enqueued == 0


def test_there_is_no_third_way() -> None:
    """A wrong choice is found, and told with those that there are."""
    with pytest.raises(ConfigError, match=r"on_backend_down.*'memory'.*raise.*broker|raise.*broker"):
        Config.resolve({"on_backend_down": "memory"}, where="app.conf.ranch")
