from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from celery import Celery

from ranch import ConfigError, InvalidJob
from ranch.celery import LRUTask, Ranch
from tests.celery.test_publish import sent


@pytest.fixture
def add(memory_app: Celery) -> LRUTask:
    """A task with lanes."""
    return memory_app.tasks["add"]


def test_lru_delay_changes_the_lane_and_resets_nothing(add: LRUTask) -> None:
    """Weight and tags given with a job join what the lane has."""
    add.add_tag("acme", "type", "premium")
    add.set_custom_data("acme", "impact", 3.0)
    add.lru_delay("acme", 1, 2, priority_weight=0.5, tags={"region": "us-west"})
    add.lru_delay("acme", 1, 2)
    metadata = add.get_client_metadata("acme")
    assert metadata["weight"] == 0.5
    assert metadata["tags"] == {"type": "premium", "region": "us-west"}
    assert metadata["custom_data"] == {"impact": 3.0}
    assert metadata["pending_tasks"] == 2


def test_expiry_is_celerys_expires(add: LRUTask) -> None:
    """The task is not run when it is too late for it."""
    add.lru_delay("acme", 1, 2, expiry=1800)
    lease = Ranch(add.app).queue().claim()
    assert lease
    expires = datetime.fromisoformat(lease.job.payload["headers"]["expires"])
    assert timedelta(minutes=29) < expires - datetime.now(timezone.utc) < timedelta(minutes=31)


def test_lanes_are_looked_after(add: LRUTask) -> None:
    """Weights, tags and custom data are set and read one by one."""
    add.set_priority_weight("acme", 2.0)
    add.add_tag("acme", "importance", "critical")
    add.add_tag("other", "importance", "low")
    add.set_custom_data("acme", "bid", 5)
    add.set_custom_data("acme", "note", {"deep": [1]})
    assert add.get_custom_data("acme") == {"bid": 5, "note": {"deep": [1]}}
    assert add.get_tagged_clients("importance", "critical") == ["acme"]
    assert add.get_client_metadata("acme")["weight"] == 2.0
    assert add.get_client_metadata("never used")["pending_tasks"] == 0


def test_system_status_sums_up(add: LRUTask) -> None:
    """The backlog is all that waits, delayed or not."""
    add.lru_delay("a", 1, 2)
    add.lru_delay("b", 1, 2)
    add.apply_async((1, 2), lane="b", countdown=60)
    status = add.get_system_status()
    assert (status["queue"], status["backlog_size"], status["pending"], status["backlogged"]) == ("celery", 3, 2, 2)


def test_it_is_the_queue_that_the_task_routes_to(memory_app: Celery, add: LRUTask) -> None:
    """The lanes that are looked after are those the jobs go to."""
    memory_app.conf.task_routes = {"add": {"queue": "sums"}}
    add.lru_delay("acme", 1, 2, priority_weight=0.5)
    assert add.ranch_queue.name == "sums"
    assert add.get_client_metadata("acme")["pending_tasks"] == 1
    assert add.get_client_metadata("acme")["weight"] == 0.5


def test_a_task_has_its_own_queue(memory_app: Celery) -> None:
    """As an option of the task."""
    task = memory_app.tasks["run"]
    task.queue = "runs"
    task.lru_delay("acme")
    assert task.get_system_status()["queue"] == "runs"
    assert task.get_system_status()["backlog_size"] == 1


@pytest.mark.parametrize("weight", [0, -1, float("nan"), "1"])
def test_a_bad_weight_is_refused(add: LRUTask, weight: float) -> None:
    """Neither is the lane changed nor the job stored."""
    with pytest.raises(InvalidJob, match="weight"):
        add.lru_delay("acme", 1, 2, priority_weight=weight)
    assert add.get_system_status()["lanes"] == 0


@pytest.mark.parametrize("key", [None, "", 7])
def test_a_lane_has_a_name(add: LRUTask, key: Any) -> None:
    """Who forgot it does not send a task that has no lane."""
    with pytest.raises(InvalidJob, match="lane"):
        add.lru_delay(key, 1, 2)
    assert sent(add.app) is None


def test_without_ranch_a_lane_is_refused() -> None:
    """Plain Celery would run the task and forget the lane."""
    app = Celery(broker="memory://", set_as_current=False)

    @app.task(base=LRUTask, shared=False)
    def task() -> None: ...

    with pytest.raises(ConfigError, match=r"call ranch\.celery\.Ranch\(app\)"):
        task.lru_delay("acme")
