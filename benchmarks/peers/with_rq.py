"""rq: one job at a time, in the worker's own process rather than in one for each job."""

from __future__ import annotations

import sys

from redis import Redis
from rq import Queue, SimpleWorker

from benchmarks.peers.stopwatch import JOBS, URL, stopwatch


def nothing() -> None:
    stopwatch.tick()


if __name__ == "__main__":
    # The worker looks the function up by its module's name, and must find this very one.
    sys.modules["benchmarks.peers.with_rq"] = sys.modules["__main__"]
    connection = Redis.from_url(URL)
    queue = Queue(connection=connection)
    job = Queue.prepare_data("benchmarks.peers.with_rq.nothing", result_ttl=0)
    queue.enqueue_many([job] * JOBS)
    SimpleWorker([queue], connection=connection).work(logging_level="WARNING")
