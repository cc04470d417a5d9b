"""No job is lost with its worker: what is promised, and workers that are killed over and over."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import WorkerLostError

from ranch.celery import Ranch
from ranch.testing.waiting import wait_until
from tests.celery.app import Journal
from tests.celery.workers import ASKED, SOON, CeleryWorker, end_leases, ranch_says

#: How many jobs and kills; `make soak` takes more.
JOBS, KILLS = json.loads(os.environ.get("RANCH_TEST_KILLS", "[5000, 20]"))


@pytest.mark.timeout(60 + 10 * KILLS)
@pytest.mark.parametrize("settings", ["redis"], indirect=True)
def test_killed_workers_lose_no_job(
    settings: dict[str, Any], tmp_path: Path, new_app: Callable[..., Celery], journal: Journal
) -> None:
    """Of thousands of late-acknowledging jobs each is run, though one worker after another is killed meanwhile."""
    settings |= {"ranch": {"lease": 3.0}, "task_ignore_result": True}
    app = new_app(**settings)
    queue = Ranch(app).queue()
    for number in range(JOBS):
        app.tasks["numbered"].apply_async((number,), lane=f"lane-{number % 10}")
    for pair in range(KILLS // 2):
        victims = [CeleryWorker(tmp_path, settings, name=f"victim-{pair}-{side}") for side in "ab"]
        wanted = (pair + 1) * JOBS // (KILLS // 2 + 1)
        with ExitStack() as ends:
            for victim in victims:
                victim.launch()
                ends.callback(victim.kill)
            wait_until(lambda wanted=wanted: len(journal.numbers()) >= wanted)
    with CeleryWorker(tmp_path, settings, name="last"):
        wait_until(lambda: len(set(journal.numbers())) == JOBS, 4 * SOON)
        wait_until(lambda: (queue.stats().pending, queue.stats().leased) == (0, 0))
    twice = [number for number, times in Counter(journal.numbers()).items() if times > 1]
    stats = queue.stats()
    assert stats.acked == JOBS
    assert stats.reclaimed > 0, "none was killed at work"
    # At most what a worker's processes had at each kill.
    assert len(twice) <= 2 * KILLS


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_an_early_job_that_was_not_begun_comes_back(
    settings: dict[str, Any], tmp_path: Path, new_app: Callable[..., Celery], journal: Journal
) -> None:
    """What was claimed, and waits for its rate, keeps a slot, and is in no process; a killed worker has not lost it."""
    # Longer than a machine that is busy keeps a worker from renewing it.
    settings["ranch"] = {**settings["ranch"], "lease": 3.0}
    app = new_app(**settings)
    limited = app.tasks["limited"]
    with CeleryWorker(tmp_path, settings, name="first") as worker:
        results = [limited.lru_delay("acme", word) for word in ("first", "second")]
        results[0].get(timeout=SOON)
        wait_until(lambda: Ranch(app).queue().stats().leased == 1)
        # For it was claimed, and is to begin as soon as it may; and the worker knows that the first has ended.
        wait_until(lambda: {"slots": 2, "free": 1}.items() <= ranch_says(app).items())
        worker.kill()
    with CeleryWorker(tmp_path, settings, name="second"):
        assert results[1].get(timeout=SOON) == "second"
    assert [(entry["word"], entry["attempts"]) for entry in journal.entries()] == [("first", 1), ("second", 2)]


@pytest.fixture
def careful(settings: dict[str, Any], new_app: Callable[..., Celery]) -> Celery:
    """The app of those settings, and of at-least-once delivery."""
    settings["ranch"] = {**settings.get("ranch", {}), "delivery": "at-least-once"}
    return new_app(**settings)


@pytest.mark.parametrize("pool", ["prefork", "solo", "threads"])
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_delivery_may_be_at_least_once(
    careful: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal, pool: str
) -> None:
    """Then a task that says nothing runs again if its worker is killed, and sees that it does; a plain one does not."""
    gated = careful.tasks["gated"]
    with CeleryWorker(tmp_path, settings, name="first", pool=pool) as first:
        laned = gated.lru_delay("acme", "laned")
        wait_until(journal.words)
        if pool != "solo":
            gated.delay("plain")
            wait_until(lambda: len(journal.words()) == 2)
        assert Ranch(careful).queue().stats().acked == 0
        first.kill()
    end_leases(Ranch(careful).queue(), journal)
    journal.open_gate()
    with CeleryWorker(tmp_path, settings, name="second", pool=pool):
        assert laned.get(timeout=SOON) == "laned"
        wait_until(lambda: Ranch(careful).queue().stats().acked == 1)
    runs = [(entry["attempts"], entry["redelivered"]) for entry in journal.entries() if entry["word"] == "laned"]
    assert runs == [(1, False), (2, True)]
    assert journal.words().count("plain") == (pool != "solo")


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_at_least_once_has_all_of_celerys_rules(
    careful: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal
) -> None:
    """For failures, retries, lost processes and revoked tasks, as if each task had `acks_late`."""
    with CeleryWorker(tmp_path, settings):
        with pytest.raises(ValueError, match="as it should"):
            careful.tasks["fail"].lru_delay("acme").get(timeout=SOON)
        assert careful.tasks["retried"].lru_delay("acme", 2).get(timeout=SOON) == 2
        with pytest.raises(WorkerLostError):
            careful.tasks["dies"].lru_delay("acme").get(timeout=SOON)
        assert careful.tasks["noted"].lru_delay("acme").get(timeout=SOON) == "noted"
        wait_until(lambda: Ranch(careful).queue().stats().leased == 0)
        stats = Ranch(careful).queue().stats()
        assert (stats.pending, stats.acked, stats.released) == (0, 6, 0)
        # In the worker itself a twin of the task does it, of the same name.
        careful.control.revoke("unwanted", **ASKED)
        careful.tasks["signalled"].apply_async((False,), lane="acme", task_id="unwanted")
        wait_until(lambda: "task_revoked of a twin" in journal.words_of("unwanted"))
