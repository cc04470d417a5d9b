from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from celery.exceptions import NotRegistered, TaskRevokedError
from celery.worker import state

from ranch import ConfigError, Queue
from ranch.backends.memory import MemoryBackend
from ranch.celery import Ranch
from ranch.testing.clock import FakeClock
from ranch.testing.waiting import wait_until
from tests.celery.app import Journal

#: For results that are polled for.
SOON: dict[str, Any] = {"timeout": 60, "interval": 0.01}


@contextmanager
def worker(app: Celery, pool: str = "threads", concurrency: int = 2, **options: Any) -> Iterator[Any]:
    """Run a worker in a thread of this process."""
    root = logging.getLogger()
    level = root.level
    try:
        with start_worker(
            app, pool=pool, concurrency=concurrency, perform_ping_check=False, shutdown_timeout=60, **options
        ) as running:
            # It has set this to ERROR, and the tests that follow want to read more.
            root.setLevel(level)
            yield running
            # It sees the flag once something came, or after two seconds; and then waits once more.
            state.should_terminate = 0
            for _ in range(2):
                app.control.broadcast("heartbeat")
    finally:
        root.setLevel(level)


@pytest.fixture(params=["solo", "threads"])
def pool(request: pytest.FixtureRequest) -> str:
    """Each pool that runs tasks in this process."""
    name: str = request.param
    return name


def queue_of(app: Celery) -> Queue:
    """The ranch queue of the app's default queue."""
    return Ranch(app).queue()


def settled(app: Celery) -> bool:
    """Whether nothing waits and nothing is claimed."""
    stats = queue_of(app).stats()
    return (stats.pending, stats.delayed, stats.leased) == (0, 0, 0)


def test_laned_and_plain_tasks_run_side_by_side(memory_app: Celery, pool: str) -> None:
    """Each under its own id, in a worker without an event loop."""
    add, fail = memory_app.tasks["add"], memory_app.tasks["fail"]
    with worker(memory_app, pool):
        results = [
            add.lru_delay(f"lane-{number % 3}", number, 1) if number % 2 else add.delay(number, 1)
            for number in range(20)
        ]
        assert [result.get(**SOON) for result in results] == [number + 1 for number in range(20)]
        failed = fail.lru_delay("acme")
        with pytest.raises(ValueError, match="as it should"):
            failed.get(**SOON)
        assert failed.state == "FAILURE"
        assert 'raise ValueError("as it should")' in failed.traceback
    assert settled(memory_app)
    assert queue_of(memory_app).stats().acked == 11


def test_a_solo_pool_runs_one_task_at_a_time(memory_app: Celery, journal: Journal) -> None:
    """Also where a laned and a plain one come from different threads."""
    with worker(memory_app, "solo"):
        memory_app.tasks["gated"].lru_delay("acme", "laned")
        wait_until(journal.words)
        memory_app.tasks["gated"].delay("plain")
        later = memory_app.tasks["gated"].lru_delay("acme", "laned again")
        journal.open_gate()
        later.get(**SOON)
        wait_until(lambda: len(journal.words()) == 3)
    assert journal.words()[0] == "laned"


def started(app: Celery, journal: Journal, plain: int, laned: int) -> str:
    """Let plain and laned tasks wait for one slot; return the order of their starts as P and L."""
    with worker(app, "threads", 1, prefetch_multiplier=0) as running:
        app.tasks["gated"].delay("first")
        wait_until(journal.words)
        results = [app.tasks["run"].delay("P") for _ in range(plain)]
        # All are in the worker's hands before the first lane is filled.
        wait_until(lambda: len(state.reserved_requests) == plain + 1)
        results += [app.tasks["run"].lru_delay(f"lane-{number}", "L") for number in range(laned)]
        wait_until(running.ranch_pump._hungry)
        journal.open_gate()
        for result in results:
            result.get(**SOON)
    return "".join(journal.words()[1:])


@pytest.mark.parametrize(
    ("share", "longest"), [(None, 2), (0.25, 4), (1.0, 1)], ids=["even by default", "a quarter", "all"]
)
def test_plain_tasks_do_not_hold_up_lanes(
    memory_app: Celery, journal: Journal, share: float | None, longest: int
) -> None:
    """Four laned jobs among forty plain ones get their share of the slots, however early the plain ones came."""
    if share is not None:
        Ranch(memory_app, share=share)
    order = started(memory_app, journal, plain=40, laned=4)
    assert order.count("L") == 4
    assert len(order) == 44
    assert order.rindex("L") <= 4 * longest, order


def test_lanes_do_not_hold_up_plain_tasks(memory_app: Celery, journal: Journal) -> None:
    """The other way round as well: forty laned jobs and four plain ones."""
    order = started(memory_app, journal, plain=4, laned=40)
    assert order.rindex("P") <= 12, order


