"""`Queue.check`: a healthy queue has no fault; a broken one is told of, mended, and works again."""

from __future__ import annotations

import multiprocessing
import random
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from ranch import AsyncQueue, LeaseLost, Queue, QueueFull
from ranch.testing.waiting import wait_until

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An SQLite file."""
    return tmp_path / "ranch.db"


@pytest.fixture
def queue(file, fill):
    """A queue in which something of everything is."""
    with Queue("q", backend=f"sqlite:///{file}", lease=600.0) as queue:
        fill(queue)
        yield queue


#: How a file is broken, and what that is called.
HARMS = {
    "lease is lost": ("DELETE FROM timers WHERE timer LIKE 'l%'", "job in no place"),
    "delayed job is lost": ("DELETE FROM timers WHERE timer LIKE 'd%'", "job in no place"),
    "job is leased and ready": ("UPDATE jobs SET state = 'ready' WHERE state = 'leased'", "timer without a reason"),
    "record is lost": ("DELETE FROM jobs WHERE state = 'ready' AND lane = 'bulk'", "numbers of a lane"),
    "leased record is lost": ("DELETE FROM jobs WHERE state = 'leased'", "timer without a reason"),
    "dead record is lost": ("DELETE FROM jobs WHERE state = 'dead'", "letter without a dead job"),
    "reason is lost": ("DELETE FROM letters", "dead job without a letter"),
    "key is held by nobody": ("UPDATE holders SET job = 'nobody'", "dedup key without a job"),
    "expiry is not seen to": ("DELETE FROM timers WHERE timer LIKE 'e%'", "job without the timer of its expiry"),
    "row is lost": ("DELETE FROM lanes WHERE key = 'slow'", "job without its lane's row"),
    "lane does not wait": ("UPDATE lanes SET pending = 0 WHERE key = 'bulk'", "numbers of a lane"),
    "nobody looks at the blocked lane": (
        "DELETE FROM timers WHERE timer = 'rrate'",
        "lane that is not looked at again",
    ),
    "lane is blocked by nothing": (
        "UPDATE lanes SET blocked = 'max_in_flight' WHERE key = 'bulk'",
        "lane that is not looked at again",
    ),
    "nobody looks whether it is idle": (
        "DELETE FROM timers WHERE timer = 'ibulk'",
        "lane without the timer of its idleness",
    ),
    "lane counts a lease too many": ("UPDATE lanes SET leased = leased + 1 WHERE key = 'bulk'", "numbers of a lane"),
    "lane counts a job too few": ("UPDATE lanes SET enqueued = enqueued - 1 WHERE key = 'bulk'", "numbers of a lane"),
    "queue counts a lease too many": ("UPDATE queues SET leased = leased + 1", "numbers of the queue"),
    "queue counts an end too many": ("UPDATE queues SET acked = acked + 1", "numbers of the queue"),
}


@pytest.mark.parametrize(("harm", "kind"), HARMS.values(), ids=HARMS)
def test_a_fault_is_found_and_mended(queue, file, harm, kind):
    """It is named, looking alone changes nothing, and once mended every job that is left can be claimed."""
    with sqlite3.connect(file) as connection:
        assert connection.execute(harm).rowcount
    connection.close()

    found = queue.check()
    assert kind in {fault.kind for fault in found}
    assert queue.check() == found

    mended = queue.check(repair=True)
    assert mended
    assert all(fault.mended for fault in mended)
    assert queue.check() == []

    waiting = {stored.job.id for stored in queue.jobs() if stored.state == "ready"}
    queue.lane("rate").limit(rate=None)
    claimed = set()
    while leases := queue.claim_many(10):
        claimed |= {lease.job.id for lease in leases}
        queue.ack(leases)
    assert claimed == waiting
    assert queue.check() == []


async def test_an_awaited_queue_is_checked_too(backend):
    """With the same answer."""
    async with AsyncQueue("q", backend=backend) as queue:
        await queue.enqueue("acme", 1)
        assert await queue.check(repair=True) == []


def work(url: str, seed: int, stop: Event) -> None:
    """Do everything that a queue is used for, in no order."""
    choice = random.Random(seed)
    with Queue("q", backend=url, lease=0.3) as queue:
        while not stop.is_set():
            lane = f"lane {choice.randrange(20)}"
            with suppress(LeaseLost, QueueFull):
                for _ in range(choice.randrange(4)):
                    queue.enqueue(
                        lane,
                        seed,
                        delay=choice.choice([0.0, 0.0, 0.05]),
                        expires=choice.choice([None, 0.1, 5.0]),
                        dedup_key=choice.choice([None, None, "one", "two"]),
                    )
                if choice.random() < 0.1:
                    queue.lane(lane).limit(
                        max_in_flight=choice.choice([None, 1, 2]), rate=choice.choice([None, "50/s"])
                    )
                leases = queue.claim_many(choice.randrange(1, 5))
                match choice.randrange(5):
                    case 0:
                        queue.release(leases, delay=choice.choice([0.0, 0.05]))
                    case 1:
                        for lease in leases:
                            lease.fail("no")
                    case 2:
                        queue.bury(leases, "spoilt")
                    case 3:
                        pass  # lost with its worker
                    case _:
                        queue.ack(leases)
                if choice.random() < 0.05:
                    queue.dead.retry()


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_what_only_moves_is_no_fault(store, file, request):
    """While four processes do all that can be done, nothing is reported, and nothing is mended."""
    url = request.getfixturevalue("redis_url") if store == "redis" else f"sqlite:///{file}"
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    workers = [context.Process(target=work, args=(url, seed, stop)) for seed in range(4)]
    for worker in workers:
        worker.start()
    with Queue("q", backend=url) as queue:
        try:
            wait_until(lambda: queue.stats().enqueued > 100)
            for look in range(20):
                assert queue.check(repair=look % 2 == 1) == []
            assert all(worker.is_alive() for worker in workers)
        finally:
            stop.set()
            for worker in workers:
                worker.join(60.0)
        assert [worker.exitcode for worker in workers] == [0] * 4
        assert queue.check() == []
