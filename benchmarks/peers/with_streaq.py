"""streaq: coroutines."""

from __future__ import annotations

import asyncio

from streaq import Worker

from benchmarks.peers.stopwatch import JOBS, SLOTS, URL, stopwatch

worker = Worker(redis_url=URL, concurrency=SLOTS, handle_signals=False)


@worker.task(ttl=0)
async def nothing() -> None:
    stopwatch.tick()


async def main() -> None:
    async with worker:
        await worker.enqueue_many([nothing.enqueue() for _ in range(JOBS)])
    await worker.run_async()


asyncio.run(main())
