"""What Celery offers, with a lane: one worker of processes, and a receiver of its events, for all of these tests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define
from celery import VERSION, Celery, chain, chord, group
from celery.exceptions import TaskRevokedError, TimeLimitExceeded, WorkerLostError
from celery.result import AsyncResult

from ranch import Queue, lane
from ranch.celery import Ranch
from ranch.testing.waiting import wait_until
from tests.celery.app import Journal
from tests.celery.workers import ASKED, SOON, CeleryWorker, active, app_with_a_server, ranch_says, told

# One process of pytest runs them all, so that the worker is started once.
pytestmark = pytest.mark.xdist_group("celery-features")


@define
class Site:
    """A worker, its app and what it did."""

    app: Celery
    journal: Journal
    queue: Queue
    worker: CeleryWorker
    events: list[dict[str, Any]]

    def send(self, task: str, *args: Any, **options: Any) -> AsyncResult[Any]:
        """Send a task into a lane."""
        return self.app.tasks[task].apply_async(args, **{"lane": "acme", **options})

    def begun(self, task: AsyncResult[Any], times: int = 1) -> None:
        """Wait until a task runs."""
        wait_until(lambda: len(self.journal.words_of(task.id)) >= times)

    def is_settled(self) -> bool:
        stats = self.queue.stats()
        return (stats.pending, stats.delayed, stats.leased) == (0, 0, 0)

    def events_of(self, task: AsyncResult[Any]) -> list[dict[str, Any]]:
        return [event for event in self.events if event.get("uuid") == task.id]


@pytest.fixture(scope="module")
def running(redis_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The worker of this module."""
    folder = tmp_path_factory.mktemp("features")
    given = {"task_track_started": True, "accept_content": ["json", "yaml"]}
    with (
        app_with_a_server(redis_binary, folder, **given) as (app, settings),
        told(app) as events,
        CeleryWorker(folder, settings, "-E") as worker,
    ):
        site = Site(app, Journal(folder), Ranch(app).queue(), worker, events)
        # It says that it is ready before it listens.
        wait_until(lambda: app.control.ping(limit=1, timeout=1))
        yield site
        site.journal.open_gate()


@pytest.fixture
def site(running: Site) -> Iterator[Site]:
    """The same; each test leaves nothing behind, in the store or in the worker."""
    yield running
    wait_until(running.is_settled)
    wait_until(lambda: not active(running.app))


# What is sent


def test_canvas_runs_in_a_lane(site: Site) -> None:
    """All of it, parts and what the worker sends after them, with its results."""
    add, total = site.app.tasks["add"], site.app.tasks["total"]
    with lane("canvas"):
        results = {
            "chain": chain(add.s(1, 2), add.s(3), add.s(4))(),
            "group": group([add.s(number, 1) for number in range(3)], app=site.app)(),
            "chord": chord([add.s(number, 1) for number in range(3)], total.s(), app=site.app)(),
            "chunks": add.chunks([(1, 2), (3, 4), (5, 6)], 2).apply_async(),
            "map": total.map([[1, 2], [3]]).apply_async(),
            "starmap": add.starmap([(1, 2), (3, 4)]).apply_async(),
        }
    assert {way: result.get(timeout=SOON) for way, result in results.items()} == {
        "chain": 10,
        "group": [1, 2, 3],
        "chord": 6,
        "chunks": [[3, 7], [11]],
        "map": [3, 3],
        "starmap": [3, 7],
    }
    wait_until(site.is_settled)
    assert site.queue.lane("canvas").stats.acked == 3 + 3 + 4 + 2 + 1 + 1


def test_a_task_retries_by_itself(site: Site) -> None:
    """`autoretry_for`: in its lane, under its id."""
    result = site.send("stubborn")
    assert result.get(timeout=SOON) == 2
    entries = [entry for entry in site.journal.entries() if entry["id"] == result.id]
    assert [(entry["lane"], entry["retries"]) for entry in entries] == [("acme", 0), ("acme", 1), ("acme", 2)]