def test_the_choice_is_made_when_a_slot_is_free(memory_app: Celery, journal: Journal, pool: str) -> None:
    """With fifty jobs of a bulk lane waiting, a job of another lane starts next; nothing is claimed ahead."""
    slots = 1 if pool == "solo" else 2
    gated = memory_app.tasks["gated"]
    with worker(memory_app, pool, slots):
        for number in range(slots + 50):
            gated.lru_delay("bulk", f"bulk-{number}")
        wait_until(lambda: len(journal.words()) == slots)
        stats = queue_of(memory_app).stats()
        assert (stats.claimed, stats.pending) == (slots, 50)
        gated.lru_delay("urgent", "urgent")
        journal.open_gate("bulk-0")
        wait_until(lambda: len(journal.words()) > slots)
        assert journal.words()[slots] == "urgent"
        journal.open_gate()


def test_a_job_keeps_its_lane_over_retries(memory_app: Celery, journal: Journal, pool: str) -> None:
    """And its id: the retry is another job of the same lane."""
    with worker(memory_app, pool):
        result = memory_app.tasks["retried"].lru_delay("acme", 2)
        assert result.get(**SOON) == 2
    assert [(entry["lane"], entry["retries"]) for entry in journal.entries()] == [("acme", n) for n in range(3)]
    assert {entry["id"] for entry in journal.entries()} == {result.id}
    assert queue_of(memory_app).lane("acme").stats.acked == 3
    assert settled(memory_app)


def test_a_task_may_send_jobs_into_lanes(memory_app: Celery, pool: str) -> None:
    """From inside a worker."""
    with worker(memory_app, pool):
        child = memory_app.tasks["parent"].lru_delay("acme").get(**SOON)
        assert memory_app.AsyncResult(child).get(**SOON) == 3
    assert queue_of(memory_app).lane("child").stats.acked == 1


def test_a_later_job_runs_when_it_is_due(memory_app: Celery, journal: Journal) -> None:
    """A countdown is kept by the store, and wakes an idle worker up."""
    run = memory_app.tasks["run"]
    with worker(memory_app) as running:
        run.apply_async(("much later",), lane="acme", countdown=3600)
        wait_until(lambda: not running.ranch_pump._hungry())
        sent = time.time()
        assert run.apply_async(("later",), lane="acme", countdown=1).get(**SOON) == "later"
        assert queue_of(memory_app).stats().delayed == 1
    (entry,) = journal.entries()
    assert entry["time"] >= sent + 1


def test_a_revoked_job_is_dropped(memory_app: Celery, journal: Journal) -> None:
    """It is claimed, and ends without having run."""
    with worker(memory_app, concurrency=1) as running:
        gated, run = memory_app.tasks["gated"], memory_app.tasks["run"]
        gated.lru_delay("acme", "first")
        wait_until(journal.words)
        results = [run.lru_delay("acme", "revoked"), run.delay("revoked")]
        for result in results:
            running.state.revoked.add(result.id)
        journal.open_gate()
        for result in results:
            with pytest.raises(TaskRevokedError):
                result.get(**SOON)
        assert run.lru_delay("acme", "after").get(**SOON) == "after"
        assert run.delay("after").get(**SOON) == "after"
    assert journal.words() == ["first", "after", "after"]
    assert settled(memory_app)


def test_an_expired_job_is_dropped(memory_app: Celery, journal: Journal) -> None:
    """Its result says that it was revoked, as in plain Celery."""
    expired = memory_app.tasks["run"].apply_async(("expired",), lane="acme", expires=0.001)
    with worker(memory_app):
        with pytest.raises(TaskRevokedError):
            expired.get(**SOON)
        memory_app.tasks["run"].lru_delay("acme", "after").get(**SOON)
    assert journal.words() == ["after"]
    assert settled(memory_app)


def test_an_unknown_task_fails(memory_app: Celery) -> None:
    """As it would from a broker: it is dropped, and its result says why."""
    with worker(memory_app):
        with pytest.raises(NotRegistered):
            memory_app.send_task("nobody.knows", lane="acme").get(**SOON)
        assert memory_app.tasks["add"].lru_delay("acme", 1, 2).get(**SOON) == 3
    assert settled(memory_app)


def test_what_is_no_message_becomes_a_dead_letter(memory_app: Celery, caplog: pytest.LogCaptureFixture) -> None:
    """A job that no app has sent does not stop its lane, is told of, and kept with the reason."""
    queue_of(memory_app).enqueue("acme", {"not": "a message"})
    with worker(memory_app):
        assert memory_app.tasks["add"].lru_delay("acme", 1, 2).get(**SOON) == 3
    assert "the payload is no message to a Celery task" in caplog.text
    assert settled(memory_app)
    (letter,) = queue_of(memory_app).dead.list()
    assert letter.job.payload == {"not": "a message"}
    assert (letter.death.kind, letter.death.reason) == ("system", "cannot decode")
    assert "no message to a Celery task" in letter.death.error


