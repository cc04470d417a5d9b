"""Chaos: workers, enqueuers and servers are killed, stopped and cut off while jobs run, and every job is accounted for.

``make chaos`` runs both stores for some minutes, ``make chaos ARGS=--short`` for some seconds. A run prints its seed:
``--seed`` makes the same choices again, though processes meet otherwise each time.
"""

from __future__ import annotations

import random
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ranch.model import QueueStats
from tests.chaos.driver import Driver
from tests.chaos.ledger import read
from tests.chaos.stories import Stories
from tests.chaos.verdict import Verdict
from tests.chaos.world import STORES

COUNTED = (
    *("enqueued", "claimed", "acked", "released", "failed", "reclaimed", "died", "revived", "expired", "cancelled"),
)
SHORT_SECONDS = 25.0


def run(backend: str, seconds: float, seed: int, folder: Path) -> list[str]:
    """Let one run happen, print what was done and found, and return what was wrong."""
    verdicts: list[Verdict] = []

    def judge(driver: Driver) -> None:
        stories = Stories()
        for ledger in sorted(folder.glob("*.ledger")):
            stories.read(ledger.stem, read(ledger))
        letters = {letter.job.id for letter in driver.queue.dead.list()}
        verdicts.append(Verdict(stories, driver.queue.stats(), driver.queue.lanes(), letters))

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[jobs]}"))
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(f"{backend}, seed {seed}", total=seconds, jobs="")

        def show(passed: float, stats: QueueStats) -> None:
            bar.update(task, completed=passed, jobs=f"{stats.enqueued} jobs, {stats.acked} done")

        driver = Driver(backend=backend, seconds=seconds, seed=seed, folder=folder, progress=show)
        driver.run(judge)
    (verdict,) = verdicts
    faults = driver.wrong + verdict.faults
    Console().print(table(driver, verdict, faults))
    return faults


def table(driver: Driver, verdict: Verdict, faults: list[str]) -> Table:
    """Return what was done and found."""
    title = f"Chaos on {driver.backend}, {driver.seconds:g} s, seed {driver.seed}"
    result = Table("", "", title=title, title_justify="left", show_header=False)
    sections = {
        "harm": driver.done,
        "jobs": Counter({name: getattr(verdict.stats, name) for name in COUNTED}),
        "found": verdict.seen
        + Counter(
            {
                "calls sent again": verdict.stories.resent,
                "calls given up": verdict.stories.away,
                "leases lost though kept alive": verdict.stories.unkept,
            }
        ),
        "wrong": Counter({"promises broken": len(faults)}),
    }
    for numbers in sections.values():
        result.add_section()
        for name, number in sorted(numbers.items()):
            result.add_row(name, f"{number:,}")
    return result


@click.command(help=__doc__)
@click.option("--backend", type=click.Choice(sorted(STORES)), multiple=True, help="By default one after the other.")
@click.option("--minutes", type=click.FloatRange(min=0.1), default=5.0, show_default=True, help="For each store.")
@click.option("--short", is_flag=True, help=f"{SHORT_SECONDS:g} seconds for each store, in place of minutes.")
@click.option("--seed", type=int, help="What all choices follow from; by default another each time.")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Where the ledgers are to stay.")
def main(backend: tuple[str, ...], minutes: float, short: bool, seed: int | None, keep: Path | None) -> None:
    """Run, and exit with 1 if a promise was broken."""
    seed = random.randrange(10**6) if seed is None else seed
    failed = False
    for name in backend or sorted(STORES, reverse=True):
        with tempfile.TemporaryDirectory(prefix="ranch-chaos-") as temporary:
            folder = keep / name if keep else Path(temporary)
            folder.mkdir(parents=True, exist_ok=True)
            faults = run(name, SHORT_SECONDS if short else 60 * minutes, seed, folder)
        for fault in faults:
            click.echo(fault, err=True)
        failed = failed or bool(faults)
    sys.exit(failed)


if __name__ == "__main__":
    # Whoever ends it by a signal ends all that it started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main()