# The end of a task


def test_a_lost_process_gives_the_job_back_if_the_task_says_so(site: Site) -> None:
    """`reject_on_worker_lost`: it runs again, and sees that it does."""
    result = site.send("fragile")
    assert result.get(timeout=SOON) == "whole"
    entries = [entry for entry in site.journal.entries() if entry["id"] == result.id]
    assert [entry["redelivered"] for entry in entries] == [False, True]


def test_a_lost_process_fails_any_other_task(site: Site) -> None:
    """And the slot is free again."""
    with pytest.raises(WorkerLostError):
        site.send("dies").get(timeout=SOON)


def test_a_late_task_may_leave_its_failure_unacknowledged(site: Site) -> None:
    """`acks_on_failure_or_timeout=False`: what fails is dropped, what runs out of time runs again."""
    with pytest.raises(ValueError, match="as it should"):
        site.send("strict", "fail").get(timeout=SOON)
    if VERSION < (5, 5):
        # It took a hard time limit for a failure.
        return
    slow = site.send("strict", "slow", time_limit=1)
    site.begun(slow)
    site.begun(slow, times=2)
    site.journal.open_gate("slow")
    assert slow.get(timeout=SOON, propagate=False) is not None
    wait_until(site.is_settled)


@pytest.mark.parametrize(("requeue", "runs"), [(True, 2), (False, 1)])
def test_a_task_may_reject_its_message(site: Site, requeue: bool, runs: int) -> None:
    """It comes back, or is dropped."""
    result = site.send("rejects", requeue)
    site.begun(result, runs)
    if requeue:
        assert result.get(timeout=SOON) == "taken"
    wait_until(site.is_settled)
    assert len(site.journal.words_of(result.id)) == runs


def test_a_task_may_be_ignored(site: Site) -> None:
    """It ends without a result, and is acknowledged."""
    result = site.send("ignores")
    site.begun(result)
    wait_until(site.is_settled)
    assert result.state in {"STARTED", "PENDING"}


def test_time_limits_hold(site: Site) -> None:
    """A soft one is raised in the task, a hard one ends its process."""
    assert site.send("patient", "soft", soft_time_limit=1).get(timeout=SOON) == "gave up"
    with pytest.raises(TimeLimitExceeded):
        site.send("patient", "hard", time_limit=0.3).get(timeout=SOON)
    wait_until(site.is_settled)
    assert "callback raised" not in site.worker.log


# Whether it runs


def test_a_rate_limit_holds(site: Site) -> None:
    """Also one that was set by remote control; jobs without a limit go past those that wait."""
    site.app.control.rate_limit("limited", "4/s", **ASKED)
    sent = time.time()
    results = [site.send("limited", str(number), lane=f"lane-{number}") for number in range(4)]
    assert [result.get(timeout=SOON) for result in results] == list("0123")
    times = [entry["time"] - sent for entry in site.journal.entries() if entry["id"] in {task.id for task in results}]
    assert max(times) > 0.7, times


def test_a_job_can_be_revoked_while_it_waits(site: Site) -> None:
    """By its id; it never runs, and its result says so."""
    busy = [site.send("gated", "revoke-waiting") for _ in range(2)]
    for task in busy:
        site.begun(task)
    waiting = site.send("run")
    site.app.control.revoke(waiting.id, **ASKED)
    site.journal.open_gate("revoke-waiting")
    with pytest.raises(TaskRevokedError):
        waiting.get(timeout=SOON)
    wait_until(site.is_settled)
    assert site.journal.words_of(waiting.id) == []
    wait_until(lambda: "task-revoked" in [event["type"] for event in site.events_of(waiting)])


