"""Moving out of the lanes, with workers that know nothing of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from click.testing import CliRunner

from ranch.celery import Ranch
from ranch.celery.drain import drain
from ranch.cli.mounted import ranch
from ranch.testing.server import RedisServer
from tests.celery.app import Journal
from tests.celery.test_inprocess import SOON, worker
from tests.celery.workers import CeleryWorker

PLAIN = """
import os

from celery import Celery

app = Celery("plain", broker=os.environ["URL"], backend=os.environ["URL"])


@app.task(name="run", bind=True)
def run(self, word="run"):
    return [word, self.request.get("ranch-lane")]
"""


@pytest.mark.parametrize("settings", ["redis", "sqlite"], indirect=True)
def test_plain_workers_run_what_waited_in_lanes(
    app: Celery, settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether ready, delayed, paused or compressed; each under its own id, and once."""
    queue, run = Ranch(app).queue(), app.tasks["run"]
    results = {word: run.apply_async((word,), lane="acme") for word in "abc"}
    results["compressed"] = run.apply_async(("compressed",), lane="acme", compression="zlib")
    results["delayed"] = run.apply_async(("delayed",), lane="acme", countdown=1)
    results["paused"] = run.apply_async(("paused",), lane="held", dedup_key="paused")
    queue.lane("held").pause()
    assert drain(app, "celery") == len(results)
    stats = queue.stats()
    assert (stats.pending, stats.delayed, stats.leased) == (0, 0, 0)

    (tmp_path / "plain_app.py").write_text(PLAIN)
    monkeypatch.setenv("URL", settings["broker_url"])
    with CeleryWorker(tmp_path, settings, app="plain_app"):
        assert {word: result.get(**SOON) for word, result in results.items()} == {w: [w, None] for w in results}


def test_a_worker_with_ranch_leaves_them_plain(memory_app: Celery, journal: Journal) -> None:
    """What was moved out does not come back; what no serializer reads is a dead letter."""
    queue = Ranch(memory_app).queue()
    queue.enqueue("acme", "no message")
    result = memory_app.tasks["run"].lru_delay("acme")
    assert drain(memory_app, "celery") == 1
    assert [letter.death.reason for letter in queue.dead.list()] == ["cannot decode"]
    with worker(memory_app):
        assert result.get(**SOON) == "run"
    assert [entry["lane"] for entry in journal.entries()] == [None]


def test_the_command_says_how_many(memory_app: Celery) -> None:
    """Of the default queue, or of the one that is named."""
    run = memory_app.tasks["run"]
    run.lru_delay("acme")
    run.apply_async(lane="acme", queue="other")
    for arguments, name in ([], "celery"), (["--queue", "other"], "other"):
        done = CliRunner().invoke(ranch, ["drain", *arguments], obj=SimpleNamespace(app=memory_app))
        assert done.stdout == f"1 jobs of queue '{name}' went to the broker\n"
    assert Ranch(memory_app).queue("other").stats().pending == 0


def test_a_broker_that_is_away_takes_nothing(new_app: Callable[..., Celery], tmp_path: Path) -> None:
    """The command says so, and all waits for the next attempt as it did before."""
    with RedisServer() as broker:
        app = new_app(broker_url=broker.tcp_url, ranch={"backend": f"sqlite:///{tmp_path}/ranch.db"})
        queue, run = Ranch(app).queue(), app.tasks["run"]
        run.lru_delay("acme")
        run.apply_async(lane="acme", countdown=3600)
        broker.kill()
        done = CliRunner().invoke(ranch, ["drain"], obj=SimpleNamespace(app=app))
        assert (done.exit_code, done.stderr.partition(",")[0]) == (1, "Error: the broker cannot be reached")
        stats = queue.stats()
        assert (stats.pending, stats.delayed, stats.leased) == (1, 1, 0)
        broker.start()
        assert drain(app, "celery") == 2
        app.close()
