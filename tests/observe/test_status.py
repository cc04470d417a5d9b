"""How a queue stands, in one value."""

from __future__ import annotations

import time

from ranch import Queue, Retry
from ranch.backends.memory import MemoryBackend
from ranch.observe import QueueStatus, get_queue_status
from ranch.observe.status import oldest_wait
from ranch.typing import Backend


def test_all_that_is_there_is_counted_once(backend: Backend) -> None:
    """Lanes by their backlog, what is delayed and leased, and dead letters by their kind."""
    queue = Queue("mail", backend=backend)
    queue.enqueue_many([("failing", 1), ("lost", 1), ("lost", 2)])
    for lease in queue.claim_many(3):
        if lease.job.lane == "failing":
            lease.fail("away", retry=Retry.never())
        else:
            lease.bury("no such task")
    queue.enqueue_many([("acme", 1), ("zoe", 1), ("zoe", 2)])
    queue.enqueue("zoe", 3, delay=60)
    queue.enqueue("late", 1)
    assert queue.claim() is not None

    status = get_queue_status(queue)

    assert sum(status.waiting.values()) == 3
    assert next(iter(status.waiting)) == "zoe"
    assert (status.delayed, status.leased, status.failures, status.system_errors) == (1, 1, 1, 2)


def test_an_empty_queue_is_all_zeros(backend: Backend) -> None:
    """Nothing has to be there."""
    assert get_queue_status(Queue("mail", backend=backend)) == QueueStatus()


def test_the_oldest_wait_is_that_of_the_lane_that_waits_longest() -> None:
    """In seconds; nothing waits for nothing, and of too many lanes it is not known."""
    now = time.time()
    times = iter([now - 10, now - 30, now - 5])
    clock = {"now": now}

    with Queue("mail", backend=MemoryBackend(clock=lambda: clock["now"])) as queue:
        empty = oldest_wait(queue)
        for lane in ("a", "b", "c"):
            clock["now"] = next(times)
            queue.enqueue(lane, 1)
        waited, unknown = oldest_wait(queue), oldest_wait(queue, lanes=2)

    assert empty == 0
    assert waited is not None
    assert 29 <= waited < 60
    assert unknown is None
