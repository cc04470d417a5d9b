"""``python -m benchmarks``: prints the tables; ``--save`` keeps them in ``benchmarks/results``."""

from __future__ import annotations

import json
import platform
import sqlite3
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

import attrs
import click
from rich.console import Console
from rich.progress import Progress

from benchmarks import celery_idle, celery_jobs, claims, events, limits, listeners, selections, strategies, worker_jobs

PARTS = {
    "claims": (claims.local, claims.on_redis),
    "limits": (limits.by_limit,),
    "strategies": (strategies.by_strategy,),
    "selections": (selections.by_assigned,),
    "events": (events.without_listeners, listeners.listeners),
    "worker": (worker_jobs.through_a_worker,),
    "celery": (celery_jobs.through_lanes, celery_idle.idle),
}
STEPS = (
    2 * len(claims.LANES)
    + len(claims.LANES)
    + 1
    + len(strategies.STORES)
    + 1
    + 1
    + len(selections.ASSIGNED)
    + 1
    + celery_jobs.ROUNDS
    + 3
)


@click.command()
@click.option("--only", type=click.Choice(sorted(PARTS)), help="One part instead of all.")
@click.option("--save", is_flag=True, help="Keep the results, with date and versions, in benchmarks/results.")
def main(*, only: str | None, save: bool) -> None:
    """Measure what ranch costs. Absolute numbers are this machine's; compare ratios."""
    console = Console()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        progress.add_task("measuring", total=STEPS)
        reports = [measure(progress) for part in ([only] if only else PARTS) for measure in PARTS[part]]
    for report in reports:
        console.print(report.table(), "")
    if save:
        now = datetime.now(timezone.utc)
        path = Path(__file__).parent / "results" / f"{now:%Y-%m-%d-%H%M}.json"
        path.parent.mkdir(exist_ok=True)
        packages = ("ranch-scheduler", "celery", "kombu", "redis")
        facts = {
            "date": now.isoformat(timespec="minutes"),
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            **{name: version(name) for name in packages},
        }
        path.write_text(json.dumps({**facts, "reports": [attrs.asdict(report) for report in reports]}, indent=1) + "\n")
        console.print(f"kept in {path}")


if __name__ == "__main__":
    main()
