"""What plugins are told, and what it costs when they fail."""

from __future__ import annotations

import inspect

import pytest

from ranch import AsyncQueue, LeaseLost, Policy, Queue, QueueFull, Retry
from ranch.hooks import hookimpl, specs
from ranch.hooks.manager import Plugins
from ranch.testing import FakeClock
from ranch.typing import Backend


def event_hooks() -> list[str]:
    """Name the specified hooks that take details."""
    hooks = inspect.getmembers(specs, inspect.isfunction)
    return [name for name, hook in hooks if name.startswith("ranch_") and inspect.signature(hook).parameters]


class Diary:
    """Writes down every event."""

    def __init__(self) -> None:
        self.entries: list[object] = []

    def names(self) -> list[str]:
        return [type(entry).__name__ for entry in self.entries]

    def take(self) -> list[object]:
        """Return what is written, and begin a new page."""
        entries, self.entries = self.entries, []
        return entries


@hookimpl
def write(self: Diary, details: object) -> None:
    """Write down an event: the hook is named where this is put into the class."""
    self.entries.append(details)


for hook in event_hooks():
    setattr(Diary, hook, write)


class Sulking:
    """Raises at every claim."""

    @hookimpl
    def ranch_claimed(self, details: object) -> None:
        raise RuntimeError("not today")


def test_every_event_is_told_once_a_batch(backend: Backend) -> None:
    """With the jobs or the change in it, after it has happened; nothing is told of what did not."""
    diary = Diary()
    queue = Queue("mail", backend=backend, plugins=Plugins([diary]))
    queue.lane("acme").update(weight=0.5)
    jobs = queue.enqueue_many([("acme", n) for n in range(3)])
    first, second, third = queue.claim_many(5)
    queue.claim()
    queue.ack([first, second])
    third.release(delay=5)
    with pytest.raises(LeaseLost):
        queue.ack([first])

    changed, enqueued, claimed, finished, released = diary.entries
    assert diary.names() == ["LaneChanged", "Enqueued", "Claimed", "Finished", "Released"]
    assert (changed.change.key, changed.change.weight, changed.queue) == ("acme", 0.5, "mail")
    assert enqueued.jobs == jobs
    assert [lease.job.payload for lease in claimed.leases] == [0, 1, 2]
    assert finished.leases == [first, second]
    assert (released.leases, released.delay) == ([third], 5.0)


@pytest.fixture
def diary() -> Diary:
    """An empty one."""
    return Diary()


@pytest.fixture
def queue(backend: Backend, diary: Diary) -> Queue:
    """A queue whose events are written into `diary`; it takes back a job from one expired lease."""
    return Queue("mail", backend=backend, plugins=Plugins([diary]), policy=Policy(max_reclaims=1), lease=10)


def test_failures_are_told_with_what_becomes_of_them(queue: Queue, diary: Diary) -> None:
    """First that they failed, then that they are tried again or dead; nothing of a lease that was lost."""
    queue.enqueue_many([("acme", 1), ("acme", 2)])
    lost, lease = queue.claim_many(2)
    lost.release(delay=100)
    diary.take()
    with pytest.raises(LeaseLost):
        queue.fail([lost, lease], ValueError("x"), retry=Retry.fixed(0))
    failed, retried = diary.take()
    again = queue.claim()
    assert again is not None
    diary.take()
    again.fail("y", retry=Retry.never())
    failed_again, dead = diary.take()

    assert diary.names() == []
    assert (failed.leases, failed.error) == ([lease], "ValueError: x")
    assert (retried.leases, retried.delay, retried.error) == ([lease], 0, "ValueError: x")
    assert (failed_again.leases, failed_again.error) == ([again], "y")
    assert ([job.payload for job in dead.jobs], dead.death.reason, dead.death.error) == ([2], "failed", "y")


