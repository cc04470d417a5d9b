"""Workers as users run them: processes of their own, beside the one that sends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from celery.result import AsyncResult

from ranch.celery import Ranch
from ranch.testing.server import RedisServer
from ranch.testing.waiting import wait_until
from tests.celery.app import VARIABLE, Journal
from tests.celery.workers import ASKED, ROOT, SOON, CeleryWorker, active, ranch_says

SLOTS = {"prefork": 2, "solo": 1, "threads": 2, "gevent": 2, "eventlet": 2}

POOLS = list(SLOTS)


@pytest.fixture
def redis_settings(redis_tcp_url: str) -> dict[str, Any]:
    """The settings of an app that has but one Redis, for broker, results and jobs."""
    return {"broker_url": redis_tcp_url, "result_backend": redis_tcp_url}


@pytest.fixture
def redis_app(redis_settings: dict[str, Any], new_app: Callable[..., Celery]) -> Celery:
    """The app of those settings."""
    return new_app(**redis_settings)


def settled(app: Celery) -> bool:
    """Whether nothing waits and nothing is claimed."""
    stats = Ranch(app).queue().stats()
    return (stats.pending, stats.delayed, stats.leased) == (0, 0, 0)


@pytest.mark.parametrize("pool", POOLS)
def test_tasks_run(app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal, pool: str) -> None:
    """Laned and plain side by side: result, state and traceback under the id that the call returned."""
    add, fail, run = app.tasks["add"], app.tasks["fail"], app.tasks["run"]
    with CeleryWorker(tmp_path, settings, pool=pool):
        results: list[AsyncResult[int]] = []
        for number in range(0, 60, 2):
            results += [add.lru_delay(f"lane-{number % 3}", number, 0), add.delay(number, 1)]
        assert [result.get(timeout=SOON) for result in results] == list(range(60))
        failed = fail.lru_delay("acme")
        with pytest.raises(ValueError, match="as it should"):
            failed.get(timeout=SOON)
        assert failed.state == "FAILURE"
        assert 'raise ValueError("as it should")' in failed.traceback
        named = {
            "option": run.apply_async(lane="option"),
            "set": run.s().set(lane="set").delay(),
            "send_task": app.send_task("run", lane="send_task"),
            "header": app.send_task("run", headers={"ranch-lane": "header"}),
            "sugar": run.lru_delay("sugar", expiry=60),
            "zipped": run.apply_async(lane="zipped", compression="zlib"),
        }
        for result in named.values():
            assert result.get(timeout=SOON) == "run"
        assert {entry["lane"]: entry["id"] for entry in journal.entries()} == {
            lane: result.id for lane, result in named.items()
        }
        child = app.tasks["parent"].lru_delay("acme").get(timeout=SOON)
        assert app.AsyncResult(child).get(timeout=SOON) == 3
        assert app.tasks["retried"].lru_delay("acme", 2).get(timeout=SOON) == 2
        assert [entry["lane"] for entry in journal.entries()[-3:]] == ["acme"] * 3
        wait_until(lambda: settled(app))


def test_inspect_shows_laned_tasks(app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal) -> None:
    """Under their own names and ids; and what a worker has not begun it has not claimed."""
    gated = app.tasks["gated"]
    with CeleryWorker(tmp_path, settings):
        running = [gated.lru_delay("bulk", f"bulk-{number}") for number in range(2)]
        wait_until(lambda: len(active(app)) == 2)
        waiting = [gated.lru_delay("bulk", "bulk") for _ in range(50)]
        assert {(task["name"], task["id"]) for task in active(app)} == {("gated", result.id) for result in running}
        stats = Ranch(app).queue().stats()
        assert (stats.claimed, stats.pending) == (2, 50)
        gated.lru_delay("urgent", "urgent")
        journal.open_gate("bulk-0")
        wait_until(lambda: len(journal.words()) > 2)
        assert journal.words()[2] == "urgent"
        journal.open_gate()
        for result in running + waiting:
            result.get(timeout=SOON)


@pytest.mark.parametrize("pool", POOLS)
def test_a_job_of_another_lane_starts_next(
    redis_app: Celery, redis_settings: dict[str, Any], tmp_path: Path, journal: Journal, pool: str
) -> None:
    """However many wait in another lane, and however much the worker prefetches: none is claimed ahead of its start."""
    gated, slots = redis_app.tasks["gated"], SLOTS[pool]
    queue = Ranch(redis_app).queue()
    for number in range(1000):
        gated.lru_delay("bulk", f"bulk-{number}")
    with CeleryWorker(tmp_path, redis_settings, pool=pool, concurrency=slots):
        wait_until(lambda: len(journal.words()) == slots)
        for turn in range(5):
            gated.lru_delay(f"lane-{turn}", f"next-{turn}")
            started = len(journal.words())
            assert (queue.stats().claimed, queue.stats().pending) == (started, 1001 + turn - started)
            journal.open_gate(journal.words()[-1])
            wait_until(lambda started=started: len(journal.words()) > started)
            assert journal.words()[started] == f"next-{turn}"
            # And after it one of the bulk again, so that each of these takes the place of one of those.
            journal.open_gate(f"next-{turn}")
            wait_until(lambda started=started: len(journal.words()) > started + 1)
            assert journal.words()[started + 1].startswith("bulk")
        assert queue.stats().claimed == len(journal.words())
        for word in journal.words():
            journal.open_gate(word)
        redis_app.control.cancel_consumer("celery")
        journal.open_gate()


@pytest.mark.parametrize("pool", POOLS)
def test_plain_tasks_do_not_hold_up_lanes(
    redis_app: Celery, redis_settings: dict[str, Any], tmp_path: Path, journal: Journal, pool: str
) -> None:
    """Four laned jobs sent after forty plain tasks have their turns among the first of them."""
    gated, run, slots = redis_app.tasks["gated"], redis_app.tasks["run"], SLOTS[pool]
    with CeleryWorker(tmp_path, redis_settings, pool=pool, concurrency=slots):
        for _ in range(slots):
            gated.delay("first")
        wait_until(lambda: len(journal.words()) == slots)
        results = [run.delay("P") for _ in range(40)] + [run.lru_delay(f"lane-{n}", "L") for n in range(4)]
        if pool != "solo":  # which answers nobody while it runs a task
            wait_until(lambda: not ranch_says(redis_app)["queues"]["celery"]["waiting"])
        journal.open_gate()
        for result in results:
            result.get(timeout=SOON)
    order = "".join(journal.words()[slots:])
    assert order.rindex("L") < 14, order


@pytest.mark.parametrize("settings", ["redis"], indirect=True)
def test_workers_take_lanes_of_their_queues(
    app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal
) -> None:
    """A laned job keeps the queue that routing gave it, and remote control adds and cancels queues of both kinds."""
    run = app.tasks["run"]
    with CeleryWorker(tmp_path, settings, "-Q", "mails,sums", name="first"):
        run.apply_async(("sums",), lane="acme", queue="sums").get(timeout=SOON)
        run.apply_async(("mails",), lane="acme", queue="mails").get(timeout=SOON)
        other = run.apply_async(("other",), lane="acme", queue="other")
        assert Ranch(app).queue("other").stats().pending == 1
        app.control.add_consumer("other", **ASKED)
        assert other.get(timeout=SOON) == "other"
        app.control.cancel_consumer("sums", **ASKED)
        # The next look at the queues is at the next thing to happen.
        run.apply_async(("mails",), lane="acme", queue="mails").get(timeout=SOON)
        run.apply_async(("sums",), lane="acme", queue="sums")
        run.apply_async(("mails",), lane="acme", queue="mails").get(timeout=SOON)
        assert Ranch(app).queue("sums").stats().pending == 1
    assert journal.words() == ["sums", "mails", "other", "mails", "mails"]
    assert [entry["queue"] for entry in journal.entries()] == journal.words()


def test_a_store_is_taken_from_the_broker(redis_tcp_url: str, tmp_path: Path, new_app: Callable[..., Celery]) -> None:
    """An app that names none, and has Redis for a broker, keeps its jobs there under a prefix."""
    settings = {"broker_url": redis_tcp_url, "result_backend": redis_tcp_url}
    app = new_app(**settings)
    result = app.tasks["add"].lru_delay("acme", 1, 2)
    with CeleryWorker(tmp_path, settings, pool="solo", concurrency=1):
        assert result.get(timeout=SOON) == 3


@pytest.mark.parametrize("pool", ["prefork", "solo"])
def test_a_broker_without_events_will_do(
    file_settings: dict[str, Any], tmp_path: Path, new_app: Callable[..., Celery], pool: str
) -> None:
    """Such as the file system: the worker has no event loop then."""
    settings = {**file_settings, "ranch": {"backend": f"sqlite:///{tmp_path}/ranch.db"}}
    app = new_app(**settings)
    with CeleryWorker(tmp_path, settings, pool=pool):
        results = [app.tasks["add"].lru_delay(f"lane-{n % 3}", n, 1) for n in range(20)]
        assert [result.get(timeout=SOON, interval=0.01) for result in results] == list(range(1, 21))
        assert app.tasks["add"].delay(1, 2).get(timeout=SOON, interval=0.01) == 3


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_processes_may_be_spawned(app: Celery, settings: dict[str, Any], tmp_path: Path) -> None:
    """A task in a spawned process, whose app is a copy, sends jobs into lanes too."""
    settings["worker_pool_start_method"] = "spawn"
    with CeleryWorker(tmp_path, settings, concurrency=1):
        child = app.tasks["parent"].lru_delay("acme").get(timeout=SOON)
        assert app.AsyncResult(child).get(timeout=SOON) == 3
    assert Ranch(app).queue().lane("child").stats.acked == 1


def test_memory_does_not_go_with_processes(tmp_path: Path) -> None:
    """The worker does not start, and says what to do."""
    worker = CeleryWorker(tmp_path, {"broker_url": "memory://", "ranch": {"backend": "memory://"}})
    worker.launch()
    try:
        assert worker.wait() != 0
    finally:
        worker.kill()
    assert "memory:// lives in one process" in worker.log
    assert "--pool=threads" in worker.log


def test_who_cannot_claim_wakes_another(
    redis_app: Celery, redis_settings: dict[str, Any], tmp_path: Path, journal: Journal
) -> None:
    """A worker that the store has woken, and whose last slot a plain task took, does not keep an idle one waiting."""
    gated, run = redis_app.tasks["gated"], redis_app.tasks["run"]
    with (
        CeleryWorker(tmp_path, redis_settings, "-Q", "celery,own", name="busy", pool="threads", concurrency=1),
        CeleryWorker(tmp_path, redis_settings, name="idle", pool="threads", concurrency=1) as idle,
    ):
        waits = []
        for turn in range(5):
            # Who has run a job waits anew. Now the store wakes the other one first.
            wait_until(lambda: run.lru_delay("acme").get(timeout=SOON) and journal.entries()[-1]["pid"] == idle.pid)
            plain = gated.apply_async((f"own-{turn}",), queue="own")
            wait_until(lambda turn=turn: f"own-{turn}" in journal.words(), interval=0.001)
            sent = time.time()
            result = run.lru_delay("acme", f"laned-{turn}")
            result.get(timeout=SOON)
            (entry,) = [entry for entry in journal.entries() if entry["id"] == result.id]
            waits.append(entry["time"] - sent)
            journal.open_gate(f"own-{turn}")
            plain.get(timeout=SOON)
    # Else it would be up to two seconds each time. A busy machine makes it slow now and then.
    assert sorted(waits)[2] < 0.5, waits


def test_workers_say_what_they_do(
    redis_app: Celery, redis_settings: dict[str, Any], tmp_path: Path, journal: Journal
) -> None:
    """`celery inspect ranch` tells of slots, claims and leases, by queue; a worker's app without ranch says so."""
    with CeleryWorker(tmp_path, redis_settings, "-Q", "celery,mails"):
        late = redis_app.tasks["late"].lru_delay("acme", "late")
        redis_app.tasks["run"].lru_delay("acme").get(timeout=SOON)
        wait_until(lambda: len(journal.words()) == 2)
        environment = {**os.environ, VARIABLE: json.dumps({"folder": str(tmp_path), **redis_settings})}
        command = [sys.executable, "-W", "ignore", "-m", "celery", "-A", "tests.celery.app", "inspect", "ranch", "-j"]
        command += ["-d", "worker@tests", "-t", "20"]

        def said() -> dict[str, Any]:
            printed = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
            return json.loads(printed.stdout)["worker@tests"]

        queues = {
            "celery": {"claimed": 2, "leases": 1, "unsettled": 0, "waiting": True},
            "mails": {"claimed": 0, "leases": 0, "unsettled": 0, "waiting": True},
        }
        report = {"slots": 2, "free": 1, "plain messages held": 0, "queues": queues}
        # Every two seconds it looks for a moment.
        wait_until(lambda: said() == report)
        journal.open_gate()
        late.get(timeout=SOON)


