"""What an event costs: where nobody listens, and where somebody does."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from timeit import repeat

from rich.progress import Progress

from benchmarks.claims import CLAIMS, filled, timed
from benchmarks.tables import Report
from ranch.hooks import hookimpl
from ranch.hooks.details import Claimed
from ranch.hooks.manager import Plugins
from ranch.queue import Queue

TIMES = 100_000


class Listener:
    """Hears of each claim, and does nothing."""

    @staticmethod
    @hookimpl
    def ranch_claimed(details: Claimed) -> None:
        pass


def without_listeners(progress: Progress) -> Report:
    """Measure what `Operations` does to tell of a claim."""
    report = Report(
        "Events, beside the cheapest claim there is: one in memory",
        ("what", "ns", "of a claim"),
        "Nobody listens: to reach, at most 0.01 of a claim.",
    )
    with filled("memory://", 1) as queue:
        claim = 1e9 / timed(queue.claim, CLAIMS)
        operations = Queue("bench", backend=queue.backend, metrics_enabled=False)._operations
        details = Claimed(queue="bench", leases=[], at=0.0)
        tell = Plugins([Listener]).events.claimed
        assert operations.events.claimed is None
        assert tell
        # As the operation has it: nothing is made before it is known that somebody listens.
        asked = _ns(lambda: operations.events.claimed and True)
        told = _ns(lambda: tell(details))
    empty = _ns(lambda: None)
    for what, ns in (
        ("a claim", claim),
        ("an event, nobody listens", asked - empty),
        ("an event, one listener that does nothing", told - empty),
    ):
        report.rows.append((what, f"{ns:,.0f}", f"{ns / claim:.3f}"))
    progress.advance(progress.task_ids[0])
    return report


def _ns(work: Callable[[], object]) -> float:
    return median(repeat(work, number=TIMES, repeat=5)) / TIMES * 1e9
