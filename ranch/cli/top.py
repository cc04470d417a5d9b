"""`ranch top`: the lanes that wait, as they change."""

from __future__ import annotations

import sys
import time
from heapq import nlargest
from typing import Any, Final

import click

from ranch.cli.looks import each_lane
from ranch.cli.output import Columns, Output, plain
from ranch.cli.store import on_queue
from ranch.observe.status import waits
from ranch.queue import Queue

#: Beside the lane's key.
_COLUMNS: Final[Columns] = {
    "lane": lambda lane: lane["lane"],
    "pending": lambda lane: lane["pending"],
    "leased": lambda lane: lane["leased"],
    "share %": lambda lane: lane["share"] and round(lane["share"], 1),
    "ahead": lambda lane: lane["ahead"],
    "wait s": lambda lane: lane["wait"] and round(lane["wait"], 1),
    "blocked": lambda lane: lane["blocked"],
}


@click.command(short_help="Watch the lanes that wait.")
@click.option(
    "--limit", metavar="N", type=click.IntRange(1, 1000), default=20, show_default=True, help="Lanes at most."
)
@click.option(
    "--every",
    metavar="SECONDS",
    type=click.FloatRange(0.1),
    default=2.0,
    show_default=True,
    help="Seconds from one look to the next.",
)
@click.option("--once", is_flag=True, help="Print what there is, and end; as with --json or in a pipe.")
@on_queue
def top(queue: Queue, out: Output, *, limit: int, every: float, once: bool) -> None:
    """Watch the lanes with ready jobs, the longest backlog first, until Ctrl-C.

    Of each: its jobs that are ready and leased, its share of all claims so far, how many lanes are served before it,
    for how long its first job has been ready, and what holds it back. A look costs a round trip for each 1,000 lanes
    that there are, and two for each that is shown.
    """
    if once or out.as_json or not sys.stdout.isatty():
        out.list(_look(queue, limit), _COLUMNS)
        return
    from rich.live import Live
    from rich.table import Table

    with Live(screen=True, auto_refresh=False) as live:
        while True:
            table = Table(*_COLUMNS, title=plain(queue.name))
            for lane in _look(queue, limit):
                table.add_row(*(plain(cell(lane)) for cell in _COLUMNS.values()))
            live.update(table, refresh=True)
            time.sleep(every)


def _look(queue: Queue, limit: int) -> list[dict[str, Any]]:
    # Of lanes that were forgotten the queue knows the claims still.
    claimed = queue.stats().claimed
    waiting = (lane for lane in each_lane(queue) if lane.stats.pending)
    shown = nlargest(limit, waiting, key=lambda lane: lane.stats.pending)
    wait = waits(queue, [lane.key for lane in shown])
    rows = []
    for lane in shown:
        standing = queue._drive(queue._operations.lanes.standing(lane.key))
        rows.append(
            {
                "lane": lane.key,
                "pending": lane.stats.pending,
                "leased": lane.stats.leased,
                "share": 100 * lane.stats.claimed / claimed if claimed else None,
                "rank": standing.rank,
                "ahead": standing.ahead,
                "wait": wait.get(lane.key),
                "blocked": lane.blocked,
            }
        )
    return rows
