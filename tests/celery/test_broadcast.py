"""Broadcasts, of which each worker gets a copy, beside lanes."""

from __future__ import annotations

from pathlib import Path

import pytest
from celery import Celery
from kombu.common import Broadcast

from ranch import lane
from ranch.celery import Ranch
from ranch.testing.waiting import wait_until
from tests.celery.rabbit import RabbitServer
from tests.celery.test_rabbit import rabbit  # noqa: F401 - a fixture
from tests.celery.workers import CeleryWorker

pytestmark = pytest.mark.xdist_group("rabbit")

APP = """
import os

from celery import Celery
from kombu.common import Broadcast

from ranch.celery import Ranch

app = Celery("news", broker=os.environ["URL"])
app.conf.task_queues = (Broadcast("news"),)
app.conf.task_routes = {"hear": {"queue": "news"}, "answer": {"queue": "answers"}}
Ranch(app, backend="sqlite:///ranch.db")


def heard(self, word):
    with open("heard", "a") as file:
        file.write(f"{word} {self.request.hostname}\\n")
    app.send_task("answer", (word,))


for name in ("hear", "routed"):
    app.task(heard, name=name, bind=True)
"""


def test_each_worker_runs_a_broadcast_that_names_a_lane(
    tmp_path: Path,
    rabbit: RabbitServer,  # noqa: F811 - the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is in no lane, for one worker would take it; what the workers send inherits the lane."""
    (tmp_path / "news_app.py").write_text(APP)
    monkeypatch.setenv("URL", rabbit.url)
    app = Celery("sender", broker=rabbit.url, set_as_current=False)
    app.conf.task_queues = (Broadcast("news"),)
    app.conf.task_routes = {"routed": {"queue": "news"}}
    foreign = Celery("foreign", broker=rabbit.url, set_as_current=False)
    foreign.conf.task_queues = app.conf.task_queues
    Ranch(app, backend=f"sqlite:///{tmp_path}/ranch.db")
    with (
        CeleryWorker(tmp_path, {}, app="news_app", name="one", concurrency=1),
        CeleryWorker(tmp_path, {}, app="news_app", name="two", concurrency=1),
        lane("acme"),
    ):
        app.send_task("hear", ("queue",), queue="news")
        app.send_task("hear", ("exchange",), exchange="news", routing_key="any")
        app.send_task("routed", ("route",))
        foreign.send_task("hear", ("foreign",), queue="news", headers={"ranch-lane": "acme"})
        answers = Ranch(app).queue("answers")
        wait_until(lambda: answers.lane("acme").stats.pending == 8)
    ways = ("exchange", "foreign", "queue", "route")
    heard = [f"{way} {name}@tests" for way in ways for name in ("one", "two")]
    assert sorted((tmp_path / "heard").read_text().splitlines()) == heard
    Ranch(app).backend.close()
    app.close()
    foreign.close()
