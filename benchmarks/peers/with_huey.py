"""huey: threads."""

from __future__ import annotations

from huey import RedisHuey

from benchmarks.peers.stopwatch import JOBS, SLOTS, URL, stopwatch

huey = RedisHuey(url=URL, results=False)


@huey.task()
def nothing() -> None:
    stopwatch.tick()


for _ in range(JOBS):
    nothing()
huey.create_consumer(workers=SLOTS).run()
