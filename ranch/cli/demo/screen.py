"""What the demo shows on a terminal: progress while it runs, and the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from ranch.cli.demo.measure import Comparison, seconds
from ranch.cli.demo.run import BULK, INTERACTIVE

_STYLES = {"checkout": "blue", "signup": "dark_orange", "support": "green", BULK: "bright_black"}


class Bars:
    """A bar for each lane of a run. They go to stderr, so that stdout holds the result only."""

    def __init__(self, title: str, lanes: Sequence[str]) -> None:
        self._progress = Progress(
            TextColumn("{task.fields[run]:>12}"),
            TextColumn("{task.description:<8}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {}
        for lane in (*INTERACTIVE, BULK):
            run = "" if self._tasks else title
            words = f"[{_STYLES[lane]}]{lane:<8}[/]"
            self._tasks[lane] = self._progress.add_task(words, total=lanes.count(lane), start=False, run=run)

    def sent(self, lane: str) -> None:
        """Let the lane's clock run from its first job on."""
        if not self._progress.tasks[self._tasks[lane]].started:
            self._progress.start_task(self._tasks[lane])

    def started(self, lane: str) -> None:
        """Count a job."""
        self._progress.advance(self._tasks[lane])

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def show(comparison: Comparison, picture: Path | None) -> None:
    """Print the table, the conclusion, and where the picture is."""
    table = Table(title="How long jobs waited, from enqueueing to start", title_justify="left")
    table.add_column("lane")
    for heading in ("jobs", "plain p50", "plain max", "ranch p50", "ranch max"):
        table.add_column(heading, justify="right")
    for lane, (plain, ranch) in comparison.waits().items():
        waits = [seconds(value) for value in (plain.p50, plain.max, ranch.p50, ranch.max)]
        table.add_row(f"[{_STYLES[lane]}]{lane}[/]", str(plain.jobs), *waits)
    console = Console(highlight=False)
    console.print(table)
    console.print(comparison.conclusion(), markup=False, soft_wrap=True)
    if picture:
        console.print(f"The picture: {picture}", markup=False, soft_wrap=True)
