"""`celery -A app ranch …`: the commands of `ranch`, with the app's store and default queue where none is named."""

from __future__ import annotations

from typing import Any, Final

import click
from celery import Celery

from ranch.celery.embedding import Ranch
from ranch.cli import Commands, main
from ranch.cli.app_check import check
from ranch.cli.drain import drain
from ranch.cli.store import Store

#: Commands that need an app, and one that says more of one.
OWN: Final = {"check": check, "drain": drain}


@click.group("ranch", cls=Commands, commands={**main.commands, **OWN}, context_settings=main.context_settings)
@click.pass_context
def ranch(ctx: click.Context) -> None:
    """Look at the app's lanes, and after them.

    --backend and --queue may be left out: they are the app's own store and its default queue.
    """
    ctx.default_map = _defaults(ranch, ctx.obj.app)


def _defaults(command: click.Command, app: Celery) -> dict[str, Any]:
    """Return the defaults of a command, or of all commands in a group, by name; found when they are asked for."""
    if isinstance(command, click.Group):
        return {name: _defaults(inner, app) for name, inner in command.commands.items()}
    found: dict[str, Any] = {}
    for param in command.params:
        if isinstance(param.type, Store):
            found[str(param.name)] = lambda: Ranch(app).backend
        elif param.name == "queue":
            found["queue"] = lambda: Ranch(app).queue().name
    return found
