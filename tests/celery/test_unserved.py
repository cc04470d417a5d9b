"""Queues with jobs that no worker takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from ranch.celery import Ranch
from ranch.celery.unserved import known_queues
from ranch.testing.waiting import wait_until
from tests.celery.app import VARIABLE, Journal
from tests.celery.workers import ROOT, SOON, CeleryWorker

#: A worker without ranch that consumes the queue.
PLAIN = """
import os

from celery import Celery

app = Celery("plain", broker=os.environ["URL"])
"""


@pytest.fixture
def settings(redis_tcp_url: str) -> dict[str, Any]:
    """The settings of an app one of whose tasks goes to a queue of its own."""
    return {"broker_url": redis_tcp_url, "result_backend": redis_tcp_url, "task_routes": {"run": {"queue": "exports"}}}


@pytest.fixture
def app(settings: dict[str, Any], new_app: Callable[..., Celery]) -> Celery:
    """The app of those settings, with a job that waits there for its time."""
    app = new_app(**settings)
    app.tasks["run"].apply_async(lane="acme", countdown=3600)
    return app


def check(folder: Path, settings: dict[str, Any], *options: str) -> tuple[int, list[str]]:
    """Run `celery -A … ranch check`; return its exit code and what it printed."""
    environment = {**os.environ, VARIABLE: json.dumps({"folder": str(folder), **settings})}
    command = [sys.executable, "-W", "ignore", "-m", "celery", "-A", "tests.celery.app", "ranch", "check", *options]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


def test_a_queue_that_no_worker_takes_is_reported(
    app: Celery, settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `ranch check` and, as it starts, by a worker; one without ranch that consumes the queue does not count."""
    alone, only = "1 job waits in lanes of queue 'exports', and ", ("--queue", "exports")
    (tmp_path / "plain_app.py").write_text(PLAIN)
    monkeypatch.setenv("URL", settings["broker_url"])
    with CeleryWorker(tmp_path, settings, "-Q", "exports", name="plain", app="plain_app", concurrency=1):
        none = f"{alone}no worker with ranch has answered"
        assert check(tmp_path, settings) == (1, ["queue 'exports' has no faults", none])
        with CeleryWorker(tmp_path, settings, "-Q", "celery", name="other", concurrency=1) as other:
            one = f"{alone}the one worker with ranch that answered does not take from it"
            # It gives them a second to answer, and a worker may need longer.
            wait_until(lambda: check(tmp_path, settings) == (1, ["queue 'exports' has no faults", one]))
            facts = {"queue": "exports", "jobs": 1, "workers": 1}
            wait_until(lambda: json.loads(*check(tmp_path, settings, "--json", *only)[1])["unserved"] == facts)
            wait_until(lambda: one in other.log)
            with CeleryWorker(tmp_path, settings, "-Q", "exports", name="exports", concurrency=1):
                wait_until(lambda: check(tmp_path, settings, *only) == (0, ["queue 'exports' has no faults"]))
                Ranch(app).queue("celery").enqueue("acme", "another", delay=3600)
                app.control.cancel_consumer("exports", destination=["exports@tests"])
                two = f"{alone}none of the 2 workers with ranch that answered takes from it"
                lines = ["queue 'celery' has no faults", "queue 'exports' has no faults", two]
                wait_until(lambda: check(tmp_path, settings) == (1, lines))


def test_a_worker_that_has_looked_gets_new_processes(app: Celery, settings: dict[str, Any], tmp_path: Path) -> None:
    """None of them waits for what other workers answered to the first one."""
    # Else one that a busy machine makes slow is given up after four seconds.
    settings["worker_proc_alive_timeout"] = 2.0 * SOON
    with CeleryWorker(tmp_path, settings, "-Q", "celery", "--max-tasks-per-child", "1") as worker:
        wait_until(lambda: "does not take from it" in worker.log)
        results = [app.tasks["add"].lru_delay("acme", number, 1) for number in range(6)]
        assert [result.get(timeout=SOON, interval=0.02) for result in results] == [1, 2, 3, 4, 5, 6]


def test_a_worker_that_was_busy_looks_again(
    app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal
) -> None:
    """One that runs tasks in its own thread hears nothing meanwhile, not even itself."""
    with CeleryWorker(tmp_path, settings, "-Q", "celery", "-l", "DEBUG", pool="solo") as worker:
        app.tasks["gated"].lru_delay("acme", "busy")
        wait_until(lambda: "cannot hear itself" in worker.log)
        journal.open_gate()
        wait_until(lambda: "does not take from it" in worker.log)


def test_an_app_names_its_queues(settings: dict[str, Any], new_app: Callable[..., Celery]) -> None:
    """Those that it declares, sets something for, or routes a task to; a router that wants arguments is left out."""

    def router(name: str, args: Any, kwargs: Any, options: Any, task: Any = None, **_: Any) -> Any:
        return kwargs["queue"] if name == "add" else None

    settings["task_routes"] = [router, settings["task_routes"]]
    app = new_app(**settings, ranch={"strategies": {"ads": "bid"}, "weight_functions": {"mails": "static"}})
    assert sorted(known_queues(app)) == ["ads", "celery", "exports", "mails"]


def test_a_worker_that_is_not_heard_says_nothing(
    app: Celery, settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without remote control it cannot know of others."""
    settings["worker_enable_remote_control"] = False
    app.conf.worker_enable_remote_control = False
    with CeleryWorker(tmp_path, settings, "-Q", "celery", "-l", "DEBUG", pool="threads") as worker:
        wait_until(lambda: "cannot hear itself" in worker.log)
    assert "in lanes of queue" not in worker.log
