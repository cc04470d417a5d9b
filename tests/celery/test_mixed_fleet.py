"""Moving in and out while messages come: workers with and without ranch on one broker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from ranch.celery import Ranch
from ranch.testing.waiting import wait_until
from tests.celery.app import VARIABLE, Journal, whole_lines
from tests.celery.rabbit import RabbitServer
from tests.celery.test_rabbit import rabbit  # noqa: F401 - a fixture
from tests.celery.workers import ROOT, SOON, CeleryWorker

#: A worker without ranch, and what it ran.
PLAIN = """
import json
import os

from celery import Celery

app = Celery("plain", broker=os.environ["URL"], backend=os.environ["RESULTS"])
app.conf.task_default_queue = os.environ["QUEUE"]


@app.task(name="run", bind=True)
def run(self, word="run"):
    with open("plain", "a") as file:
        file.write(json.dumps([word, self.request.get("ranch-lane")]) + "\\n")
    return word
"""

BROKERS = [
    pytest.param("redis", id="redis"),
    pytest.param("rabbit", id="rabbit", marks=pytest.mark.xdist_group("rabbit")),
]


@pytest.fixture(params=BROKERS)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """The settings of an app, with a queue of the test's own."""
    (tmp_path / "results").mkdir()
    settings: dict[str, Any] = {"result_backend": f"file://{tmp_path}/results", "task_default_queue": tmp_path.name}
    if request.param == "redis":
        return {**settings, "broker_url": request.getfixturevalue("redis_tcp_url")}
    server: RabbitServer = request.getfixturevalue("rabbit")
    return {**settings, "broker_url": server.url, "ranch": {"backend": f"sqlite:///{tmp_path}/ranch.db"}}


@pytest.fixture
def without(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Celery]:
    """The same app before it has ranch, for a publisher; and what its worker needs."""
    (tmp_path / "plain_app.py").write_text(PLAIN)
    monkeypatch.setenv("URL", settings["broker_url"])
    monkeypatch.setenv("RESULTS", settings["result_backend"])
    monkeypatch.setenv("QUEUE", settings["task_default_queue"])
    app = Celery("without", set_as_current=False)
    app.conf.update({name: value for name, value in settings.items() if name != "ranch"})
    yield app
    app.close()


def test_no_message_is_lost_on_the_way_in_and_out(
    settings: dict[str, Any],
    without: Celery,
    new_app: Callable[..., Celery],
    tmp_path: Path,
    journal: Journal,
) -> None:
    """Each runs once; a worker without ranch gets none that is in a lane, and after `ranch drain` all of them."""
    app = new_app(**settings)
    run, queue = app.tasks["run"], Ranch(app).queue()
    results: dict[str, Any] = {}

    def plain(kind: str, **options: Any) -> None:
        for number in range(60):
            word = f"{kind} {number}"
            results[word] = without.send_task("run", (word,), **options)

    def laned(kind: str, lanes: int, **options: Any) -> None:
        for number in range(60):
            word = f"{kind} {number}"
            results[word] = run.apply_async((word,), lane=f"{kind} {number % lanes}", **options)

    def ran_plain() -> list[tuple[str, str | None]]:
        return [tuple(json.loads(line)) for line in whole_lines(tmp_path / "plain")]

    with CeleryWorker(tmp_path, settings, name="without", app="plain_app"):
        plain("before")
        with CeleryWorker(tmp_path, settings, name="with") as worker:
            # Publishers change one by one.
            plain("meanwhile")
            laned("laned", lanes=7)
            plain("header", headers={"ranch-lane": "acme"})
            for result in results.values():
                result.get(timeout=SOON, interval=0.02)
            assert not [word for word, _ in ran_plain() if word.startswith("laned")]

            # And back.
            # Those that are later as well: some would fall due while they are drained, and may run twice.
            for lane in ("held 0", "later 0", "later 1", "later 2"):
                queue.lane(lane).pause()
            laned("held", lanes=1)
            laned("last", lanes=7)
            plain("again")
            laned("later", lanes=3, countdown=5)
            assert drained(tmp_path, settings) >= 120
            worker.terminate()
            worker.wait()
        drained(tmp_path, settings)
        assert [result.get(timeout=SOON, interval=0.02) for result in results.values()] == list(results)
        wait_until(lambda: len(ran_plain()) + len(journal.words()) == len(results))
    ran_laned = [(entry["word"], entry["lane"]) for entry in journal.entries()]
    assert sorted(word for word, _ in [*ran_plain(), *ran_laned]) == sorted(results)
    # What was drained is in no lane, whoever runs it.
    assert {lane for word, lane in ran_plain() + ran_laned if word.startswith(("held", "later"))} == {None}
    assert {lane for word, lane in ran_plain() if not word.startswith("header")} == {None}
    assert {lane for word, lane in ran_laned if word.startswith("laned")} == {f"laned {n}" for n in range(7)}
    stats = queue.stats()
    assert (stats.pending, stats.delayed, stats.leased) == (0, 0, 0)
    app.close()


def drained(folder: Path, settings: dict[str, Any]) -> int:
    """Run `celery -A … ranch drain`; return how many jobs it has sent."""
    environment = {**os.environ, VARIABLE: json.dumps({"folder": str(folder), **settings})}
    command = [sys.executable, "-W", "ignore", "-m", "celery", "-A", "tests.celery.app", "ranch", "drain"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[0])
