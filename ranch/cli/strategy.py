"""`ranch strategy`: which strategy a queue has, and giving it another."""

from __future__ import annotations

from typing import Any

import click

from ranch.choice import StrategyChoice
from ranch.cli.output import Output, json_option
from ranch.cli.store import backend_option, queue_option
from ranch.cli.values import json_settings
from ranch.queue import Queue
from ranch.typing import Backend


@click.command(short_help="Show or change the strategy of a queue.")
@click.argument("name", metavar="[NAME]", required=False)
@click.option("-o", "options", metavar="KEY=VALUE", multiple=True, help="An option of the strategy; may be repeated.")
@backend_option
@queue_option
@json_option
def strategy(*, queue: str, name: str | None, options: tuple[str, ...], backend: str | Backend, as_json: bool) -> None:
    """Show which strategy the queue has; with NAME, give it that one while it runs.

    Every process that uses the queue follows with its next operation. A queue that nobody has used is made by it.
    """
    if options and not name:
        raise click.UsageError("-o is an option of a strategy: name one")
    with Queue(queue, backend=backend) as opened:
        chosen = {**json_settings(options, "-o"), "name": name}
        choice = opened.set_strategy(chosen) if name else opened.read_strategy()
    Output(as_json=as_json).say(_facts(queue, choice), _sentence(queue, choice))


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
