"""`ranch weight`, `tag` and `data`: what is known of a lane."""

from __future__ import annotations

import click

from ranch.cli.output import Output, plain
from ranch.cli.store import on_queue
from ranch.cli.values import json_settings, settings
from ranch.queue import Queue

_lane = click.argument("lane", metavar="LANE")
_settings = click.argument("given", metavar="[NAME=VALUE]...", nargs=-1)
_remove = click.option("--remove", metavar="NAME", multiple=True, help="Take this one away; may be repeated.")


@click.command(short_help="Show or set the weight of a lane.")
@_lane
@click.argument("weight", metavar="[WEIGHT]", type=float, required=False)
@on_queue
def weight(queue: Queue, out: Output, *, lane: str, weight: float | None) -> None:
    """Show the weight of a lane; with WEIGHT, set it.

    Lower is served more often: 0.5 gives twice the share of 1. Under a weight function another one may count.
    """
    if weight is not None:
        queue.lane(lane).update(weight=weight)
    found = queue.lane(lane).read()
    facts = {"lane": lane, "weight": found.weight, "effective_weight": found.effective_weight}
    counts = "" if found.weight == found.effective_weight else f", and {plain(found.effective_weight)} counts"
    out.say(facts, f"lane {lane!r} has weight {plain(found.weight)}{counts}")


@click.command(short_help="Show or change the tags of a lane.")
@_lane
@_settings
@_remove
@on_queue
def tag(queue: Queue, out: Output, *, lane: str, given: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Show the tags of a lane; with NAME=VALUE, set some. Those that are not named stay."""
    tags = settings(given, "a tag")
    if tags or remove:
        queue.lane(lane).update(tags={**tags, **_removed(tags, remove)})
    tags = dict(queue.lane(lane).read().tags)
    out.say({"lane": lane, "tags": tags}, f"lane {lane!r} has " + (f"the tags {plain(tags)}" if tags else "no tags"))


@click.command(short_help="Show or change the custom data of a lane.")
@_lane
@_settings
@_remove
@on_queue
def data(queue: Queue, out: Output, *, lane: str, given: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Show the custom data of a lane; with NAME=VALUE, set some. Those that are not named stay.

    A value is JSON, and what is no JSON is a text: bid=2.5 is a number, plan=gold a text.
    """
    entries = json_settings(given, "custom data")
    if entries or remove:
        queue.lane(lane).update(data={**entries, **_removed(entries, remove)})
    entries = dict(queue.lane(lane).read().data)
    has = f"the data {plain(entries)}" if entries else "no data"
    out.say({"lane": lane, "data": entries}, f"lane {lane!r} has {has}")


def _removed(given: dict[str, str], remove: tuple[str, ...]) -> dict[str, None]:
    if both := sorted(set(given) & set(remove)):
        raise click.UsageError(f"{both[0]!r} is to be set and to be removed: say one of them")
    return dict.fromkeys(remove)
