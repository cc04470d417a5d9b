"""What a claim costs, from one lane to 100,000, on each backend."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import redis
from attrs import frozen
from rich.progress import Progress

from benchmarks.tables import Report, rate
from ranch import Queue
from ranch.strategies import WeightedLRU
from ranch.testing.server import RedisServer
from ranch.testing.unshipped import NoTwin
from ranch.typing import Strategy

LANES = (1, 1_000, 100_000)
PAYLOAD = "x" * 200
#: Calls for each cell, in rounds of which the median counts: the machine does other things too.
CLAIMS = 2_500
ROUNDS = 5
BATCH = 10


@frozen
class Cost:
    """What claims took: the client's rate, and on Redis what the server spent on each job, in microseconds."""

    per_second: float
    server_us: float | None = None


@contextmanager
def filled(url: str, lanes: int, strategy: Strategy | None = None, jobs: int | None = None) -> Iterator[Queue]:
    """Give a queue with jobs in `lanes` lanes: by default, enough for all claims of one cell."""
    strategy = strategy or WeightedLRU()
    name = f"bench-{type(strategy).__name__}-{lanes}"
    with Queue(name, backend=url, strategy=strategy, lease=3600.0) as queue:
        jobs = jobs or max(2 * lanes, 2 * CLAIMS * (1 + BATCH))
        queue.enqueue_many((f"lane{number % lanes}", PAYLOAD) for number in range(jobs))
        yield queue


def timed(work: Callable[[], object], times: int, jobs_each: int = 1) -> float:
    """Do something in rounds, and return the median of how many jobs a second that makes."""
    return median(one_round(work, times // ROUNDS, jobs_each) for _ in range(ROUNDS))


def one_round(work: Callable[[], object], times: int, jobs_each: int = 1) -> float:
    """Do something, and return how many jobs a second that makes."""
    started = time.perf_counter()
    for _ in range(times):
        work()
    return times * jobs_each / (time.perf_counter() - started)


class Server:
    """A Redis server's own account of what commands cost it."""

    def __init__(self, url: str) -> None:
        self.client = redis.Redis.from_url(url)

    def timed(self, command: str, work: Callable[[], object], times: int, jobs_each: int = 1) -> Cost:
        """Do as `timed`, and return the median of the server's time in a command as well."""
        rates, spent = [], []
        for _ in range(ROUNDS):
            jobs = times // ROUNDS // ROUNDS * ROUNDS * jobs_each
            spent.append(self.spent(command, lambda: rates.append(timed(work, times // ROUNDS, jobs_each)), jobs))
        return Cost(median(rates), median(spent))

    def spent(self, command: str, work: Callable[[], object], jobs: int) -> float:
        """Do something with so many jobs, and return the server's time in a command for each, in microseconds."""
        self.client.config_resetstat()
        work()
        stats: dict[str, Any] = self.client.info("commandstats")
        return float(stats[f"cmdstat_{command}"]["usec"] / jobs)


def local(progress: Progress) -> Report:
    """Measure memory and SQLite."""
    report = Report(
        "Claims a second, one client",
        ("backend", *(f"{lanes:,} lanes" for lanes in LANES), f"x{BATCH}: {LANES[0]}", f"{LANES[-1]:,}", "flat"),
        "flat: the rate at the most lanes against one lane, single claims; a scan of all lanes would come near 0.",
    )
    with tempfile.TemporaryDirectory(prefix="ranch-bench-") as folder:
        for name, url in (("memory", "memory://"), ("sqlite", f"sqlite:///{Path(folder, 'ranch.db')}")):
            single, batched = [], []
            for lanes in LANES:
                with filled(url, lanes) as queue:
                    single.append(timed(queue.claim, CLAIMS))
                    batched.append(timed(lambda queue=queue: queue.claim_many(BATCH), CLAIMS // 2, BATCH))
                progress.advance(progress.task_ids[0])
            flat = f"{single[-1] / single[0]:.2f}"
            report.rows.append((name, *map(rate, single), rate(batched[0]), rate(batched[-1]), flat))
    return report


def on_redis(progress: Progress) -> Report:
    """Measure Redis, beside a script that does nothing and the pop of a list, on the same server."""
    report = Report(
        "Claims on Redis",
        ("what", "jobs/s", "server us/job", "x EVALSHA", "rate / RPOP", "x 1 lane"),
        "x EVALSHA: server time against a script that only returns 1 (to reach: 12 single, 6 in tens). "
        "rate / RPOP: one client's jobs a second against popping a list (0.6 single, 2 in tens). "
        "x 1 lane: server time against one lane (at most 1.3). "
        "no twin: a strategy that only the client knows, so two scripts a claim (half the rate).",
    )
    with RedisServer() as running:
        server = Server(running.url)
        nothing = server.client.script_load("return 1")
        floor = server.timed("evalsha", lambda: server.client.evalsha(nothing, 0), CLAIMS)
        server.client.lpush("list", *[PAYLOAD] * (2 * CLAIMS))
        pop = server.timed("rpop", lambda: server.client.rpop("list"), CLAIMS)
        for name, cost in (("EVALSHA return 1", floor), ("RPOP", pop)):
            report.rows.append((name, rate(cost.per_second), f"{cost.server_us:.1f}", "", "", ""))
        first: dict[int, float] = {}
        for lanes, strategy in (*((lanes, WeightedLRU()) for lanes in LANES), (LANES[1], NoTwin())):
            with filled(running.url, lanes, strategy) as queue:
                single = server.timed("evalsha", queue.claim, CLAIMS)
                batched = server.timed("evalsha", lambda queue=queue: queue.claim_many(BATCH), CLAIMS // 2, BATCH)
            note = "" if strategy.lua else ", no twin"
            for size, cost in ((1, single), (BATCH, batched)):
                assert cost.server_us is not None
                assert floor.server_us is not None
                report.rows.append(
                    (
                        f"claim{'' if size == 1 else f' x{BATCH}'}, {lanes:,} lanes{note}",
                        rate(cost.per_second),
                        f"{cost.server_us:.1f}",
                        f"{cost.server_us / floor.server_us:.1f}",
                        f"{cost.per_second / pop.per_second:.2f}",
                        f"{cost.server_us / first.setdefault(size, cost.server_us):.2f}",
                    )
                )
            progress.advance(progress.task_ids[0])
    return report