@pytest.mark.parametrize("body", ['{"x": 1}', "[[1, 2]]", "null"])
def test_a_message_whose_body_is_no_call_becomes_a_dead_letter(memory_app: Celery, body: str) -> None:
    """It is not tried for ever, and does not end the worker, as a plain one does."""
    memory_app.tasks["add"].lru_delay("acme", 1, 2)
    (lease,) = queue_of(memory_app).claim_many(1)
    lease.ack()
    queue_of(memory_app).enqueue("acme", {**lease.job.payload, "body": body})
    with worker(memory_app):
        wait_until(lambda: settled(memory_app))
    (letter,) = queue_of(memory_app).dead.list()
    assert letter.death.reason == "cannot decode"
    assert "[args, kwargs, embed]" in letter.death.error


def test_a_rate_limit_holds(memory_app: Celery, journal: Journal) -> None:
    """A job that waits for its rate is given back, not lost, when the worker stops."""
    for number in range(3):
        memory_app.tasks["limited"].lru_delay("acme", str(number))
    with worker(memory_app):
        wait_until(lambda: queue_of(memory_app).stats().leased == 2)
        wait_until(journal.words)
    stats = queue_of(memory_app).stats()
    assert (stats.pending, stats.leased, stats.acked) == (2, 0, 1)
    assert journal.words() == ["0"]


def test_a_late_acknowledging_task_holds_its_lease_to_the_end(memory_app: Celery, journal: Journal) -> None:
    """And any other gives it up at its start."""
    with worker(memory_app):
        late = memory_app.tasks["late"].lru_delay("acme", "late")
        early = memory_app.tasks["gated"].lru_delay("acme", "early")
        wait_until(lambda: len(journal.words()) == 2)
        wait_until(lambda: queue_of(memory_app).stats().acked == 1)
        assert queue_of(memory_app).stats().leased == 1
        journal.open_gate()
        assert (late.get(**SOON), early.get(**SOON)) == ("late", "early")
        wait_until(lambda: settled(memory_app))


def test_leases_are_renewed_while_jobs_run(memory_app: Celery, journal: Journal) -> None:
    """A job may take many times its lease, and nobody else gets it."""
    clock = FakeClock()
    memory_app.conf.ranch = {"backend": MemoryBackend(clock=clock), "lease": 0.3}
    with worker(memory_app):
        late = memory_app.tasks["late"].lru_delay("acme", "long")
        wait_until(journal.words)
        for _ in range(6):
            (before,) = queue_of(memory_app).jobs()
            # Less than a lease.
            clock.advance(0.2)
            wait_until(lambda before=before: next(queue_of(memory_app).jobs()).at > before.at)
        journal.open_gate()
        late.get(**SOON)
    assert journal.words() == ["long"]
    assert queue_of(memory_app).stats().reclaimed == 0


def test_a_lost_lease_is_told_of(memory_app: Celery, journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    """A job that was taken from its worker ends, and changes nothing in the store."""
    with worker(memory_app, concurrency=1):
        late = memory_app.tasks["late"].lru_delay("acme", "stolen")
        wait_until(journal.words)
        (job,) = Ranch(memory_app).backend._tables["celery"]._jobs.values()
        job.token = "someone else's"
        with caplog.at_level(logging.WARNING):
            journal.open_gate()
            late.get(**SOON)
            wait_until(lambda: "the lease of job" in caplog.text)
    assert queue_of(memory_app).stats().leased == 1


def test_settling_waits_for_the_store(
    memory_app: Celery, journal: Journal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While the store is away a job's end is kept, and told as soon as it is back; then the worker goes on."""
    from ranch.exceptions import BackendUnavailable

    backend = Ranch(memory_app).backend
    begin = type(backend).begin
    away: list[int] = []

    def failing(self: Any, queue: str, *, reading: bool = False) -> Any:
        if away:
            raise BackendUnavailable
        return begin(self, queue, reading=reading)

    monkeypatch.setattr(type(backend), "begin", failing)
    with worker(memory_app, concurrency=1):
        late = memory_app.tasks["late"].lru_delay("acme", "late")
        wait_until(journal.words)
        away.append(1)
        journal.open_gate()
        assert late.get(**SOON) == "late"
        wait_until(lambda: "could not settle job" in caplog.text)
        away.clear()
        wait_until(lambda: settled(memory_app))
        assert memory_app.tasks["run"].lru_delay("acme", "after").get(**SOON) == "after"
    assert journal.words() == ["late", "after"]
    assert queue_of(memory_app).stats().reclaimed == 0


def test_a_worker_needs_to_know_where_jobs_are(memory_app: Celery) -> None:
    """A wrong configuration keeps it from starting."""
    memory_app.conf.ranch = {}
    with pytest.raises(ConfigError, match="does not know where to keep jobs"):
        memory_app.WorkController(pool="solo", hostname="w")


def test_memory_does_not_go_with_processes(memory_app: Celery) -> None:
    """It is found when the worker starts, not when the first job is lost."""
    with pytest.raises(ConfigError, match=r"memory:// lives in one process.*--pool=threads"):
        memory_app.WorkController(pool="prefork", concurrency=1, hostname="w")
