"""`celery -A app ranch drain`: what waits in lanes goes to the broker."""

from __future__ import annotations

from typing import Any

import click
from celery import Celery


@click.command(short_help="Send what waits in lanes to the broker.")
@click.option("--queue", metavar="QUEUE", help="Of which queue; by default the app's default queue.")
@click.pass_obj
def drain(obj: Any, queue: str | None) -> None:
    """Send all jobs that wait in lanes to the broker, as plain messages: to move out.

    First let nothing be sent into lanes any more. No job is lost; those in hand may be there twice if this is killed.
    """
    from kombu.exceptions import OperationalError

    from ranch.celery.drain import drain as sent_of
    from ranch.celery.embedding import Ranch

    app: Celery = obj.app
    name = queue or Ranch(app).queue().name
    try:
        sent = sent_of(app, name)
    except OperationalError as exc:
        raise click.ClickException(f"the broker cannot be reached, and what it has not got stays: {exc}") from exc
    click.echo(f"{sent} jobs of queue {name!r} went to the broker")
