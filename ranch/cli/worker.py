"""`ranch worker`: run the tasks of queues."""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from typing import Any

import click

from ranch.aqueue import AsyncQueue
from ranch.exceptions import ConfigError
from ranch.queue import Queue
from ranch.worker import Worker
from ranch.worker.settings import POOLS, Pool


@click.command(short_help="Run the tasks of queues.")
@click.argument("targets", metavar="MODULE:QUEUE...", nargs=-1, required=True)
@click.option("--concurrency", metavar="N", default=10, show_default=True, help="How many jobs run at a time.")
@click.option(
    "--pool",
    type=click.Choice(POOLS),
    default="thread",
    show_default=True,
    help="Where functions run that are no coroutine functions.",
)
@click.option(
    "--allow",
    metavar="MODULE",
    multiple=True,
    help="A module or package whose functions may be run without being tasks; may be repeated.",
)
@click.option("--burst", is_flag=True, help="End when nothing is ready and nothing runs.")
@click.option("--max-jobs", metavar="N", type=int, help="End after so many jobs.")
@click.option(
    "--assign",
    metavar="LANE",
    multiple=True,
    help="A lane that it serves, or a pattern such as 'eu-*', instead of all; may be repeated.",
)
@click.option(
    "--steal",
    metavar="LANE",
    multiple=True,
    help="The same, for when those assigned have nothing to do; may be repeated.",
)
@click.option("--drain-timeout", metavar="SECONDS", type=float, help="How long what runs may take to end.")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="What to tell on stderr.",
)
def worker(
    *,
    targets: tuple[str, ...],
    concurrency: int,
    pool: Pool,
    allow: tuple[str, ...],
    burst: bool,
    max_jobs: int | None,
    assign: tuple[str, ...],
    steal: tuple[str, ...],
    drain_timeout: float | None,
    log_level: str,
) -> None:
    """Run the tasks of queues: of app.queues:mail, the queue called mail in the module app.queues.

    Modules are found from the current directory on. SIGTERM or SIGINT ends it when all that runs has ended; a second
    one gives back what runs.
    """
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)s %(message)s")
    if "" not in sys.path:
        sys.path.insert(0, "")
    running = Worker(
        *map(_queue, targets),
        concurrency=concurrency,
        pool=pool,
        allow=allow,
        burst=burst,
        max_jobs=max_jobs,
        assigned=assign or None,
        steal=steal or None,
        drain_timeout=drain_timeout,
    )
    running.run()


def _queue(target: str) -> Any:
    module, colon, name = target.partition(":")
    if not (module and colon and name):
        raise ConfigError(f"{target!r} is no MODULE:QUEUE, as in app.queues:mail", where="worker")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as exc:
        raise ConfigError(f"{target!r} cannot be imported: {exc}", where="worker") from exc
    if not isinstance(found, (Queue, AsyncQueue)):
        raise ConfigError(f"{target!r} is no queue, but {found!r}", where="worker")
    return found
