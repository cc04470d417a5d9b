"""`ranch pause`, `resume` and `limit`: what a lane, or the whole queue, may do."""

from __future__ import annotations

from typing import Any

import click
from attrs import evolve

from ranch.cli.output import Output
from ranch.cli.store import on_queue
from ranch.limits import Limits, Rate
from ranch.queue import Queue

_LIMITS = {"max-in-flight": "max_in_flight", "max-pending": "max_pending"} | {
    name: name for name in ("rate", "overflow", "expires")
}
_lane = click.argument("lane", metavar="[LANE]", required=False)


@click.command(short_help="Let nothing be claimed from a lane, or from the queue.")
@_lane
@on_queue
def pause(queue: Queue, out: Output, *, lane: str | None) -> None:
    """Let nothing be claimed from LANE, or from the whole queue, until it is resumed.

    Jobs can be enqueued meanwhile, and what is leased goes on.
    """
    _of(queue, lane).pause()
    out.say({"queue": queue.name, "lane": lane, "paused": True}, f"{_name(queue, lane)} is paused")


@click.command(short_help="Let jobs be claimed again.")
@_lane
@on_queue
def resume(queue: Queue, out: Output, *, lane: str | None) -> None:
    """Let jobs be claimed from LANE, or from the whole queue, again."""
    _of(queue, lane).resume()
    out.say({"queue": queue.name, "lane": lane, "paused": False}, f"{_name(queue, lane)} is not paused")


@click.command(short_help="Show, set or lift limits.")
@_lane
@click.option("--max-in-flight", metavar="N", type=int, help="So many jobs leased at a time, in all workers together.")
@click.option("--rate", metavar="RATE", help="So many claims in a time: 10/s, 100/m, 5/h or 1/d.")
@click.option("--burst", metavar="N", type=int, help="With --rate: so many at once after a pause.  [default: 1]")
@click.option("--max-pending", metavar="N", type=int, help="So many ready jobs.")
@click.option("--overflow", metavar="HOW", help="What an enqueue over that does: raise, or in a lane drop-oldest.")
@click.option("--expires", metavar="SECONDS", type=float, help="So long a job enqueued from now on waits at most.")
@click.option("--lift", metavar="LIMIT", multiple=True, type=click.Choice([*_LIMITS]), help="Lift it; may be repeated.")
@on_queue
def limit(
    queue: Queue, out: Output, *, lane: str | None, lift: tuple[str, ...], burst: int | None, **given: Any
) -> None:
    """Show the limits of LANE, or of the whole queue; set those that are given, lift those that are named by --lift.

    They hold for all workers together, at once. Those that are not named stay.
    """
    changes = {name: value for name, value in given.items() if value is not None}
    if burst is not None:
        if "rate" not in changes:
            raise click.UsageError("--burst is for a --rate: give one")
        changes["rate"] = evolve(Rate.of(changes["rate"]), burst=burst)
    for name in lift:
        if _LIMITS[name] in changes:
            raise click.UsageError(f"--{name} is to be set and to be lifted: say one of them")
        changes[_LIMITS[name]] = None
    if changes:
        _of(queue, lane).limit(**changes)
    limits = queue.limits() if lane is None else queue.lane(lane).limits
    out.say(
        {"queue": queue.name, "lane": lane, "limits": limits.as_dict()},
        f"{_name(queue, lane)} has {_words(limits)}",
    )


def _words(limits: Limits) -> str:
    words = [f"{name} {value}" for name in limits.as_dict() if (value := getattr(limits, name)) is not True]
    return ", ".join(["is paused"] * limits.paused + words).replace("is paused", "paused") or "no limits"


def _of(queue: Queue, lane: str | None) -> Any:
    """Return what has a pause, a resume and a limit: a lane, or the queue."""
    return queue if lane is None else queue.lane(lane)


def _name(queue: Queue, lane: str | None) -> str:
    return f"queue {queue.name!r}" if lane is None else f"lane {lane!r}"
