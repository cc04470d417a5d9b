"""arq: coroutines."""

from __future__ import annotations

import asyncio

from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import Worker, func

from benchmarks.peers.stopwatch import JOBS, SLOTS, URL, stopwatch


async def nothing(_context: object) -> None:
    stopwatch.tick()


async def main() -> None:
    settings = RedisSettings.from_dsn(URL)
    pool = await create_pool(settings)
    for _ in range(JOBS):
        await pool.enqueue_job("nothing")
    functions = [func(nothing, name="nothing", keep_result=0)]
    await Worker(functions=functions, redis_settings=settings, max_jobs=SLOTS, poll_delay=0.01, burst=True).async_run()


asyncio.run(main())