def test_a_task_is_sent_by_its_name(site: Site) -> None:
    """From an app that has ranch, and not the task."""
    app = Celery("sender", broker=site.app.conf.broker_url, backend=site.app.conf.result_backend, set_as_current=False)
    Ranch(app)
    result = app.send_task("run", ("named",), lane="by-name")
    assert result.get(timeout=SOON) == "named"
    (entry,) = [entry for entry in site.journal.entries() if entry["id"] == result.id]
    assert entry["lane"] == "by-name"
    Ranch(app).backend.close()
    app.close()


def test_another_serializer_may_be_used(site: Site) -> None:
    """If the worker accepts what it makes, as ever."""
    assert site.send("run", "written in YAML", serializer="yaml").get(timeout=SOON) == "written in YAML"


def test_a_later_job_waits_in_the_store(site: Site) -> None:
    """And in no worker, until it is due."""
    sent = time.time()
    site.send("run", "later", countdown=3600)
    soon = site.send("run", countdown=1)
    assert soon.get(timeout=SOON) == "run"
    (entry,) = [entry for entry in site.journal.entries() if entry["id"] == soon.id]
    assert entry["time"] >= sent + 1
    assert site.app.control.inspect(limit=1, timeout=20).scheduled() == {"worker@tests": []}
    assert site.queue.stats().delayed == 1
    site.queue.purge()


def test_an_id_can_be_revoked_before_it_is_sent(site: Site) -> None:
    """As a chain may do with what is yet to come."""
    site.app.control.revoke("too-early", **ASKED)
    result = site.send("run", task_id="too-early")
    with pytest.raises(TaskRevokedError):
        result.get(timeout=SOON)
    assert site.journal.words_of("too-early") == []


@pytest.mark.parametrize("task", ["gated", "late"])
def test_a_running_task_can_be_terminated(site: Site, task: str) -> None:
    """Its process is ended, its result says revoked, and it does not come back."""
    result = site.send(task, f"terminate-{task}")
    site.begun(result)
    site.app.control.revoke(result.id, terminate=True, **ASKED)
    with pytest.raises(TaskRevokedError):
        result.get(timeout=SOON)
    wait_until(site.is_settled)
    assert len(site.journal.words_of(result.id)) == 1


def test_jobs_can_be_revoked_by_a_stamp(site: Site) -> None:
    """Those that bear it are dropped, others run."""
    site.app.control.revoke_by_stamped_headers({"batch": "bad"}, **ASKED)
    signature = site.app.tasks["run"].s
    bad = signature().stamp(batch="bad").apply_async(lane="acme")
    good = signature().stamp(batch="good").apply_async(lane="acme")
    assert good.get(timeout=SOON) == "run"
    with pytest.raises(TaskRevokedError):
        bad.get(timeout=SOON)
    assert site.journal.words_of(bad.id) == []


def test_a_job_expires(site: Site) -> None:
    """It is dropped when its turn comes too late."""
    busy = [site.send("gated", "expiry") for _ in range(2)]
    for task in busy:
        site.begun(task)
    late = site.send("run", expires=0.001)
    site.journal.open_gate("expiry")
    with pytest.raises(TaskRevokedError):
        late.get(timeout=SOON)
    assert site.journal.words_of(late.id) == []


# What can be seen of it


def test_a_result_may_be_ignored(site: Site) -> None:
    """Nothing is stored of it; only Celery before 5.6 tells of its start."""
    result = site.send("run", ignore_result=True)
    site.begun(result)
    wait_until(site.is_settled)
    assert result.state in {"PENDING", "STARTED"}


def test_a_start_is_tracked(site: Site) -> None:
    """A running task's state says so."""
    result = site.send("gated", "tracked")
    site.begun(result)
    assert result.state == "STARTED"
    site.journal.open_gate("tracked")
    assert result.get(timeout=SOON) == "tracked"


