"""dramatiq: threads."""

from __future__ import annotations

import signal

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.peers.stopwatch import JOBS, SLOTS, URL, stopwatch

broker = RedisBroker(url=URL)
dramatiq.set_broker(broker)


@dramatiq.actor
def nothing() -> None:
    stopwatch.tick()


for _ in range(JOBS):
    nothing.send()
worker = dramatiq.Worker(broker, worker_threads=SLOTS)
worker.start()
signal.pause()
