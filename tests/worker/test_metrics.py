"""The numbers of real workers, which end well or are killed."""

from __future__ import annotations

import pytest

from ranch import AsyncQueue, AsyncWorker, Queue, Worker
from ranch.testing.waiting import wait_until

OFTEN = {"RANCH_TEST_METRICS_EVERY": "0.05"}


@pytest.fixture
def watcher(app):
    """The queue of the tasks, for one who only looks."""
    with Queue("tasks", backend=app.URL) as queue:
        yield queue


def put(app, lane, jobs):
    """Enqueue jobs."""
    app.queue.enqueue_many([(lane, app.add.call(number, 1)) for number in range(jobs)])


def test_two_workers_are_added_up_and_one_that_is_killed_is_not_forgotten(app, start, watcher):
    """By queue and by lane, while they work."""
    workers = [start("--concurrency", "2", env=OFTEN) for _ in range(2)]
    for lane in ("acme", "zoe"):
        put(app, lane, 20)
    wait_until(lambda: watcher.metrics().process_time.count == 40)
    zoe = watcher.metrics("zoe")
    workers[0].kill()
    put(app, "zoe", 20)
    wait_until(lambda: watcher.metrics("zoe").process_time.count == 40)
    whole = watcher.metrics()

    assert (zoe.enqueued, zoe.processed, zoe.process_time.count, zoe.wait_time.count) == (20, 20, 20, 20)
    assert (whole.processed, whole.process_time.count, whole.wait_time.count) == (60, 60, 60)
    assert 0 < whole.process_time.p50 <= whole.process_time.p95


def test_a_worker_that_ends_leaves_what_it_has_measured(app, start, watcher):
    """Without waiting for its time; failures and what is tried again are counted in the store."""
    app.fail.enqueue("acme", "x")
    put(app, "acme", 3)
    worker = start()
    wait_until(lambda: watcher.stats().died == 1 and watcher.stats().acked >= 3)
    worker.terminate()
    assert worker.wait() == 0, worker.log
    metrics = watcher.metrics("acme")

    assert (metrics.enqueued, metrics.processed, metrics.failed, metrics.retried) == (4, 3, 3, 2)
    assert (metrics.process_time.count, metrics.wait_time.count) == (6, 4)


async def test_workers_in_a_program_do_so_too(app, watcher):
    """One in an event loop, whose queue stays open."""
    put(app, "acme", 3)
    worker = AsyncWorker(app.queue, burst=True)
    await worker.start()
    await worker.wait()
    measured = watcher.metrics().process_time.count
    await AsyncQueue.of(app.queue).close()

    assert measured == 3


def test_a_worker_with_a_loop_of_its_own_does_so_too(app, watcher):
    """And closes its queues."""
    put(app, "acme", 3)
    Worker(app.queue, burst=True).run()

    assert watcher.metrics().process_time.count == 3


def test_a_queue_that_measures_nothing_has_no_times(app, watcher):
    """``metrics_enabled`` is the queue's, and so its workers'."""
    with Queue("tasks", backend=app.URL, metrics_enabled=False) as queue:
        put(app, "acme", 3)
        Worker(queue, burst=True, allow=["tests.worker.app"]).run()

    metrics = watcher.metrics()
    assert (metrics.processed, metrics.process_time.count) == (3, 0)
