"""`ranch schedule …`: jobs that are enqueued again and again."""

from __future__ import annotations

from typing import Any

import click

from ranch.cli.output import Output, moment
from ranch.cli.store import NotFound, on_queue
from ranch.cli.values import Payload, sure, yes_option
from ranch.queue import Queue
from ranch.schedule import GRACE, Schedule

_name = click.argument("name", metavar="NAME")


@click.group(short_help="Look after schedules.")
def schedule() -> None:
    """Declare, list, pause, resume and remove schedules: jobs that are enqueued again and again."""


@schedule.command(short_help="Declare a schedule.")
@_name
@click.argument("lane", metavar="LANE")
@click.argument("payload", metavar="PAYLOAD", type=Payload())
@click.option("--cron", metavar="LINE", help="When: minute, hour, day of the month, month, day of the week.")
@click.option("--every", metavar="SECONDS", type=float, help="When, in place of a cron line.")
@click.option("--timezone", metavar="ZONE", default="UTC", show_default=True, help="In which the line is read.")
@click.option(
    "--missed",
    type=click.Choice(["skip", "one", "all"]),
    default="one",
    show_default=True,
    help="Which runs that were missed are made up for.",
)
@click.option(
    "--grace", metavar="SECONDS", type=float, default=GRACE, show_default=True, help="With skip: later is missed."
)
@click.option("--priority", metavar="1-6", type=int, default=3, show_default=True, help="Of the jobs, in their lane.")
@click.option("--dedup", is_flag=True, help="Leave a run out while the job of an earlier one waits or runs.")
@on_queue
def add(queue: Queue, out: Output, *, payload: Any, **options: Any) -> None:
    """Enqueue PAYLOAD, which is JSON, into LANE again and again.

    Under a NAME that is there, the schedule changes.
    """
    found = queue.schedule(payload=payload, **options)
    out.say(_facts(found), f"schedule {found.name!r} is due next at {moment(found.next_at)}")


@schedule.command("list", short_help="List schedules.")
@on_queue
def list_(queue: Queue, out: Output) -> None:
    """List the schedules of a queue, by name."""
    columns = {
        "name": lambda row: row["name"],
        "lane": lambda row: row["lane"],
        "due": lambda row: f"every {row['every']:g} s" if row["cron"] is None else f"{row['cron']} ({row['timezone']})",
        "missed": lambda row: row["missed"],
        "last": lambda row: moment(row["last_at"]),
        "next": lambda row: "paused" if row["paused"] else moment(row["next_at"]),
    }
    out.list((_facts(found) for found in queue.schedules.list()), columns)


@schedule.command(short_help="Let a schedule enqueue nothing.")
@_name
@on_queue
def pause(queue: Queue, out: Output, *, name: str) -> None:
    """Let a schedule enqueue nothing until it is resumed. Jobs that it has enqueued before run."""
    _check(name, was_there=queue.schedules.pause(name))
    out.say({"name": name, "paused": True}, f"schedule {name!r} is paused")


@schedule.command(short_help="Let a schedule go on.")
@_name
@on_queue
def resume(queue: Queue, out: Output, *, name: str) -> None:
    """Let a schedule go on from now. What it was due for while it was paused is not made up for."""
    _check(name, was_there=queue.schedules.resume(name))
    out.say({"name": name, "paused": False}, f"schedule {name!r} is not paused")


@schedule.command(short_help="Remove a schedule.")
@_name
@yes_option
@on_queue
def remove(queue: Queue, out: Output, *, name: str, yes: bool) -> None:
    """Remove a schedule. Jobs that it has enqueued before run."""
    sure(f"Remove schedule {name!r}?", yes=yes)
    _check(name, was_there=queue.schedules.remove(name))
    out.say({"name": name, "removed": True}, f"schedule {name!r} is removed")


@schedule.command("next", short_help="Tell when a schedule is due.")
@_name
@click.option(
    "-n", "count", metavar="N", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many times."
)
@on_queue
def next_(queue: Queue, out: Output, *, name: str, count: int) -> None:
    """Tell when a schedule is due next; a paused one is at no time."""
    _check(name, was_there=queue.schedules.get(name) is not None)
    out.list(({"at": at} for at in queue.schedules.next(name, count)), {"due": lambda row: moment(row["at"])})


def _check(name: str, *, was_there: bool) -> None:
    if not was_there:
        raise NotFound(f"there is no schedule {name!r}")


def _facts(found: Schedule) -> dict[str, Any]:
    timetable = found.timetable
    return {
        "name": found.name,
        "lane": found.job.lane,
        "cron": timetable.cron,
        "every": timetable.every,
        "timezone": timetable.timezone,
        "missed": found.missed,
        "paused": found.paused,
        "last_at": found.last_at,
        "next_at": found.next_at,
    }