def test_a_job_that_ends_without_a_word_is_told_of(queue: Queue, diary: Diary, clock: FakeClock) -> None:
    """By whoever meets it: expired, or dead because its lease expired too often."""
    queue.enqueue("acme", "late", expires=5, delay=3)
    queue.enqueue("acme", "lost")
    assert queue.claim() is not None
    clock.advance(11)
    diary.take()
    assert queue.claim() is not None
    expired, claimed = diary.take()
    clock.advance(11)
    queue.reclaim()
    (dead,) = diary.take()

    assert [job.payload for job in expired.jobs] == ["late"]
    assert [lease.job.payload for lease in claimed.leases] == ["lost"]
    assert ([job.payload for job in dead.jobs], dead.death.reason) == (["lost"], "worker lost")


def test_jobs_that_are_removed_are_told_of(queue: Queue, diary: Diary) -> None:
    """With how it came: cancelled, purged, or dropped to make room."""
    queue.lane("acme").limit(max_pending=2, overflow="drop-oldest")
    queue.enqueue_many([("acme", n) for n in range(2)])
    diary.take()
    newest = queue.enqueue("acme", 2)
    dropped, enqueued = diary.take()
    queue.cancel(newest.id)
    queue.cancel(newest.id)
    (cancelled,) = diary.take()
    queue.purge()
    (purged,) = diary.take()

    assert ([job.payload for job in dropped.jobs], dropped.how) == ([0], "dropped")
    assert enqueued.jobs == [newest]
    assert ([job.payload for job in cancelled.jobs], cancelled.how) == ([2], "cancelled")
    assert ([job.payload for job in purged.jobs], purged.how) == ([1], "purged")


def test_a_duplicate_is_no_event(queue: Queue, diary: Diary) -> None:
    """Nothing was enqueued."""
    queue.enqueue("acme", 1, dedup=True)
    queue.enqueue("acme", 1, dedup=True)

    assert diary.names() == ["Enqueued"]


async def test_an_awaited_queue_tells_the_same(backend: Backend) -> None:
    """Events are the operations', not the façade's."""
    diary = Diary()
    queue = AsyncQueue("mail", backend=backend, plugins=Plugins([diary]))
    await queue.enqueue("acme", 1)
    lease = await queue.claim()
    assert lease is not None
    await lease.ack()
    await queue.close()

    assert diary.names() == ["Enqueued", "Claimed", "Finished"]


def test_a_listener_that_fails_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged and counted; the job and the other listeners go on."""
    diary = Diary()
    plugins = Plugins([diary, Sulking()])
    queue = Queue("mail", backend="memory://", plugins=plugins)
    queue.enqueue("acme", 1)

    lease = queue.claim()

    assert lease is not None
    assert diary.names() == ["Enqueued", "Claimed"]
    assert plugins.events.errors == 1
    assert "not today" in caplog.text


def test_an_event_nobody_listens_to_is_not_told() -> None:
    """There is nothing to call, so the claim path does not even build the details."""
    events = Plugins().events

    assert [getattr(events, name.removeprefix("ranch_")) for name in event_hooks()] == [None] * len(event_hooks())


def test_every_hook_is_specified_with_an_example() -> None:
    """A hook's docstring is its documentation."""
    hooks = [hook for name, hook in inspect.getmembers(specs, inspect.isfunction) if name.startswith("ranch_")]

    assert len(hooks) == len(event_hooks()) + 4
    for hook in hooks:
        assert f"def {hook.__name__}(" in (hook.__doc__ or "")


def test_what_was_stored_before_a_refusal_is_told(backend: Backend) -> None:
    """Jobs are stored by the thousand: those of the first are there, and are told of, though the second was refused."""
    diary = Diary()
    queue = Queue("mail", backend=backend, plugins=Plugins([diary]))
    queue.lane("acme").limit(max_pending=1500)
    diary.take()
    with pytest.raises(QueueFull):
        queue.enqueue_many([("acme", number) for number in range(2000)])

    assert [len(entry.jobs) for entry in diary.entries] == [1000]
    assert queue.stats().pending == 1000
