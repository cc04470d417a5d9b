"""`AsyncQueue` is `Queue`, awaited: nothing more, nothing less."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable

import pytest

from ranch import AsyncQueue, Queue
from ranch.ahandles import AsyncQueueLane, AsyncQueueLease
from ranch.backends.memory import MemoryBackend
from ranch.choice import StrategyChoice
from ranch.dead import AsyncDeadLetters, DeadLetters
from ranch.handles import QueueLane, QueueLease
from ranch.schedules import AsyncSchedules, Schedules
from ranch.typing import Backend

PAIRS = [
    (Queue, AsyncQueue),
    (QueueLease, AsyncQueueLease),
    (QueueLane, AsyncQueueLane),
    (DeadLetters, AsyncDeadLetters),
    (Schedules, AsyncSchedules),
]
ENTRIES = {"__enter__": "__aenter__", "__exit__": "__aexit__"}


def operations(cls: type) -> dict[str, object]:
    """Return what a class defines for its users."""
    made_by_attrs = {"__init__", "__eq__", "__ne__", "__hash__", "__repr__", "__getstate__", "__setstate__"}
    return {
        name: value
        for base in reversed(cls.__mro__[:-1])
        for name, value in vars(base).items()
        if (not name.startswith("_") or name in {*ENTRIES, *ENTRIES.values(), "__init__"})
        and (cls in {Queue, AsyncQueue} or name not in made_by_attrs)
        and (inspect.isfunction(value) or isinstance(value, property))
    }


@pytest.mark.parametrize(("blocking", "awaited"), PAIRS)
def test_both_have_the_same_operations(blocking: type, awaited: type) -> None:
    """The same names, with the same arguments and defaults, each with words of its own."""
    ours, theirs = operations(blocking), operations(awaited)

    assert sorted(ENTRIES.get(name, name) for name in ours) == sorted(theirs)
    for name, value in ours.items():
        twin = theirs[ENTRIES.get(name, name)]
        if inspect.isfunction(value):
            assert str(inspect.signature(value).replace(return_annotation=None)) == str(
                inspect.signature(twin).replace(return_annotation=None)
            )
        assert name.startswith("__") or (value.__doc__ and twin.__doc__)


def test_an_awaited_queue_tells_what_it_is() -> None:
    """Its name, its backend and its representation are those of a blocking one."""
    backend = MemoryBackend()
    queue = AsyncQueue("mail", backend=backend)

    assert queue.name == "mail"
    assert queue.backend is backend
    assert repr(queue) == "AsyncQueue('mail')"


async def test_an_awaited_queue_changes_its_strategy(backend: Backend) -> None:
    """As a blocking one does."""
    async with AsyncQueue("mail", backend=backend) as queue:
        assert (await queue.set_strategy("bid")).generation == 1
        assert await queue.read_strategy() == StrategyChoice("bid", generation=1)


def test_a_cancelled_claim_lets_the_event_loop_end(backend: Backend) -> None:
    """Who waits for a job for an hour can be told to stop, and keeps nobody for longer than a moment."""

    async def wait_for_a_job() -> None:
        async with AsyncQueue("mail", backend=backend) as queue:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(queue.claim(wait=3600), 0.05)

    started = time.monotonic()
    asyncio.run(wait_for_a_job())

    assert time.monotonic() - started < 60


def test_a_property_of_the_awaited_lane_is_awaitable() -> None:
    """``await queue.lane("acme").stats`` reads as the blocking form does."""
    stats = AsyncQueue("mail", backend="memory://").lane("acme").stats

    assert isinstance(stats, Awaitable)
    stats.close()


async def test_an_awaited_queue_has_schedules(backend: Backend) -> None:
    """As a blocking one has."""
    async with AsyncQueue("mail", backend=backend) as queue:
        declared = await queue.schedule("0 9 * * *", "report", name="report", lane="acme")

        assert list(await queue.schedules.list()) == [declared]
        assert await queue.schedules.pause("report")
        assert await queue.schedules.resume("report")
        assert await queue.schedules.next("report", 2) == [declared.next_at, declared.next_at + 24 * 60 * 60]
        assert await queue.schedules.get("report") == declared
        assert await queue.schedules.remove("report")