def test_beat_sends_into_lanes(
    redis_settings: dict[str, Any], redis_app: Celery, tmp_path: Path, journal: Journal
) -> None:
    """A real beat: an entry's options name the lane, and each run is a task of its own."""
    redis_settings["beat_schedule"] = {
        "laned": {"task": "run", "schedule": 1.0, "args": ["laned"], "options": {"lane": "nightly"}},
        "default": {"task": "bulk", "schedule": 1.0},
    }
    with CeleryWorker(tmp_path, redis_settings, "-B", "-s", str(tmp_path / "beat")):
        wait_until(lambda: journal.words().count("laned") >= 2 and "bulk" in journal.words())
    assert {(entry["word"], entry["lane"]) for entry in journal.entries()} == {("laned", "nightly"), ("bulk", "bulk")}
    assert len({entry["id"] for entry in journal.entries()}) == len(journal.entries())


@pytest.mark.parametrize("pool", ["prefork", "solo"])
def test_an_idle_worker_hardly_asks(
    own_redis: RedisServer, file_settings: dict[str, Any], tmp_path: Path, new_app: Callable[..., Celery], pool: str
) -> None:
    """Two commands a second at most, and a job starts at once all the same."""
    settings = {**file_settings, "ranch": {"backend": own_redis.tcp_url}}
    run = new_app(**settings).tasks["run"]
    with CeleryWorker(tmp_path, settings, pool=pool), redis.Redis.from_url(own_redis.url) as client:
        assert run.lru_delay("acme").get(timeout=SOON, interval=0.01) == "run"
        client.config_resetstat()
        began = time.monotonic()
        time.sleep(5.0)  # of nothing
        stats, seconds = client.info("commandstats"), time.monotonic() - began
        # What clients send, not what scripts call.
        asked = sum(
            stats[name]["calls"] for name in ("cmdstat_blpop", "cmdstat_evalsha", "cmdstat_eval") if name in stats
        )
        assert asked / seconds <= 2
        waits = []
        for _ in range(5):
            wait_until(lambda: client.info("clients")["blocked_clients"])
            sent = time.monotonic()
            assert run.lru_delay("acme").get(timeout=SOON, interval=0.01) == "run"
            waits.append(time.monotonic() - sent)
        # It waits for two seconds, if it is not woken. A busy machine makes it slow now and then.
        assert min(waits) < 1.0, waits
