"""`ranch check`: whether all that is stored of a queue agrees."""

from __future__ import annotations

import attrs
import click

from ranch.cli.output import Output, count, plain
from ranch.cli.store import on_queue
from ranch.queue import Queue


@click.command(short_help="Look whether all that is stored of a queue agrees.")
@click.option("--repair", is_flag=True, help="Mend what is found.")
@on_queue
def check(queue: Queue, output: Output, *, repair: bool) -> None:
    """Look whether all that is stored of a queue agrees; with --repair, mend what does not.

    The queue may be at work meanwhile. The exit code is 1 if faults are left.
    """
    faults = queue.check(repair=repair)
    lines = [
        *map(plain, map(str, faults)),
        f"queue {queue.name!r} has {count(len(faults), 'fault') if faults else 'no faults'}",
    ]
    output.say({"queue": queue.name, "faults": [attrs.asdict(fault) for fault in faults]}, "\n".join(lines))
    if not all(fault.mended for fault in faults):
        click.get_current_context().exit(1)
