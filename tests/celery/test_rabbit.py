"""Lanes beside RabbitMQ: the broker of most who have no Redis."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from ranch.celery import Ranch
from ranch.testing.waiting import wait_until
from tests.celery.app import Journal
from tests.celery.rabbit import RabbitServer, find_rabbit
from tests.celery.workers import SOON, CeleryWorker, ranch_says

pytestmark = pytest.mark.xdist_group("rabbit")


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """The server of these tests."""
    program = find_rabbit()
    if program is None:
        reason = "no rabbitmq-server here: apt-get install rabbitmq-server"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with RabbitServer(program, tmp_path_factory.mktemp("rabbit")) as server:
        yield server


@pytest.fixture
def settings(rabbit: RabbitServer, tmp_path: Path) -> dict[str, Any]:
    """The settings of an app whose broker is RabbitMQ, with a queue of the test's own."""
    (tmp_path / "results").mkdir()
    return {
        "broker_url": rabbit.url,
        "result_backend": f"file://{tmp_path}/results",
        "task_default_queue": tmp_path.name,
        "ranch": {"backend": f"sqlite:///{tmp_path}/ranch.db"},
    }


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_lanes_and_messages_run_side_by_side(
    settings: dict[str, Any], tmp_path: Path, new_app: Callable[..., Celery], journal: Journal, pool: str
) -> None:
    """Laned and plain tasks have their results, and those of foreign apps go into their lanes with all they have."""
    app = new_app(**settings)
    add, run = app.tasks["add"], app.tasks["run"]
    foreign = Celery("foreign", broker=settings["broker_url"], set_as_current=False)
    with CeleryWorker(tmp_path, settings, pool=pool):
        results = [add.lru_delay(f"lane-{n}", n, 1) if n % 2 else add.delay(n, 1) for n in range(20)]
        assert [result.get(timeout=SOON, interval=0.02) for result in results] == list(range(1, 21))
        options: dict[str, Any] = {"queue": tmp_path.name, "headers": {"ranch-lane": "foreign"}, "compression": "zlib"}
        foreign.send_task("run", ("filed",), task_id="filed", priority=3, expires=3600, **options)
        assert app.AsyncResult("filed").get(timeout=SOON, interval=0.02) == "filed"
        (entry,) = journal.entries()
        assert (entry["lane"], entry["queue"], entry["attempts"]) == ("foreign", tmp_path.name, 1)
        assert run.apply_async(("last",), lane="acme").get(timeout=SOON, interval=0.02) == "last"
        wait_until(lambda: Ranch(app).queue().stats().leased == 0)
    assert Ranch(app).queue().lane("foreign").stats.acked == 1
    with app.connection_for_read() as connection, connection.channel() as channel:
        declared = channel.queue_declare(tmp_path.name, passive=True)
        assert declared.message_count == 0
    foreign.close()
    app.close()


def test_plain_tasks_do_not_hold_up_lanes(
    settings: dict[str, Any], tmp_path: Path, new_app: Callable[..., Celery], journal: Journal
) -> None:
    """Four laned jobs sent after forty plain tasks have their turns among the first of them."""
    app = new_app(**settings)
    with CeleryWorker(tmp_path, settings):
        for _ in range(2):
            app.tasks["gated"].delay("first")
        wait_until(lambda: len(journal.words()) == 2)
        results = [app.tasks["run"].delay("P") for _ in range(40)]
        results += [app.tasks["run"].lru_delay(f"lane-{n}", "L") for n in range(4)]
        wait_until(lambda: not ranch_says(app)["queues"][tmp_path.name]["waiting"])
        journal.open_gate()
        for result in results:
            result.get(timeout=SOON, interval=0.02)
    order = "".join(journal.words()[2:])
    assert order.rindex("L") < 14, order
    app.close()


def test_what_is_delayed_by_the_broker_is_delayed_in_its_lane(
    settings: dict[str, Any], tmp_path: Path, new_app: Callable[..., Celery], journal: Journal
) -> None:
    """With quorum queues Celery sends a message with an ETA around its queue: one with a lane goes into the lane."""
    settings |= {"task_default_queue_type": "quorum", "task_default_exchange_type": "topic"}
    app = new_app(**settings)
    with CeleryWorker(tmp_path, settings):
        app.tasks["run"].apply_async(("much later",), lane="acme", countdown=3600)
        result = app.tasks["run"].apply_async(("later",), lane="acme", countdown=1)
        assert result.get(timeout=SOON, interval=0.02) == "later"
        assert Ranch(app).queue().stats().delayed == 1
        foreign = Celery("foreign", broker=settings["broker_url"], set_as_current=False)
        foreign.conf.update({name: value for name, value in settings.items() if name.startswith("task_")})
        foreign.send_task("retried", (1,), task_id="filed", countdown=1, headers={"ranch-lane": "acme"})
        assert app.AsyncResult("filed").get(timeout=SOON, interval=0.02) == 1
    assert {entry["lane"] for entry in journal.entries()} == {"acme"}
    assert {entry["queue"] for entry in journal.entries()} == {tmp_path.name}
    foreign.close()
    app.close()


def test_a_retry_comes_back_to_its_lane_by_whatever_exchange_it_was_sent(
    settings: dict[str, Any], tmp_path: Path, new_app: Callable[..., Celery]
) -> None:
    """Only the broker knows where a topic leads, and the job was in a queue: it goes there again."""
    settings |= {"task_default_exchange_type": "topic"}
    app = new_app(**settings)
    with CeleryWorker(tmp_path, settings):
        assert app.tasks["retried"].apply_async((2,), lane="acme").get(timeout=SOON, interval=0.02) == 2
    assert Ranch(app).queue().lane("acme").stats.claimed == 3
    app.close()
