"""`ranch check`: whether all that is stored of a queue agrees."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import click

from ranch.answers import Fault
from ranch.cli.output import Output, count, plain
from ranch.cli.store import on_queue
from ranch.queue import Queue

repair_option = click.option("--repair", is_flag=True, help="Mend what is found.")


@click.command(short_help="Look whether all that is stored of a queue agrees.")
@repair_option
@on_queue
def check(queue: Queue, output: Output, *, repair: bool) -> None:
    """Look whether all that is stored of a queue agrees; with --repair, mend what does not.

    The queue may be at work meanwhile. The exit code is 1 if faults are left.
    """
    faults = queue.check(repair=repair)
    output.say({"queue": queue.name, "faults": [attrs.asdict(fault) for fault in faults]}, told(queue, faults))
    if are_left(faults):
        click.get_current_context().exit(1)


def told(queue: Queue, faults: Sequence[Fault]) -> str:
    """Return the faults of a queue in lines, and how many they are."""
    number = count(len(faults), "fault") if faults else "no faults"
    return "\n".join([*map(plain, map(str, faults)), f"queue {queue.name!r} has {number}"])


def are_left(faults: Sequence[Fault]) -> bool:
    """Tell whether any fault was not mended."""
    return not all(fault.mended for fault in faults)
