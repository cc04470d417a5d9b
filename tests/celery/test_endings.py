"""Jobs that end without having run: who waits for their results, and for the duplicates of their tasks, is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, chain, chord, group, signals
from celery.exceptions import TaskRevokedError, WorkerLostError

from ranch import InvalidJob, QueueFull
from ranch.celery import Ranch
from ranch.testing.waiting import wait_until
from tests.celery.app import Journal
from tests.celery.test_inprocess import SOON, worker
from tests.celery.workers import CeleryWorker, end_leases


def test_an_expired_job_leaves_the_store(memory_app: Celery, journal: Journal) -> None:
    """With its lane paused, so that no worker could have looked at it: it is counted, and its result says why."""
    queue = Ranch(memory_app).queue()
    queue.lane("acme").pause()
    told: list[tuple[str, bool]] = []

    def note(sender: Any, request: Any, expired: bool, **_: Any) -> None:
        told.append((request.id, expired))

    signals.task_revoked.connect(note)
    try:
        late = memory_app.tasks["run"].apply_async(lane="acme", expires=0.05)
        in_time = memory_app.tasks["run"].apply_async(lane="acme", expires=60)
        with worker(memory_app):
            with pytest.raises(TaskRevokedError, match="expired"):
                late.get(**SOON)
            queue.lane("acme").resume()
            assert in_time.get(**SOON) == "run"
    finally:
        signals.task_revoked.disconnect(note)
    assert queue.stats().expired == 1
    assert told == [(late.id, True)]
    assert journal.words_of(late.id) == []


def test_the_lanes_own_expiry_counts_for_tasks(memory_app: Celery) -> None:
    """A lane's limit gives jobs a time that the message does not tell."""
    queue = Ranch(memory_app).queue()
    queue.lane("acme").limit(expires=0.05)
    queue.lane("acme").pause()
    late = memory_app.tasks["run"].lru_delay("acme")
    with worker(memory_app), pytest.raises(TaskRevokedError, match="expired"):
        late.get(**SOON)


def test_a_cancelled_job_is_revoked(memory_app: Celery) -> None:
    """By whoever cancels it, without a worker; one that is purged is told of as little as by Celery."""
    queue = Ranch(memory_app).queue()
    cancelled, purged = (memory_app.tasks["run"].lru_delay("acme") for _ in range(2))
    assert queue.cancel(next(iter(queue.jobs())).job.id)
    assert queue.purge() == 1
    assert (cancelled.state, purged.state) == ("REVOKED", "PENDING")


def test_a_chord_hears_of_a_part_that_expired(memory_app: Celery) -> None:
    """Else its body would be waited for for ever."""
    run, join = memory_app.tasks["run"], memory_app.tasks["join"]
    Ranch(memory_app).queue().lane("held").pause()
    body = chord([run.si("a").set(lane="acme"), run.si("b").set(lane="held", expires=0.05)], app=memory_app)(
        join.s("body").set(lane="acme")
    )
    with worker(memory_app), pytest.raises(Exception, match="expired"):
        body.get(**SOON)


@pytest.mark.parametrize("settings", ["redis"], indirect=True)
def test_a_job_whose_workers_are_lost_too_often_has_failed(
    settings: dict[str, Any], tmp_path: Path, new_app: Callable[..., Celery], journal: Journal
) -> None:
    """It is a dead letter, and its result says so to whoever waits; the worker that finds it so goes on."""
    settings |= {"ranch": {"max_reclaims": 1}}
    app = new_app(**settings)
    doomed = app.tasks["late"].lru_delay("acme", "doomed")
    for number in range(2):
        with CeleryWorker(tmp_path, settings, name=f"w{number}") as lost:
            wait_until(lambda runs=number + 1: len(journal.words_of(doomed.id)) == runs)
            lost.kill()
        end_leases(Ranch(app).queue(), journal)
    with CeleryWorker(tmp_path, settings, name="finder"):
        with pytest.raises(WorkerLostError):
            doomed.get(**SOON)
        assert app.tasks["run"].lru_delay("acme").get(**SOON) == "run"
    (letter,) = Ranch(app).queue().dead.list()
    assert (letter.death.reason, len(journal.words_of(doomed.id))) == ("worker lost", 2)


