"""Tasks on schedules, and sent by whoever has no Celery: jobs that are calls, and become messages in the worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery, chain
from celery.exceptions import TaskRevokedError
from click.testing import CliRunner

from ranch import InvalidJob, Queue
from ranch.celery import Ranch
from ranch.celery.calls import task_of
from ranch.celery.drain import drain
from ranch.cli.mounted import ranch
from ranch.testing.waiting import wait_until
from tests.celery.app import Journal
from tests.celery.test_inprocess import SOON, worker
from tests.celery.workers import CeleryWorker, end_leases


def test_a_task_runs_on_a_schedule(app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal) -> None:
    """Each run is a task of its own, with an id, a result and its lane, and two workers run each once."""
    run, queue = app.tasks["run"], Ranch(app).queue()
    Ranch(app).schedule(run.s("tick"), every=1, name="tick", lane="acme")
    with CeleryWorker(tmp_path, settings), CeleryWorker(tmp_path, settings, name="second"):
        wait_until(lambda: len(journal.entries()) >= 3)
        queue.schedules.remove("tick")
        wait_until(lambda: len(journal.entries()) == queue.stats().acked == queue.stats().enqueued)
        ids = {entry["id"] for entry in journal.entries()}
        assert [app.AsyncResult(task_id).get(**SOON) for task_id in ids] == ["tick"] * len(ids)
    assert len(ids) == len(journal.entries()) == queue.stats().acked
    assert {(entry["lane"], entry["queue"]) for entry in journal.entries()} == {("acme", "celery")}


@pytest.mark.parametrize("settings", ["redis"], indirect=True)
def test_a_call_keeps_its_id(app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal) -> None:
    """It is retried, and run again after its worker was lost, under one id that whoever enqueued it can tell."""
    queue = Ranch(app).queue()
    retried = queue.enqueue_call("retried", lane="acme", args=[2])
    late = queue.enqueue_call("late", lane="globex", kwargs={"word": "late"})
    first, second = (task_of(queue.name, job) for job in (retried, late))
    with CeleryWorker(tmp_path, settings) as lost:
        assert app.AsyncResult(first).get(**SOON) == 2
        wait_until(lambda: journal.words_of(second))
        lost.kill()
    end_leases(queue, journal)
    journal.open_gate()
    with CeleryWorker(tmp_path, settings, name="other"):
        assert app.AsyncResult(second).get(**SOON) == "late"
    assert journal.words_of(first) == ["retried"] * 3
    assert {entry["lane"] for entry in journal.entries() if entry["id"] == first} == {"acme"}
    assert [entry["attempts"] for entry in journal.entries() if entry["id"] == second] == [1, 2]


def test_a_call_is_a_task_like_any_other(memory_app: Celery, journal: Journal) -> None:
    """It expires, it is the first of duplicates, it is moved out; and what Celery cannot call is a dead letter."""
    queue, run = Ranch(memory_app).queue(), memory_app.tasks["run"]
    expired = queue.enqueue_call("run", lane="acme", expires=0.001)
    wait_until(lambda: queue.reclaim() or queue.stats().expired)
    assert memory_app.AsyncResult(task_of("celery", expired)).state == "REVOKED"
    first = queue.enqueue_call("run", lane="acme", args=["first"], dedup_key="once")
    again = run.apply_async(lane="acme", dedup_key="once")
    assert again.id == task_of("celery", first)
    moved = queue.enqueue_call("run", lane="acme", args=["moved"])
    assert drain(memory_app, "celery") == 2
    queue.enqueue("acme", {"task": "run", "options": {}})
    queue.enqueue_call("run", lane="acme", on_success="add")
    with worker(memory_app):
        assert again.get(**SOON) == "first"
        assert memory_app.AsyncResult(task_of("celery", moved)).get(**SOON) == "moved"
        wait_until(lambda: queue.stats().dead == 2)
    errors = sorted(letter.death.error for letter in queue.dead.list())
    assert "knows no on_success" in errors[0]
    assert "no call of one" in errors[1]
    with pytest.raises(TaskRevokedError):
        memory_app.AsyncResult(task_of("celery", expired)).get(**SOON)


def test_a_schedule_is_in_the_queue_of_its_task(new_app: Callable[..., Celery], tmp_path: Path) -> None:
    """Named by the signature, or by the app's routes, by name too; and a call that cannot be kept is refused."""
    app = new_app(
        broker_url="memory://",
        task_routes={"run": {"queue": "routed"}, "elsewhere.*": {"queue": "far"}},
        ranch={"backend": f"sqlite:///{tmp_path}/ranch.db"},
    )
    run, add = app.tasks["run"], app.tasks["add"]
    for signature, queue in (
        (run.s("a"), "routed"),
        (run.s("a").set(queue="named"), "named"),
        (add.si(1, 2), "celery"),
        (app.signature("elsewhere.task", (1,)), "far"),
    ):
        Ranch(app).schedule(signature, "0 9 * * *", name="daily", lane="acme", timezone="Europe/Berlin")
        (found,) = Ranch(app).queue(queue).schedules.list()
        assert found.job.lane == "acme"
    for wrong in (chain(add.s(1, 2), add.s(3), app=app), add.s(1, 2).set(countdown=3)):
        with pytest.raises(InvalidJob, match="a schedule calls one task"):
            Ranch(app).schedule(wrong, every=3, name="wrong", lane="acme")
    said = CliRunner().invoke(
        ranch,
        ["schedule", "add", "poll", "acme", '{"task": "add", "args": [1, 2]}', "--every", "30"],
        obj=SimpleNamespace(app=app),
    )
    assert said.exit_code == 0
    assert Queue("celery", backend=f"sqlite:///{tmp_path}/ranch.db").schedules.get("poll")
