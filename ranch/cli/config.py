"""`ranch config`: what is written down of a fleet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from ranch.cli.output import Output, count, json_option, plain
from ranch.exceptions import ConfigError
from ranch.fleet import Fleet, read_fleet


@click.group(short_help="Look at the configuration of a fleet.")
def config() -> None:
    """Look at what is written down of a fleet of workers."""


@config.command(short_help="Look whether a fleet's configuration can be.")
@click.argument("file")
@click.option(
    "--waiting", is_flag=True, help="Look into the store too, for lanes that wait and are assigned to no worker."
)
@json_option
def check(*, file: str, waiting: bool, as_json: bool) -> None:
    """Look whether the configuration of a fleet, a FILE in TOML or YAML, can be; and tell of all its faults at once.

    The exit code is 1 if there are any, or, with --waiting, if a lane waits that no worker is assigned.
    """
    output = Output(as_json=as_json)
    try:
        fleet = read_fleet(file)
    except ConfigError as exc:
        lines = [*map(plain, exc.problems), f"{plain(file)} has {count(len(exc.problems), 'fault')}"]
        output.say({"file": file, "faults": exc.problems}, "\n".join(lines))
        click.get_current_context().exit(1)
    unserved = list(_unserved(fleet)) if waiting else []
    facts: dict[str, Any] = {"file": file, "faults": [], "fleet": fleet.to_dict()}
    what = f"{count(len(fleet.queues), 'queue')}, {count(len(fleet.workers), 'worker')}"
    lines = [plain(f"lane {lane!r} of queue {queue!r} waits, and is assigned to nobody") for queue, lane in unserved]
    if waiting:
        facts["unassigned"] = [{"queue": queue, "lane": lane} for queue, lane in unserved]
    output.say(facts, "\n".join([*lines, f"{plain(file)} has no faults: {what}"]))
    if unserved:
        click.get_current_context().exit(1)


def _unserved(fleet: Fleet) -> Iterator[tuple[str, str]]:
    """Find lanes with ready jobs that no worker is assigned. One round trip or two for each queue."""
    queues = fleet.open()
    try:
        for queue in queues:
            waiting = [lane.key for lane in queue.lanes() if lane.stats.pending]
            yield from ((queue.name, lane) for lane in fleet.coverage(waiting, queue=queue.name).unassigned)
    finally:
        for queue in queues[:1]:
            queue.close()