def test_a_duplicate_has_the_result_of_the_first(memory_app: Celery, journal: Journal) -> None:
    """One runs, and all who sent it get its result."""
    run = memory_app.tasks["run"]
    options = {"lane": "acme", "dedup_key": "report"}
    first = run.apply_async(**options)
    second = run.apply_async(**{**options, "lane": "globex"})
    third = run.s().set(**options).delay()
    fourth = memory_app.send_task("run", **options)
    other = run.apply_async(lane="acme", dedup_key="other", dedup_for=60)
    assert first.id == second.id == third.id == fourth.id != other.id
    assert Ranch(memory_app).queue().stats().pending == 2
    with worker(memory_app):
        assert [result.get(**SOON) for result in (first, second, third, fourth, other)] == ["run"] * 5
        again = run.apply_async(**options)
        assert again.id != first.id
        assert again.get(**SOON) == "run"
    assert len(journal.words()) == 3


def test_a_retry_is_no_duplicate_of_itself(memory_app: Celery, journal: Journal) -> None:
    """Though the attempt that sends it holds the key until it has ended."""
    retried = memory_app.tasks["retried"]
    retried.acks_late = True
    with worker(memory_app):
        result = retried.apply_async((2,), lane="acme", dedup_key="report")
        assert result.get(**SOON) == 2
    assert len(journal.words()) == 3


def test_the_last_of_a_chain_may_be_a_duplicate(
    settings: dict[str, Any], tmp_path: Path, new_app: Callable[..., Celery], journal: Journal
) -> None:
    """It does not run, and its result says so, for its id was known before; so it is for a callback."""
    app = new_app(**settings)
    run = app.tasks["run"]
    first = app.tasks["late"].apply_async(("first",), lane="acme", dedup_key="report")
    ends = [
        chain(run.si("chain").set(lane="acme"), run.si("last").set(dedup_key="report"), app=app)(),
        run.apply_async(("linking",), lane="acme", link=run.si("linked").set(dedup_key="report", task_id="linked")),
    ]
    ends[1] = app.AsyncResult("linked")
    with CeleryWorker(tmp_path, settings, "-E"):
        for end in ends:
            with pytest.raises(TaskRevokedError, match=f"duplicate of {first.id}"):
                end.get(**SOON)
        mine = run.apply_async(lane="acme", dedup_key="report", task_id="mine")
        assert (mine.id, app.AsyncResult("mine").state) == (first.id, "REVOKED")
        journal.open_gate()
        assert first.get(**SOON) == "first"
        wait_until(lambda: Ranch(app).queue().stats().leased == 0)
        again = chain(run.si("a").set(lane="acme"), run.si("b").set(dedup_key="report"), app=app)()
        assert again.get(**SOON) == "b"
    assert sorted(journal.words()) == ["a", "b", "chain", "first", "linking"]


def test_a_retry_runs_whoever_has_its_key(memory_app: Celery, journal: Journal) -> None:
    """Somebody waits for it, and another task with that key may have come meanwhile."""
    retried, run = memory_app.tasks["retried"], memory_app.tasks["run"]
    first = retried.apply_async((1,), lane="acme", dedup_key="report")
    (lease,) = Ranch(memory_app).queue().claim_many(1)
    lease.ack()
    second = run.apply_async(lane="acme", dedup_key="report")
    retried.apply_async((1,), lane="acme", dedup_key="report", task_id=first.id, retries=1)
    with worker(memory_app):
        assert (first.get(**SOON), second.get(**SOON)) == (1, "run")


def test_what_others_wait_for_cannot_be_a_duplicate(memory_app: Celery) -> None:
    """A chain, a group, a chord or a callback would wait for a task that never runs."""
    run, join = memory_app.tasks["run"], memory_app.tasks["join"]
    once = run.si().set(lane="acme", dedup_key="report")
    for canvas in (
        chain(once, run.si(), app=memory_app),
        group([once, run.si()], app=memory_app),
        chord([once, run.si()], join.s("body"), app=memory_app),
        chord([run.si().set(lane="acme")], join.s("body").set(dedup_key="report"), app=memory_app),
        once.clone().on_error(run.si()),
        chain(run.si().set(lane="acme"), once, run.si(), app=memory_app),
        run.si().set(lane="acme", link=[once, run.si()]),
    ):
        with pytest.raises(InvalidJob, match="dedup_key"):
            canvas.apply_async()
    assert Ranch(memory_app).queue().stats().pending == 0
    with pytest.raises(InvalidJob, match="dedup_for"):
        run.apply_async(lane="acme", dedup_for=60)


def test_a_full_lane_refuses(memory_app: Celery) -> None:
    """At the call; others go on, and a retry, which is no new work, comes in."""
    queue = Ranch(memory_app).queue()
    queue.lane("acme").limit(max_pending=1)
    run = memory_app.tasks["run"]
    run.lru_delay("acme")
    with pytest.raises(QueueFull, match="acme"):
        run.lru_delay("acme")
    run.lru_delay("globex")
    retried = run.apply_async(lane="acme", retries=1)
    with worker(memory_app):
        assert retried.get(**SOON) == "run"
