"""ranch: coroutines, of ten lanes by turns."""

from __future__ import annotations

from benchmarks.peers.stopwatch import JOBS, SLOTS, URL, stopwatch
from ranch import Queue, Worker

queue = Queue("bench", backend=URL)


async def nothing() -> None:
    stopwatch.tick()


call = {"task": queue.task(nothing).name}
queue.enqueue_many((f"lane{number % 10}", call) for number in range(JOBS))
Worker(queue, concurrency=SLOTS).run()
