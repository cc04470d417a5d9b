"""Processes for the tests of several: ``python -m tests.core.fleet enqueue|work|hold URL …``."""

from __future__ import annotations

import sys
import time

from ranch import Queue


def enqueue(url: str, first: str, count: str) -> None:
    """Put numbers into 20 lanes, some one by one and some in batches."""
    queue = Queue("fleet", backend=url)
    numbers = range(int(first), int(first) + int(count))
    for number in numbers[: len(numbers) // 4]:
        queue.enqueue(f"lane{number % 20}", number)
    for start in range(len(numbers) // 4, len(numbers), 50):
        queue.enqueue_many([(f"lane{number % 20}", number) for number in numbers[start : start + 50]])


def work(url: str) -> None:
    """Claim, print the payload, and ack, for ever; alternately one job and up to seven."""
    queue = Queue("fleet", backend=url)
    while True:
        if lease := queue.claim(wait=1.0):
            print(lease.job.payload, flush=True)
            lease.ack()
        leases = queue.claim_many(7)
        for lease in leases:
            print(lease.job.payload)
        sys.stdout.flush()
        queue.ack(leases)


def hold(url: str, count: str, lease: str) -> None:
    """Claim jobs, say so, and sit on them until killed."""
    leases = Queue("fleet", backend=url).claim_many(int(count), lease=float(lease))
    print(*(lease.job.payload for lease in leases), flush=True)
    time.sleep(600)


if __name__ == "__main__":
    {"enqueue": enqueue, "work": work, "hold": hold}[sys.argv[1]](*sys.argv[2:])
