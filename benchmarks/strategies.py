"""What a claim costs under each strategy, on each backend."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from random import Random
from statistics import median

from rich.progress import Progress

from benchmarks.claims import CLAIMS, filled, one_round
from benchmarks.tables import Report, rate
from ranch.hooks.manager import Plugins
from ranch.strategies import WeightedLRU
from ranch.testing.server import RedisServer
from ranch.testing.unshipped import Due, NoTwin
from ranch.typing import Strategy

LANES = 1_000
#: By turns and in another order each time, so that what else the machine does falls on all alike.
ROUNDS = 50
STORES = ("memory", "sqlite", "redis")


class Own(WeightedLRU):
    """The default strategy, as a plugin might bring it."""


def strategies() -> dict[str, Strategy]:
    """Name what is measured: what ships, the default first, and what a plugin may bring."""
    shipped = {record.name: record.factory() for record in Plugins().strategies}
    return {**shipped, "a plugin's twin": Own(), "one that reads the head and data": Due(), "without a twin": NoTwin()}


def by_strategy(progress: Progress) -> Report:
    """Measure claims, each strategy in turn."""
    report = Report(
        f"Claims a second under each strategy, one client, {LANES:,} lanes",
        ("strategy", *(column for store in STORES for column in (store, "time"))),
        "time: of a claim, against weighted-lru's of the same run. "
        "To reach: 1.1 for a plugin's twin, 2 on Redis without one.",
    )
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ranch-bench-"))
        server = stack.enter_context(RedisServer())
        urls = ("memory://", f"sqlite:///{Path(folder, 'ranch.db')}", server.url)
        rates = [_rates(url, progress) for url in urls]
    for name in strategies():
        cells = []
        for of_store in rates:
            cells += [rate(of_store[name]), f"{of_store['weighted-lru'] / of_store[name]:.2f}"]
        report.rows.append((name, *cells))
    return report


def _rates(url: str, progress: Progress) -> dict[str, float]:
    with ExitStack() as stack:
        queues = {
            name: stack.enter_context(filled(url, LANES, strategy, jobs=2 * CLAIMS))
            for name, strategy in strategies().items()
        }
        rates: dict[str, list[float]] = {name: [] for name in queues}
        random = Random(7)
        for _ in range(ROUNDS):
            for name in random.sample(list(queues), len(queues)):
                rates[name].append(one_round(queues[name].claim, CLAIMS // ROUNDS))
        progress.advance(progress.task_ids[0])
    return {name: median(of_name) for name, of_name in rates.items()}
