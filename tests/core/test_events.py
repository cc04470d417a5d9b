"""What plugins are told, and what it costs when they fail."""

from __future__ import annotations

import inspect

import pytest

from ranch import AsyncQueue, LeaseLost, Queue
from ranch.hooks import hookimpl, specs
from ranch.hooks.manager import Plugins
from ranch.typing import Backend


class Diary:
    """Writes down every event."""

    def __init__(self) -> None:
        self.entries: list[object] = []

    @hookimpl
    def ranch_enqueued(self, details: object) -> None:
        self.entries.append(details)

    @hookimpl
    def ranch_claimed(self, details: object) -> None:
        self.entries.append(details)

    @hookimpl
    def ranch_finished(self, details: object) -> None:
        self.entries.append(details)

    @hookimpl
    def ranch_released(self, details: object) -> None:
        self.entries.append(details)

    @hookimpl
    def ranch_lane_changed(self, details: object) -> None:
        self.entries.append(details)

    def names(self) -> list[str]:
        return [type(entry).__name__ for entry in self.entries]


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


def event_hooks() -> list[str]:
    """Name the specified hooks that take details."""
    hooks = inspect.getmembers(specs, inspect.isfunction)
    return [name for name, hook in hooks if name.startswith("ranch_") and inspect.signature(hook).parameters]


def test_every_hook_is_specified_with_an_example() -> None:
    """A hook's docstring is its documentation."""
    hooks = [hook for name, hook in inspect.getmembers(specs, inspect.isfunction) if name.startswith("ranch_")]

    assert len(hooks) == len(event_hooks()) + 4
    for hook in hooks:
        assert f"def {hook.__name__}(" in (hook.__doc__ or "")
