"""Real workers in processes of their own, which are killed, stopped and left without their store."""

from __future__ import annotations

import os

import pytest

from ranch import JobFailed, Retry
from ranch.testing.waiting import wait_until

KINDS = ["thread", "process", "coroutine"]


def _hold(app, kind, word):
    """Enqueue a job that runs until it is told to end, and return the options of a worker for it."""
    if kind == "coroutine":
        app.ahold.enqueue("acme", word)
        return [], ("coroutines",)
    app.hold.enqueue("acme", word)
    return ["--pool", kind], ("queue",)


def _release(tmp_path):
    (tmp_path / "go").touch()


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_worker_loses_nothing(clock, app, start, tmp_path, kind):
    """What it was in the middle of is run by another one when the lease has ended."""
    arguments, queues = _hold(app, kind, "one")
    first = start(*arguments, queues=queues)
    wait_until(lambda: "begin-one" in app.notes())
    first.kill()
    _release(tmp_path)
    clock.advance(app.LEASE)

    second = start(*arguments, "--max-jobs", "1", queues=queues)

    assert second.wait() == 0, second.log
    assert app.notes() == ["begin-one", "begin-one", "end-one"]
    assert getattr(app, queues[0]).stats().acked == 1


def test_a_timeout_may_be_given_on_the_command_line(app, start):
    """For jobs of which nothing else says it."""
    job = app.hold.options(retry=Retry.never()).enqueue("acme", "one")

    worker = start("--timeout", "0.3", "--max-jobs", "1")

    assert worker.wait() == 0, worker.log
    with pytest.raises(JobFailed, match=r"its timeout of 0\.3 seconds"):
        job.result(0)


@pytest.mark.parametrize("kind", KINDS)
def test_it_finishes_what_runs_on_the_first_signal(app, start, tmp_path, kind):
    """And claims no more."""
    arguments, queues = _hold(app, kind, "one")
    worker = start(*arguments, queues=queues)
    wait_until(lambda: "begin-one" in app.notes())

    worker.terminate()
    wait_until(lambda: "a second signal" in worker.log)
    _hold(app, kind, "two")
    _release(tmp_path)

    assert worker.wait() == 0, worker.log
    stats = getattr(app, queues[0]).stats()
    assert (stats.acked, stats.pending, stats.leased) == (1, 1, 0)
    assert app.notes() == ["begin-one", "end-one"]


@pytest.mark.parametrize("kind", KINDS)
def test_it_gives_back_what_runs_on_the_second_signal(app, start, kind):
    """Unharmed, at once, and without waiting for the lease."""
    arguments, queues = _hold(app, kind, "one")
    queue = getattr(app, queues[0])
    worker = start(*arguments, queues=queues)
    wait_until(lambda: "begin-one" in app.notes())

    worker.terminate()
    # Two signals that come together may be one.
    wait_until(lambda: "a second signal" in worker.log)
    worker.terminate()

    assert worker.wait() == 0, worker.log
    stats = queue.stats()
    assert (stats.pending, stats.leased, stats.released, stats.failed) == (1, 0, 1, 0)
    assert queue.claim().job.failures == 0


def test_a_drain_has_an_end(app, start):
    """What has not ended by then is given back."""
    app.hold.enqueue("acme", "one")
    worker = start("--drain-timeout", "0.2")
    wait_until(lambda: "begin-one" in app.notes())

    worker.terminate()

    assert worker.wait() == 0, worker.log
    assert app.queue.stats().released == 1


def test_a_lease_is_kept_while_its_job_runs(clock, app, start, tmp_path):
    """However long that takes: nobody else gets it."""
    job = app.hold.enqueue("acme", "one")
    worker = start("--max-jobs", "1", env={"RANCH_TEST_LEASE": "0.6"})
    wait_until(lambda: "begin-one" in app.notes())

    for _ in range(4):
        clock.advance(0.3)
        wait_until(lambda: app.queue.explain(job.id).at > clock() + 0.5)
        assert app.queue.claim() is None
    _release(tmp_path)

    assert worker.wait() == 0, worker.log
    assert app.queue.stats().acked == 1


def test_a_process_that_ends_fails_its_job_alone(app, start):
    """The job is tried again as its retry says; the worker goes on."""
    app.queue.enqueue_call("tests.worker.app:leave", lane="acme", args=[7])
    app.add.enqueue("zoe", 1, 2)
    worker = start("--pool", "process", "--burst")

    assert worker.wait() == 0, worker.log
    assert sorted(app.notes()) == ["add-3", "leave"]
    assert (app.queue.stats().acked, app.queue.stats().delayed) == (1, 1)
    assert "ended with code 7" in worker.log


def test_processes_end_after_their_worker(app, start, tmp_path):
    """One whose worker alone is killed finishes its job, which is run again, and ends."""
    app.hold.enqueue("acme", "one")
    worker = start("--pool", "process")
    wait_until(lambda: "begin-one" in app.notes())
    worker.process.kill()
    worker.process.wait()

    _release(tmp_path)

    wait_until(lambda: "end-one" in app.notes())
    wait_until(lambda: not _group_lives(worker.process.pid))
    assert app.queue.stats().acked == 0


def _group_lives(leader):
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_waits_for_its_store(own_redis, start, app):
    """A worker whose server is killed goes on when it is back."""
    worker = start(env={"RANCH_TEST_URL": own_redis.url})
    queue = app.Queue("tasks", backend=own_redis.url)
    queue.enqueue_call("tests.worker.app:add", lane="acme", args=[1, 1])
    wait_until(lambda: "add-2" in app.notes())
    queue.close()

    own_redis.kill()
    wait_until(lambda: "no jobs can be claimed" in worker.log)
    own_redis.start()
    wait_until(lambda: "jobs can be claimed again" in worker.log)
    queue.enqueue_call("tests.worker.app:add", lane="acme", args=[2, 2])

    wait_until(lambda: "add-4" in app.notes())
    queue.close()
    worker.terminate()
    assert worker.wait() == 0, worker.log


@pytest.mark.parametrize(
    ("target", "message"),
    [("tests.worker.app", "MODULE:QUEUE"), ("tests.worker.app:nothing", "cannot be imported"), ("os:path", "no queue")],
)
def test_a_wrong_target_is_told(start, tmp_path, target, message):
    """In one line, with the exit code 1."""
    worker = start(target)

    assert worker.wait() == 1
    assert message in worker.log
    assert "Traceback" not in worker.log
