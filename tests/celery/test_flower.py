"""Flower beside a worker, both real: what it shows of jobs in lanes, and what it does to them, by its HTTP API."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from attrs import frozen
from celery import Celery

from ranch import Queue
from ranch.celery import Ranch
from ranch.testing.waiting import wait_until
from tests.celery.app import VARIABLE, Journal
from tests.celery.workers import ROOT, SOON, CeleryWorker, active, app_with_a_server

pytest.importorskip("flower")

# One process of pytest runs them all, so that worker and Flower are started once.
pytestmark = pytest.mark.xdist_group("celery-flower")

WORKER = "worker@tests"
#: A worker that is asked may need longer than the one second by default.
OPTIONS = ("--address=127.0.0.1", "--port=0", "--inspect-timeout=20000")


@frozen
class Site:
    """A worker with two slots, its app, what it did, and the Flower that watches it."""

    app: Celery
    journal: Journal
    queue: Queue
    url: str

    def ask(self, path: str, **query: Any) -> Any:
        """Return what Flower answers."""
        return _fetch(Request(f"{self.url}{path}?{urlencode(query)}"))

    def tell(self, path: str, body: Any = None, **query: Any) -> Any:
        """Have Flower do something; return what it answers."""
        return _fetch(Request(f"{self.url}{path}?{urlencode(query)}", json.dumps(body or {}).encode()))

    def send(self, task: str, *args: Any) -> str:
        """Send a task into a lane; return its id."""
        return self.app.tasks[task].apply_async(args, lane="acme").id

    def fill(self, word: str) -> list[str]:
        """Give the worker as many jobs as it has slots, which end when the gate of that word is opened."""
        tasks = {self.send("gated", word) for _ in range(2)}
        wait_until(lambda: {task["id"] for task in active(self.app)} == tasks)
        return [*tasks]

    def shows(self, task: str, state: str) -> dict[str, Any]:
        """Wait until Flower shows a task in a state; return all that it shows of it."""
        return wait_until(lambda: (shown := self.ask("/api/tasks").get(task, {})).get("state") == state and shown)

    def result(self, task: str) -> dict[str, Any]:
        """What Flower finds in the result backend."""
        return self.ask(f"/api/task/result/{task}")

    def worker(self) -> dict[str, Any]:
        """What Flower learns when it asks the worker now."""
        return self.ask("/api/workers", refresh=1, workername=WORKER)[WORKER]


def _fetch(request: Request) -> Any:
    with urlopen(request, timeout=SOON) as response:
        return json.load(response)


@contextmanager
def flower(folder: Path, settings: dict[str, Any]) -> Iterator[str]:
    """Run ``celery flower`` on a free port; give its URL."""
    log = folder / "flower.log"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "FLOWER_UNAUTHENTICATED_API": "true",
        VARIABLE: json.dumps({"folder": str(folder), **settings}),
    }
    command = [sys.executable, "-m", "celery", "-A", "tests.celery.app", "flower", *OPTIONS]
    with (
        log.open("wb") as output,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT) as process,
    ):
        try:
            yield wait_until(lambda: re.search(r"http://127.0.0.1:\d+", log.read_text()))[0]
        except BaseException:
            print(log.read_text())
            raise
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def site(redis_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The worker and the Flower of this module."""
    folder = tmp_path_factory.mktemp("flower")
    with (
        app_with_a_server(redis_binary, folder) as (app, settings),
        flower(folder, settings) as url,
        CeleryWorker(folder, settings, "-E"),
    ):
        site = Site(app, Journal(folder), Ranch(app).queue(), url)
        wait_until(lambda: site.ask("/api/workers", status=1) == {WORKER: True})
        yield site
        site.journal.open_gate()


def test_it_shows_what_becomes_of_jobs(site: Site) -> None:
    """Each under its own name and id, from sent to its end, with its result or its error."""
    running = site.fill("shown")
    works, fails = site.send("add", 1, 2), site.send("fail")
    for task in (works, fails):
        assert site.shows(task, "PENDING")["received"] is None
    shown = site.shows(running[0], "STARTED")
    assert (shown["name"], shown["worker"], shown["args"]) == ("gated", WORKER, "('shown',)")
    assert site.ask(f"/api/task/info/{works}")["sent"] > 0
    site.journal.open_gate("shown")
    assert site.shows(running[0], "SUCCESS")["runtime"] > 0
    shown = site.shows(works, "SUCCESS")
    assert (shown["name"], shown["worker"], shown["result"]) == ("add", WORKER, "3")
    assert shown["sent"] < shown["received"] <= shown["started"] <= shown["succeeded"]
    shown = site.shows(fails, "FAILURE")
    assert (shown["name"], shown["exception"]) == ("fail", "ValueError('as it should')")
    assert "raise ValueError" in shown["traceback"]
    assert site.result(works) == {"task-id": works, "state": "SUCCESS", "result": 3}
    assert site.result(fails)["state"] == "FAILURE"


def test_it_revokes_a_waiting_job(site: Site) -> None:
    """Which never runs, and is shown as revoked when its turn came; the one behind it runs."""
    site.fill("revoking")
    revoked, next_one = site.send("run"), site.send("run")
    site.tell(f"/api/task/revoke/{revoked}")
    wait_until(lambda: revoked in site.worker()["revoked"])
    assert site.shows(revoked, "PENDING")["name"] == "run"
    site.journal.open_gate("revoking")
    assert site.shows(revoked, "REVOKED")["started"] is None
    site.shows(next_one, "SUCCESS")
    assert site.result(revoked)["state"] == "REVOKED"
    assert site.journal.words_of(revoked) == []


@pytest.mark.parametrize("task", ["gated", "late"])
def test_it_ends_a_running_job(site: Site, task: str) -> None:
    """Its process is terminated, it is shown as revoked, and does not come back, however it is acknowledged."""
    running = site.send(task, "endless")
    site.shows(running, "STARTED")
    site.tell(f"/api/task/revoke/{running}", terminate=1)
    site.shows(running, "REVOKED")
    assert site.result(running)["state"] == "REVOKED"
    wait_until(lambda: site.queue.stats().leased == 0)
    assert site.queue.stats().pending == 0
    assert len(site.journal.words_of(running)) == 1


def test_it_shows_the_worker(site: Site) -> None:
    """Its pool, its queues, how many of each task it ran, and what it runs, without what waits in lanes."""
    running = site.fill("worker")
    waiting = [site.send("hermit") for _ in range(3)]
    worker = site.worker()
    assert {task["id"] for task in worker["active"]} == set(running)
    assert worker["reserved"] == worker["scheduled"] == []
    assert worker["stats"]["pool"]["max-concurrency"] == 2
    assert "hermit" not in worker["stats"]["total"]
    assert [queue["name"] for queue in worker["active_queues"]] == ["celery"]
    # The broker's queue.
    assert site.ask("/api/queues/length") == {"active_queues": [{"name": "celery", "messages": 0}]}
    site.journal.open_gate("worker")
    for task in waiting + running:
        site.shows(task, "SUCCESS")
    worker = site.worker()
    assert worker["active"] == []
    assert worker["stats"]["total"]["hermit"] == 3


def test_it_sends_a_task_into_a_lane(site: Site) -> None:
    """The lane is an option of the call, as it is in Python."""
    sent = site.tell("/api/task/async-apply/run", {"args": ["flower"], "lane": "by-flower"})
    site.shows(sent["task-id"], "SUCCESS")
    assert [entry["lane"] for entry in site.journal.entries() if entry["id"] == sent["task-id"]] == ["by-flower"]
