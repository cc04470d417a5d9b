"""What a worker is told when it is started, and what it is told to do about its pool and its end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery import VERSION, Celery

from ranch.celery import Ranch
from ranch.testing.server import RedisServer
from ranch.testing.waiting import wait_until
from tests.celery.app import Journal
from tests.celery.workers import ASKED, SOON, CeleryWorker, active

#: The store makes no difference to what a worker does with its processes.
one_store = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)


def pids(journal: Journal) -> list[int]:
    """The processes that ran the tasks, in order."""
    return [entry["pid"] for entry in journal.entries()]


@one_store
def test_the_pool_grows_and_is_restarted(
    app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal
) -> None:
    """`--autoscale` gives waiting jobs processes, up to its limit; `pool_restart` replaces them."""
    settings |= {"worker_pool_restarts": True}
    gated, run = app.tasks["gated"], app.tasks["run"]
    with CeleryWorker(tmp_path, settings, "--autoscale=4,1"):
        results = [gated.lru_delay("acme", f"{number}") for number in range(6)]
        wait_until(lambda: len(journal.words()) == 4)
        assert Ranch(app).queue().stats().pending == 2
        journal.open_gate()
        for result in results:
            result.get(timeout=SOON)
        assert len(set(pids(journal)[:4])) == 4
        app.control.pool_restart(**ASKED)
        old = set(pids(journal))
        # Each process ends after the job that it is at.
        wait_until(lambda: run.lru_delay("acme").get(timeout=SOON) and pids(journal)[-1] not in old)


@one_store
@pytest.mark.parametrize("option", ["--max-tasks-per-child=1", "--max-memory-per-child=1"])
def test_processes_are_replaced(
    app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal, option: str
) -> None:
    """After so many tasks or so much memory; no job is lost or run twice over it."""
    with CeleryWorker(tmp_path, settings, option):
        results = [app.tasks["run"].lru_delay("acme", str(number)) for number in range(6)]
        assert [result.get(timeout=SOON) for result in results] == list("012345")
    assert len(set(pids(journal))) == 6
    assert sorted(journal.words()) == list("012345")


@one_store
@pytest.mark.skipif(VERSION < (5, 5), reason="Celery 5.5 brought the soft shutdown")
def test_a_soft_shutdown_lets_jobs_end(app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal) -> None:
    """In the time that `worker_soft_shutdown_timeout` gives; what waits stays in its lane, and others come back."""
    settings |= {"worker_soft_shutdown_timeout": 5.0}
    with CeleryWorker(tmp_path, settings) as worker:
        ends, stays = (app.tasks["late"].lru_delay("acme", word) for word in ("ends", "stays"))
        wait_until(lambda: len(active(app)) == 2)
        waits = app.tasks["run"].lru_delay("acme", "waits")
        os.kill(worker.pid, signal.SIGQUIT)
        wait_until(lambda: "Soft Shutdown" in worker.log)
        journal.open_gate("ends")
        assert ends.get(timeout=SOON) == "ends"
        worker.wait()
    stats = Ranch(app).queue().stats()
    assert (stats.pending, stats.leased, stats.acked) == (2, 0, 1)
    journal.open_gate()
    with CeleryWorker(tmp_path, settings, name="second"):
        assert (stays.get(timeout=SOON), waits.get(timeout=SOON)) == ("stays", "waits")
    assert sorted(journal.words()) == ["ends", "stays", "stays", "waits"]


@pytest.mark.parametrize("cancels", [False, True])
def test_a_broker_may_stop_and_start(
    own_redis: RedisServer, tmp_path: Path, new_app: Callable[..., Celery], journal: Journal, *, cancels: bool
) -> None:
    """What runs goes on, or is run again where `worker_cancel_long_running_tasks_on_connection_loss` says so."""
    (tmp_path / "results").mkdir()
    settings = {
        "broker_url": own_redis.tcp_url,
        "result_backend": f"file://{tmp_path}/results",
        "worker_cancel_long_running_tasks_on_connection_loss": cancels,
        "ranch": {"backend": f"sqlite:///{tmp_path}/ranch.db"},
    }
    app = new_app(**settings)
    with CeleryWorker(tmp_path, settings) as worker:
        late = app.tasks["late"].lru_delay("acme", "late")
        wait_until(lambda: active(app))
        own_redis.kill()
        wait_until(lambda: "Connection to broker lost" in worker.log)
        # While the broker is away lanes go on taking jobs.
        waiting = app.tasks["add"].lru_delay("acme", 1, 2)
        own_redis.start()
        journal.open_gate()
        assert late.get(timeout=2 * SOON, interval=0.01) == "late"
        assert waiting.get(timeout=2 * SOON, interval=0.01) == 3
        assert app.tasks["add"].delay(1, 2).get(timeout=SOON, interval=0.01) == 3
        wait_until(lambda: Ranch(app).queue().stats().leased == 0)
    # Until then Celery forgot the tasks that its processes ran, and plain ones run twice as well.
    if VERSION >= (5, 6, 3):
        assert len(journal.words()) == 1 + cancels


@one_store
def test_a_purge_is_the_brokers(app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal) -> None:
    """`control.purge` empties the broker's queues; what waits in lanes stays there."""
    run = app.tasks["run"]
    laned, _ = run.lru_delay("acme", "laned"), run.delay("plain")
    assert app.control.purge() == 1
    with CeleryWorker(tmp_path, settings, concurrency=1):
        assert laned.get(timeout=SOON) == "laned"
    assert journal.words() == ["laned"]