def test_events_tell_of_a_job(site: Site) -> None:
    """Each once, with the job's own id and name: what monitors such as Flower live on."""
    result = site.send("noted")
    assert result.get(timeout=SOON) == "noted"
    wait_until(lambda: len(site.events_of(result)) >= 4)
    # The sender tells of it when it is stored; a worker may be faster.
    (sent,) = [event for event in site.events_of(result) if event["type"] == "task-sent"]
    events = sorted((event for event in site.events_of(result) if event != sent), key=lambda event: event["clock"])
    assert [event["type"] for event in events] == ["task-received", "task-started", "task-succeeded"]
    assert (sent["name"], sent["queue"], events[0]["name"]) == ("noted", "celery", "noted")
    assert {event["hostname"] for event in events} == {"worker@tests"}


def test_a_failure_is_an_event(site: Site) -> None:
    """And so is a retry."""
    failed, retried = site.send("fail"), site.send("retried", 1)
    with pytest.raises(ValueError, match="as it should"):
        failed.get(timeout=SOON)
    assert retried.get(timeout=SOON) == 1
    wait_until(lambda: "task-failed" in [event["type"] for event in site.events_of(failed)])
    wait_until(lambda: "task-retried" in [event["type"] for event in site.events_of(retried)])


def test_workers_can_be_asked(site: Site) -> None:
    """`inspect` finds a running job by its id; what waits is in the store, and in no worker."""
    busy = [site.send("gated", "asked") for _ in range(2)]
    wait_until(lambda: len(active(site.app)) == 2)
    waiting = site.send("run")
    assert {(task["id"], task["name"]) for task in active(site.app)} == {(task.id, "gated") for task in busy}
    inspect = site.app.control.inspect(limit=1, timeout=20)
    assert inspect.reserved() == inspect.scheduled() == {"worker@tests": []}
    (found,) = inspect.query_task(busy[0].id, waiting.id).values()
    assert {task: state for task, (state, _) in found.items()} == {busy[0].id: "active"}
    assert "gated" in inspect.registered()["worker@tests"]
    assert inspect.stats()["worker@tests"]["total"]["gated"] >= 2
    site.journal.open_gate("asked")
    assert waiting.get(timeout=SOON) == "run"


def test_a_pool_grows_and_shrinks(site: Site) -> None:
    """By remote control, and what waits has the new slot at once."""
    busy = [site.send("gated", "growing") for _ in range(3)]
    for task in busy[:2]:
        site.begun(task)
    assert site.journal.words_of(busy[2].id) == []
    site.app.control.pool_grow(1, **ASKED)
    site.begun(busy[2])
    site.journal.open_gate("growing")
    # A result is there before its process is known to be idle, and while all are busy Celery refuses to shrink.
    wait_until(lambda: not active(site.app))
    site.app.control.pool_shrink(1, **ASKED)
    wait_until(lambda: ranch_says(site.app)["slots"] == 2)


def test_signals_are_sent(site: Site) -> None:
    """By worker and process, about the task itself."""
    works, fails = site.send("signalled", False), site.send("signalled", True)
    # The second time may begin before the first has ended.
    twice = ["task_postrun", "task_prerun", "task_received"] * 2
    for task, end in ((works, "task_success"), (fails, "task_failure")):
        signals = sorted([*twice, "task_retry", end])
        wait_until(lambda task=task, signals=signals: sorted(site.journal.words_of(task.id)) == signals)
    site.app.control.revoke("without a signal", **ASKED)
    revoked = site.send("signalled", False, task_id="without a signal")
    wait_until(lambda: site.journal.words_of(revoked.id) == ["task_revoked"])


def test_classes_of_tasks_and_requests_are_the_users(site: Site) -> None:
    """Their methods are called, in the process and in the worker."""
    result = site.send("noted")
    assert result.get(timeout=SOON) == "noted"
    wait_until(lambda: len(site.journal.words_of(result.id)) == 4)
    words = site.journal.words_of(result.id)
    assert [word for word in words if word != "request accepted"] == ["before start", "success", "after return"]
