"""taskiq: coroutines, on a stream, which is its one broker on Redis that acknowledges."""

from __future__ import annotations

import asyncio

from taskiq.api import run_receiver_task
from taskiq_redis import RedisStreamBroker

from benchmarks.peers.stopwatch import JOBS, SLOTS, URL, stopwatch

broker = RedisStreamBroker(url=URL)


@broker.task
async def nothing() -> None:
    stopwatch.tick()


async def main() -> None:
    await broker.startup()
    for _ in range(JOBS):
        await nothing.kiq()
    await run_receiver_task(broker, max_async_tasks=SLOTS, run_startup=True)


asyncio.run(main())
