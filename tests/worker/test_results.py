"""Results of tasks, asked for by whoever has enqueued them."""

from __future__ import annotations

import pytest

from ranch import (
    AsyncQueue,
    AsyncWorker,
    InvalidJob,
    JobFailed,
    Queue,
    ResultNotReady,
    ResultUnknown,
    SerializationError,
    Worker,
)
from ranch.testing.waiting import wait_until


@pytest.mark.parametrize("pool", ["thread", "process"])
def test_a_task_has_a_result(app, pool):
    """What it returned, or the error that it raised, wherever it ran."""
    done, failed = app.add.enqueue("acme", 1, 2), app.fail.enqueue("acme", "oh")

    with Worker(app.queue, pool=pool):
        assert done.result(60) == 3
        with pytest.raises(JobFailed, match="failed: ValueError: oh") as told:
            failed.result(60)

    assert told.value.job_id == failed.id
    assert "raise ValueError(word)" in told.value.traceback
    assert app.queue.result(done.id) == 3


async def test_a_result_is_awaited(app):
    """By as many as want to, beside the worker in the same event loop."""
    async with AsyncWorker(app.queue):
        job = await app.add.aenqueue("acme", 20, 1)
        short = await app.add.options(result_ttl=60).aenqueue("acme", 20, 2)

        assert [await job.aresult(30), await job.aresult(30), await short.aresult(30)] == [21, 21, 22]
    await AsyncQueue.of(app.queue).close()


def test_a_call_by_name_has_a_result(app):
    """Nobody need have the function to ask for it."""
    job = app.queue.enqueue_call("tests.worker.app:add", lane="acme", args=[2, 2])
    unasked = app.queue.enqueue_call("tests.worker.app:add", lane="acme", args=[2, 2], result_ttl=0)

    Worker(app.queue, burst=True).run()

    assert job.result(0) == 4
    with pytest.raises(ResultUnknown):
        unasked.result(0)


def test_a_job_that_is_done_has_its_result(clock, app, start):
    """A worker that is killed in its midst leaves none; the one that does the job again has."""
    worker = start()
    job = app.hold.enqueue("acme", "x")
    wait_until(lambda: "begin-x" in app.notes())
    worker.kill()
    clock.advance(app.LEASE)
    with pytest.raises(ResultNotReady):
        job.result(0.1)

    (app.FOLDER / "go").touch()
    start()

    assert job.result(60) is None
    assert app.notes().count("end-x") == 1


def test_a_result_that_does_not_serialize_is_said(app):
    """The job was done, so it does not run again; whoever asks is told why there is nothing."""

    @app.queue.task
    def odd():
        return {object()}

    job = odd.enqueue("acme")
    Worker(app.queue, burst=True).run()

    with pytest.raises(SerializationError, match=f"job {job.id} is done, but its result could not be kept"):
        job.result(0)
    assert (app.queue.stats().acked, app.queue.stats().dead) == (1, 0)


def test_a_result_is_written_as_its_job_was(shared_url):
    """By the serializer of the queue that has enqueued it, if the worker's accepts that."""
    with (
        Queue("sets", backend=shared_url, serializer="pickle", accept=["pickle", "json"]) as queue,
        Queue("sets", backend=shared_url, serializer="json", accept=["pickle", "json"]) as theirs,
    ):

        def same(value):
            return value

        queue.task(name="same")(same)
        theirs.task(name="same")(same)
        job = queue.enqueue_call("same", lane="acme", args=[{1, 2}])

        Worker(theirs, burst=True).run()

        assert job.result(0) == {1, 2}


@pytest.mark.parametrize("result_ttl", [-1, "long", float("nan")])
def test_a_time_that_cannot_be_is_refused(app, result_ttl):
    """Wherever it is given, before anything is stored."""
    with pytest.raises(InvalidJob, match="result_ttl"):
        app.add.options(result_ttl=result_ttl)
    with pytest.raises(InvalidJob, match="result_ttl"):
        app.queue.enqueue("acme", 1, result_ttl=result_ttl)
    with pytest.raises(ValueError, match="result_ttl"):
        Queue("q", backend="memory://", result_ttl=result_ttl)
    with pytest.raises(InvalidJob, match="timeout"):
        app.queue.result("00000000001", result_ttl)


def test_a_queue_says_how_long(shared_url):
    """For the tasks that do not say it themselves."""
    with Queue("q", backend=shared_url, result_ttl=0) as queue:

        @queue.task
        def nothing():
            pass

        assert nothing.enqueue("acme").result_ttl is None
        assert nothing.options(result_ttl=5).enqueue("acme").result_ttl == 5
