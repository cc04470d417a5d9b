"""``python -m benchmarks.emptied``: what a Redis queue holds once it is empty again, after many jobs in many lanes."""

from __future__ import annotations

from typing import Any

import click
import redis
from attrs import frozen

from ranch import Policy, Queue
from ranch.backends.redis import RedisBackend
from ranch.testing.clock import FakeClock
from ranch.testing.server import RedisServer

#: Seconds, by a clock that is set.
TTL = 60.0
#: Jobs, or timers, in one call.
BATCH = 1000


@frozen
class Emptied:
    """What one queue held."""

    #: Bytes that it took while all jobs waited, and when all were done and their lanes forgotten.
    peak: int
    left: int
    #: The keys that were left.
    keys: list[str]


def fill_and_empty(url: str, jobs: int, lanes: int) -> Emptied:
    """Put jobs into the lanes by turns, do them all, let the lanes be forgotten, and return what was left.

    Nobody else may use the server.
    """
    clock = FakeClock()
    backend = RedisBackend(url, clock=clock)
    with (
        redis.Redis.from_url(url) as client,
        Queue("q", backend=backend, policy=Policy(lane_ttl=TTL), lease=1e9) as queue,
    ):
        queue.enqueue("first", 0)  # so that scripts and connections are there
        queue.ack(queue.claim_many(1))
        before = used(client)
        for first in range(0, jobs, BATCH):
            queue.enqueue_many([(f"lane {n % lanes}", n) for n in range(first, min(first + BATCH, jobs))])
        peak = used(client) - before
        while leases := queue.claim_many(BATCH):
            queue.ack(leases)
        queue.metrics()  # which leaves what was measured; of the first thousand lanes
        # The first look sees that a lane was served since the last one, the second that it was not.
        for _ in range(2):
            clock.advance(2 * TTL)
            while client.zcount("{ranch:q}:timers", -round(clock() * 1000), round(clock() * 1000)):
                queue.reclaim(BATCH)
        return Emptied(peak, used(client) - before, sorted(key.decode() for key in client.scan_iter(count=BATCH)))


def used(client: Any) -> int:
    """Return how many bytes the server uses, for its scripts and connections too."""
    memory: int = client.info("memory")["used_memory"]
    return memory


@click.command()
@click.option("--jobs", default=1_000_000, show_default=True)
@click.option("--lanes", default=100_000, show_default=True)
def main(*, jobs: int, lanes: int) -> None:
    """Fill a queue on a server of its own, empty it, and print what it holds."""
    with RedisServer() as server:
        found = fill_and_empty(server.url, jobs, lanes)
    click.echo(f"{jobs} jobs in {lanes} lanes: {found.peak / 2**20:.1f} MiB at the peak")
    click.echo(
        f"empty again: {found.left / 2**10:.1f} KiB, {100 * found.left / found.peak:.3f} % of it, in {found.keys}"
    )


if __name__ == "__main__":
    main()
