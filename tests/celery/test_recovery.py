"""What becomes of jobs when workers, brokers and stores go away."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import VERSION, Celery

from ranch import BackendUnavailable
from ranch.celery import Ranch
from ranch.testing.server import RedisServer
from ranch.testing.waiting import wait_until
from tests.celery.app import Journal
from tests.celery.workers import SOON, CeleryWorker, active, end_leases, told


def test_a_killed_workers_jobs_run_elsewhere(
    settings: dict[str, Any], tmp_path: Path, new_app: Callable[..., Celery], journal: Journal
) -> None:
    """A late-acknowledging job comes back with its lease; any other is lost, as in plain Celery."""
    app = new_app(**settings)
    with CeleryWorker(tmp_path, settings, name="first") as first:
        late = app.tasks["late"].lru_delay("acme", "late")
        app.tasks["gated"].lru_delay("other", "early")
        wait_until(lambda: len(journal.words()) == 2)
        wait_until(lambda: Ranch(app).queue().stats().acked == 1)
        first.kill()
    end_leases(Ranch(app).queue(), journal)
    journal.open_gate()
    with CeleryWorker(tmp_path, settings, name="second"):
        assert late.get(timeout=SOON) == "late"
        wait_until(lambda: Ranch(app).queue().stats().leased == 0)
    assert sorted((entry["word"], entry["redelivered"]) for entry in journal.entries()) == [
        ("early", False),
        ("late", False),
        ("late", True),
    ]
    assert Ranch(app).queue().stats().reclaimed == 1


@pytest.mark.parametrize("pool", ["prefork", "threads"])
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_stopping_worker_finishes_what_runs_and_claims_nothing(
    app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal, pool: str
) -> None:
    """What waited waits on, in its place."""
    with CeleryWorker(tmp_path, settings, pool=pool) as worker:
        results = [app.tasks["late"].lru_delay("acme", str(number)) for number in range(5)]
        wait_until(lambda: len(journal.words()) == 2)
        worker.terminate()
        wait_until(lambda: "Warm shutdown" in worker.log)
        journal.open_gate()
        assert worker.wait() == 0
    stats = Ranch(app).queue().stats()
    assert (stats.pending, stats.leased, stats.acked) == (3, 0, 2)
    with CeleryWorker(tmp_path, settings, pool=pool, name="second"):
        assert [result.get(timeout=SOON) for result in results] == list("01234")
    assert sorted(journal.words()) == list("01234")


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_stopping_worker_waits_for_a_process_that_is_slow_to_begin(
    app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal
) -> None:
    """What a process was given runs there and nowhere else, though the machine keeps it from beginning for a while."""
    journal.open_gate()
    with CeleryWorker(tmp_path, settings, concurrency=1) as worker:
        said = wait_until(lambda: app.control.inspect(limit=1, timeout=20).stats())
        (process,) = said["worker@tests"]["pool"]["processes"]
        os.kill(process, signal.SIGSTOP)
        app.tasks["late"].lru_delay("acme", "late")
        wait_until(lambda: Ranch(app).queue().stats().leased)
        worker.terminate()
        wait_until(lambda: "Warm shutdown" in worker.log)
        time.sleep(1.5)  # on a busy machine
        os.kill(process, signal.SIGCONT)
        assert worker.wait() == 0
    stats = Ranch(app).queue().stats()
    assert (stats.pending, stats.leased, stats.acked) == (0, 0, 1)
    assert journal.words() == ["late"]


@pytest.mark.skipif(VERSION < (5, 6), reason="until then Celery acknowledged late tasks in a cold shutdown")
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_cold_shutdown_gives_late_jobs_back(
    app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal
) -> None:
    """At once, without waiting for their leases to expire."""
    with CeleryWorker(tmp_path, settings) as worker:
        late = app.tasks["late"].lru_delay("acme", "late")
        wait_until(lambda: active(app))
        os.kill(worker.pid, signal.SIGQUIT)
        worker.wait()
    assert Ranch(app).queue().stats().pending == 1
    journal.open_gate()
    with CeleryWorker(tmp_path, settings, name="second"):
        assert late.get(timeout=SOON) == "late"
    assert journal.words() == ["late", "late"]


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_killed_process_of_the_pool_is_told_of(
    app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal
) -> None:
    """The job ends as in plain Celery, its slot is free again, and no lease is left."""
    with CeleryWorker(tmp_path, settings, concurrency=1):
        late = app.tasks["late"].lru_delay("acme", "killed")
        (task,) = wait_until(lambda: active(app))
        os.kill(task["worker_pid"], signal.SIGKILL)
        with pytest.raises(Exception, match="Worker exited prematurely"):
            late.get(timeout=SOON)
        assert app.tasks["add"].lru_delay("acme", 1, 2).get(timeout=SOON) == 3
        wait_until(lambda: Ranch(app).queue().stats().leased == 0)


@pytest.fixture
def cut_settings(own_redis: RedisServer, file_settings: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """Those of an app whose broker will be lost."""
    # Results in files: those of Celery's Redis backend tell the server when they are collected, and hold up whatever
    # test runs by then for 20 s each, in vain.
    return {
        **file_settings,
        "broker_url": own_redis.tcp_url,
        "ranch": {"backend": f"sqlite:///{tmp_path}/ranch.db"},
    }


def cut(server: RedisServer, worker: CeleryWorker) -> None:
    """Close all connections to the broker, and wait until the worker has noticed."""
    with redis.Redis.from_url(server.url) as client:
        client.client_kill_filter(_type="normal", skipme=True)
        client.client_kill_filter(_type="pubsub", skipme=True)
    wait_until(lambda: "Connection to broker lost" in worker.log)


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_lost_broker_costs_no_job(
    own_redis: RedisServer,
    cut_settings: dict[str, Any],
    tmp_path: Path,
    new_app: Callable[..., Celery],
    journal: Journal,
    pool: str,
) -> None:
    """What runs goes on and runs once, what waited for its turn is given back, and the worker takes jobs again."""
    app = new_app(**cut_settings)
    with CeleryWorker(tmp_path, cut_settings, pool=pool) as worker:
        results = [app.tasks["late"].lru_delay("acme", str(number)) for number in range(4)]
        wait_until(lambda: len(active(app)) == 2)
        cut(own_redis, worker)
        journal.open_gate()
        assert [result.get(timeout=SOON) for result in results] == list("0123")
        assert app.tasks["add"].lru_delay("acme", 1, 2).get(timeout=SOON) == 3
        assert app.tasks["add"].delay(1, 2).get(timeout=SOON) == 3
        wait_until(lambda: Ranch(app).queue().stats().leased == 0)
    # Until then Celery forgot the tasks that its processes ran, and plain ones run twice as well.
    if pool != "prefork" or VERSION >= (5, 6, 3):
        assert sorted(journal.words()) == list("0123")


def test_events_go_on_after_a_lost_broker(
    own_redis: RedisServer,
    cut_settings: dict[str, Any],
    tmp_path: Path,
    new_app: Callable[..., Celery],
    journal: Journal,
) -> None:
    """Also those of tasks that end without having run, which ranch itself sends."""
    app = new_app(**cut_settings)
    with CeleryWorker(tmp_path, cut_settings, "-E", pool="threads", concurrency=1) as worker:
        cut(own_redis, worker)
        with told(app) as events:
            wait_until(lambda: any(event["type"].startswith("worker-") for event in events))
            app.tasks["gated"].lru_delay("acme", "gated")
            wait_until(journal.words)
            late = app.tasks["add"].apply_async((1, 2), lane="acme", expires=0.1)
            too_late = time.time() + 0.2
            wait_until(lambda: time.time() > too_late)
            journal.open_gate()
            wait_until(lambda: ("task-revoked", late.id) in {(it["type"], it.get("uuid")) for it in events})


def sent(add: Any) -> Any:
    """Send a job, if the store takes it."""
    try:
        return add.lru_delay("acme", 1, 2)
    except BackendUnavailable:
        return None


def test_a_worker_waits_for_its_store(
    own_redis: RedisServer,
    file_settings: dict[str, Any],
    tmp_path: Path,
    new_app: Callable[..., Celery],
    journal: Journal,
) -> None:
    """While it is away sending says so; once it is back the worker settles and goes on."""
    settings = {**file_settings, "ranch": {"backend": own_redis.tcp_url}}
    app = new_app(**settings)
    with CeleryWorker(tmp_path, settings, pool="threads") as worker:
        late = app.tasks["late"].lru_delay("acme", "late")
        wait_until(journal.words)
        with redis.Redis.from_url(own_redis.url) as client:
            client.save()
        own_redis.kill()
        with pytest.raises(BackendUnavailable):
            app.tasks["add"].lru_delay("acme", 1, 2)
        journal.open_gate()
        assert late.get(timeout=SOON, interval=0.01) == "late"
        wait_until(lambda: "could not settle job" in worker.log)
        wait_until(lambda: "cannot claim from queue" in worker.log)
        own_redis.start()
        # Until its breaker has found out, sending fails at once.
        added = wait_until(lambda: sent(app.tasks["add"]))
        assert added.get(timeout=2 * SOON, interval=0.01) == 3
        wait_until(lambda: Ranch(app).queue().stats().leased == 0)
    assert journal.words() == ["late"]
