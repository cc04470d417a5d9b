"""Workers that serve some lanes, and steal from others."""

from __future__ import annotations

import pytest

from ranch import AsyncQueue, AsyncWorker, InvalidJob, Worker
from ranch.testing.waiting import wait_until


def test_assigned_lanes_come_first(app):
    """What is stolen is run after all that is assigned, whatever was enqueued first."""
    for number in range(4):
        app.add.enqueue("us-1", 10, number)
        app.add.enqueue("eu-1", 20, number)
        app.add.enqueue("acme", 30, number)
    app.add.enqueue("other", 40, 0)

    worker = Worker(app.queue, burst=True, concurrency=1, assigned=["eu-*", "acme"], steal=["us-1"])
    worker.run()

    kinds = [int(note.removeprefix("add-")) // 10 for note in app.notes()]
    assert sorted(kinds[:8]) == [2] * 4 + [3] * 4
    assert kinds[8:] == [1] * 4
    assert worker.health().done == 12
    assert app.queue.lane("other").stats.pending == 1


def test_lanes_can_be_assigned_while_it_runs(app):
    """From the next claim on it serves others, and a value that cannot be changes nothing."""
    with Worker(app.queue, app.other, assigned=["a"]) as worker:
        app.add.enqueue("b", 1, 1)
        app.add.enqueue("a", 2, 2)
        wait_until(lambda: app.notes() == ["add-4"])
        with pytest.raises(InvalidJob, match="assigned is a list"):
            worker.assign("b")
        worker.assign([], ["b"])
        wait_until(lambda: app.notes() == ["add-4", "add-2"])
        app.add.enqueue("c", 3, 3)
        worker.assign(None)
        wait_until(lambda: app.notes() == ["add-4", "add-2", "add-6"])


async def test_lanes_can_be_assigned_before_it_runs(app):
    """In an event loop, the last word counts."""
    app.add.enqueue("b", 1, 1)
    async with AsyncQueue.of(app.queue) as queue:
        worker = AsyncWorker(queue, burst=True, assigned=["a"])
        worker.assign(["b"])
        await worker.run()
    assert app.notes() == ["add-2"]


def test_a_worker_process_is_told_its_lanes(app, start):
    """On the command line."""
    app.add.enqueue("a", 1, 1)
    app.add.enqueue("eu-1", 2, 2)
    app.add.enqueue("b", 3, 3)
    start("--concurrency", "1", "--assign", "eu-*", "--assign", "x", "--steal", "a")
    wait_until(lambda: app.notes() == ["add-4", "add-2"])
    assert app.queue.lane("b").stats.pending == 1


@pytest.mark.parametrize("options", [{"assigned": "a"}, {"assigned": []}, {"steal": ["a"]}])
def test_what_selects_nothing_sensible_is_refused(app, options):
    """When the worker is made."""
    with pytest.raises(InvalidJob, match=r"assigned|steal"):
        Worker(app.queue, **options)
