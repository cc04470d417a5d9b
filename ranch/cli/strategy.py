"""`ranch strategy`: which strategy a queue has, and giving it another."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import click

from ranch.choice import StrategyChoice
from ranch.cli.store import backend_option
from ranch.queue import Queue
from ranch.typing import Backend


@click.command(short_help="Show or change the strategy of a queue.")
@click.argument("queue", metavar="QUEUE")
@click.argument("name", metavar="[NAME]", required=False)
@click.option("-o", "options", metavar="KEY=VALUE", multiple=True, help="An option of the strategy; may be repeated.")
@backend_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def strategy(*, queue: str, name: str | None, options: tuple[str, ...], backend: str | Backend, as_json: bool) -> None:
    """Show which strategy QUEUE has; with NAME, give it that one while it runs.

    Every process that uses the queue follows with its next operation.
    """
    if options and not name:
        raise click.UsageError("-o is an option of a strategy: name one")
    with Queue(queue, backend=backend) as opened:
        choice = opened.set_strategy({**_mapping(options), "name": name}) if name else opened.read_strategy()
    click.echo(json.dumps(_facts(queue, choice)) if as_json else _sentence(queue, choice))


def _mapping(options: Iterable[str]) -> dict[str, Any]:
    """Return options as values: numbers and what else is JSON as such, all else as text."""
    mapping: dict[str, Any] = {}
    for option in options:
        key, given, value = option.partition("=")
        if not given:
            raise click.UsageError(f"-o takes KEY=VALUE, not {option!r}")
        try:
            mapping[key] = json.loads(value)
        except ValueError:
            mapping[key] = value
    return mapping


def _facts(queue: str, choice: StrategyChoice | None) -> dict[str, Any]:
    if choice is None:
        return {"queue": queue, "strategy": None}
    strategy = {"name": choice.name, "options": dict(choice.options), "generation": choice.generation}
    return {"queue": queue, "strategy": strategy}


def _sentence(queue: str, choice: StrategyChoice | None) -> str:
    if choice is None:
        return f"queue {queue!r} has no strategy: nothing was put into it so far"
    since = f"set {choice.generation} times" if choice.generation > 1 else "set once"
    return f"queue {queue!r} is served by {choice}" + (f", {since}" if choice.generation else "")
