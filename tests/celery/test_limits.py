"""Limits of lanes, kept by real workers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import WorkerLostError

from ranch.celery import Ranch
from ranch.testing.waiting import wait_until
from tests.celery.app import Journal
from tests.celery.workers import SOON, CeleryWorker, end_leases, ranch_says


def most_at_a_time(journal: Journal, *lanes: str) -> int:
    """Return how many jobs of these lanes ran at once, at most."""
    running = most = 0
    for entry in journal.entries():
        if entry["lane"] in lanes:
            running += 1 if entry["word"].endswith("begins") else -1
            most = max(most, running)
    return most


@pytest.mark.parametrize(
    ("task", "pool"), [("timed", "prefork"), ("timed-late", "prefork"), ("timed", "threads"), ("timed-late", "threads")]
)
@pytest.mark.parametrize("settings", ["redis"], indirect=True)
def test_a_lane_has_one_running_at_a_time(
    app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal, *, task: str, pool: str
) -> None:
    """Of two workers together, whatever Celery acknowledges when; the other lane has the rest of the slots."""
    queue = Ranch(app).queue()
    queue.lane("acme").limit(max_in_flight=1)
    journal.open_gate()
    results = [app.tasks[task].lru_delay(lane, "x") for _ in range(10) for lane in ("acme", "free")]
    options = {"pool": pool, "concurrency": 4}
    with CeleryWorker(tmp_path, settings, **options), CeleryWorker(tmp_path, settings, name="second", **options):
        assert [result.get(timeout=SOON) for result in results] == ["x"] * 20
        wait_until(lambda: queue.stats().leased == 0)
    assert most_at_a_time(journal, "acme") == 1
    assert most_at_a_time(journal, "free") > 1
    stats = queue.stats()
    assert (stats.acked, stats.dead, stats.released) == (20, 0, 0)


@pytest.mark.parametrize("task", ["timed", "timed-late"])
def test_a_killed_worker_gives_the_place_back(
    app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal, *, task: str
) -> None:
    """Once the lease of its job is over. That job runs again if its task acks late, and else it has failed."""
    lease = 3.0
    settings |= {"ranch": {**settings.get("ranch", {}), "lease": lease}}
    queue = Ranch(app).queue()
    queue.lane("acme").limit(max_in_flight=1)
    first, second = (app.tasks[task].lru_delay("acme", word) for word in ("first", "second"))
    with CeleryWorker(tmp_path, settings, concurrency=4) as worker:
        wait_until(lambda: "first begins" in journal.words())
        # Longer than a lease: who runs it keeps it.
        assert not _comes(lambda: "second begins" in journal.words(), lease + 0.5)
        worker.kill()
    end_leases(queue, journal)
    journal.open_gate()
    with CeleryWorker(tmp_path, settings, concurrency=4, name="other"):
        assert second.get(timeout=SOON) == "second"
        if task == "timed":
            with pytest.raises(WorkerLostError):
                first.get(timeout=SOON)
        else:
            assert first.get(timeout=SOON) == "first"
    assert journal.words().count("first begins") == (1 if task == "timed" else 2)
    assert [letter.job.lane for letter in queue.dead.list()] == (["acme"] if task == "timed" else [])


@pytest.mark.parametrize("settings", ["redis"], indirect=True)
def test_a_lost_process_gives_the_place_back(
    app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal
) -> None:
    """Its worker lives, and says so at once: the default lease is a minute."""
    queue = Ranch(app).queue()
    queue.lane("acme").limit(max_in_flight=1)
    dies, runs = app.tasks["dies"].lru_delay("acme"), app.tasks["run"].lru_delay("acme")
    with CeleryWorker(tmp_path, settings):
        with pytest.raises(WorkerLostError):
            dies.get(timeout=SOON)
        assert runs.get(timeout=SOON) == "run"
    assert (queue.stats().acked, journal.words().count("dies")) == (2, 1)


@pytest.mark.parametrize("settings", ["redis"], indirect=True)
def test_a_stopping_worker_keeps_the_place(
    app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal
) -> None:
    """A worker that stops warmly ends what runs, and gives no place away before."""
    queue = Ranch(app).queue()
    queue.lane("acme").limit(max_in_flight=1)
    first, second = (app.tasks["timed"].lru_delay("acme", word) for word in ("first", "second"))
    with CeleryWorker(tmp_path, settings) as worker:
        wait_until(lambda: "first begins" in journal.words())
        worker.terminate()
        with CeleryWorker(tmp_path, settings, name="other"):
            assert not _comes(lambda: "second begins" in journal.words(), 0.5)
            journal.open_gate()
            assert [first.get(timeout=SOON), second.get(timeout=SOON)] == ["first", "second"]
        worker.wait()
    assert most_at_a_time(journal, "acme") == 1


def test_a_paused_lane_waits_for_its_resumption(
    app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal
) -> None:
    """The others go on; once it is resumed it goes on within a second, though the workers were idle."""
    queue = Ranch(app).queue()
    run = app.tasks["run"]
    paused = {f"paused-{number}": run.lru_delay(f"paused-{number}") for number in range(5)}
    for lane in paused:
        queue.lane(lane).pause()
    with CeleryWorker(tmp_path, settings):
        assert [run.lru_delay("free").get(timeout=SOON) for _ in range(5)] == ["run"] * 5
        assert {waiting.state for waiting in paused.values()} == {"PENDING"}
        seconds = []
        for lane, waiting in paused.items():
            wait_until(lambda: ranch_says(app)["queues"]["celery"]["waiting"])
            resumed = time.monotonic()
            queue.lane(lane).resume()
            assert waiting.get(timeout=SOON) == "run"
            seconds.append(time.monotonic() - resumed)
        # A worker that is not woken takes two seconds each time; a busy machine makes it slow now and then.
        assert min(seconds) < 1.0, seconds
        queue.pause()
        held = run.lru_delay("acme")
        assert not _comes(held.ready, 0.5)
        queue.resume()
        assert held.get(timeout=SOON) == "run"


@pytest.mark.parametrize("settings", ["redis"], indirect=True)
def test_a_lane_keeps_its_rate(app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal) -> None:
    """Over all workers, evenly; the other lane does not feel it."""
    queue = Ranch(app).queue()
    queue.lane("acme").limit(rate="10/s")
    queue.lane("acme").pause()
    run = app.tasks["run"]
    held = [run.lru_delay("acme") for _ in range(15)]
    with CeleryWorker(tmp_path, settings), CeleryWorker(tmp_path, settings, name="second"):
        free = [run.lru_delay("free") for _ in range(15)]
        resumed = time.time()
        queue.lane("acme").resume()
        assert [result.get(timeout=SOON) for result in free + held] == ["run"] * 30
    starts = [entry["time"] for entry in journal.entries() if entry["lane"] == "acme"]
    # 14 pauses of 0.1 s, in whole milliseconds.
    assert max(starts) - resumed >= 1.39


def _comes(condition: Any, within: float) -> bool:
    """Tell whether it becomes true in a time in which it would have, if it were to."""
    try:
        wait_until(condition, within)
    except TimeoutError:
        return False
    return True
