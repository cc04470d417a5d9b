"""Prints what a claim costs here, beside SQLite and Redis in the same run: python measure.py postgresql://…"""

import sys
import tempfile
import time
from statistics import median

from ranch import Queue
from ranch.testing.server import RedisServer

LANES, CLAIMS, BATCH, ROUNDS = 1_000, 100, 10, 7


def measure(queues, work, jobs):
    """Return the median of each queue's jobs a second, over rounds in which all have a turn."""
    rates = {name: [] for name in queues}
    for _ in range(ROUNDS):
        for name, queue in queues.items():
            started = time.perf_counter()
            for _ in range(CLAIMS):
                work(queue)
            rates[name].append(CLAIMS * jobs / (time.perf_counter() - started))
    return {name: median(rates[name]) for name in rates}


def main(url):
    with tempfile.TemporaryDirectory() as folder, RedisServer() as redis:
        urls = {"postgresql": url, "sqlite": f"sqlite:///{folder}/ranch.db", "redis": redis.url}
        name = f"measure-{time.time():.0f}"
        queues = {kind: Queue(name, backend=url, lease=3600.0) for kind, url in urls.items()}
        jobs = ROUNDS * CLAIMS * (1 + BATCH) + LANES
        for queue in queues.values():
            queue.enqueue_many((f"lane{number % LANES}", "x" * 200) for number in range(jobs))
        for title, work, each in (
            ("claim", Queue.claim, 1),
            (f"claim_many({BATCH})", lambda queue: queue.claim_many(BATCH), BATCH),
        ):
            rates = measure(queues, work, each)
            for kind, rate in rates.items():
                print(
                    f"{title:16}{kind:12}{rate:8.0f} jobs/s   x sqlite {rate / rates['sqlite']:.2f}   "
                    f"x redis {rate / rates['redis']:.2f}"
                )
        for queue in queues.values():
            queue.close()


if __name__ == "__main__":
    main(sys.argv[1])
