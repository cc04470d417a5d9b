"""Numbers of a Celery app: in its queues' metrics, and in the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import pytest
from celery import Celery

from ranch.celery import Ranch
from ranch.testing.waiting import wait_until
from tests.celery.test_inprocess import worker


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    """What the logger of numbers is given, whatever a worker does to logging."""
    given: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = given.append  # type: ignore[method-assign]
    logger = logging.getLogger("ranch.metrics")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield given
    logger.setLevel(before)
    logger.removeHandler(handler)


@pytest.mark.parametrize("acks_late", [False, True])
def test_numbers_are_logged_if_asked_for(records: list[logging.LogRecord], *, acks_late: bool) -> None:
    """Those of the publisher and of the worker; a task's time is what it ran, whenever its job was acked."""
    app = Celery("metrics", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.ranch = {"backend": "memory://", "metrics_log": True}
    # Else the worker would take the root logger from the tests that follow.
    app.conf.worker_hijack_root_logger = False
    Ranch(app)

    @app.task(name="nap", shared=False, acks_late=acks_late)
    def nap() -> None:
        time.sleep(0.2)

    nap.apply_async(lane="acme")
    with worker(app):
        wait_until(lambda: {"processed", "avg_process_time"} <= {each.metric_name for each in records}, timeout=60)
    values = {each.metric_name: each.metric_value for each in records}

    assert [each.metric_value for each in records if each.metric_name == "enqueued"] == [1]
    assert values["processed"] == 1
    assert values["avg_process_time"] >= 0.2
    assert len([each for each in records if each.metric_name == "avg_process_time"]) == 1


def test_no_numbers_are_logged_unless_asked_for(records: list[logging.LogRecord]) -> None:
    """By default nobody listens."""
    app = Celery("metrics", broker="memory://", set_as_current=False)
    app.conf.ranch = {"backend": "memory://"}
    Ranch(app).queue().enqueue("acme", 1)

    assert records == []


@pytest.mark.parametrize("acks_late", [False, True])
@pytest.mark.parametrize("enabled", [True, False])
def test_a_workers_queue_has_metrics(*, enabled: bool, acks_late: bool) -> None:
    """A worker leaves its times when it ends at the latest; a task's is what it ran, whenever its job was acked."""
    app = Celery("metrics", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.ranch = {"backend": "memory://"} if enabled else {"backend": "memory://", "metrics_enabled": False}
    app.conf.worker_hijack_root_logger = False
    Ranch(app)

    @app.task(name="nap", shared=False, acks_late=acks_late)
    def nap() -> None:
        time.sleep(0.2)

    queue = Ranch(app).queue()
    result = nap.apply_async(lane="acme")
    with worker(app):
        result.get(timeout=60)
        wait_until(lambda: queue.stats().acked == 1)
    metrics = queue.metrics("acme")

    assert (metrics.enqueued, metrics.processed, metrics.success_rate) == (1, 1, 100)
    assert metrics.process_time.count == metrics.wait_time.count == enabled
    assert not enabled or 0.2 <= metrics.process_time.mean < 10
