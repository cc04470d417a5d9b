"""`ranch worker`: run the tasks of queues."""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from typing import Any

import click

from ranch.aqueue import AsyncQueue
from ranch.cli.store import Store
from ranch.exceptions import ConfigError
from ranch.fleet import Identity, read_fleet
from ranch.queue import Queue
from ranch.worker import Worker
from ranch.worker.settings import POOLS


@click.command(short_help="Run the tasks of queues.")
@click.argument("targets", metavar="[MODULE:QUEUE]...", nargs=-1)
@click.option("--config", metavar="FILE", help="A fleet, in TOML or YAML, in place of queues; with --id.")
@click.option("--id", "worker_id", metavar="ID", help="Which of its workers this is.")
@click.option("--concurrency", metavar="N", type=int, help="How many jobs run at a time.  [default: 10]")
@click.option(
    "--pool",
    type=click.Choice(POOLS),
    help="Where functions run that are no coroutine functions.  [default: thread]",
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
@click.option(
    "--timeout", metavar="SECONDS", type=float, help="How long a job may run, if neither its call nor its task says so."
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
    config: str | None,
    worker_id: str | None,
    burst: bool,
    assign: tuple[str, ...],
    log_level: str,
    **settings: Any,
) -> None:
    """Run the tasks of queues: of app.queues:mail, the queue called mail in the module app.queues; or a worker of a
    fleet that is written down in a file.

    Modules are found from the current directory on. SIGTERM or SIGINT ends it when all that runs has ended; a second
    one gives back what runs. With --config, options go before what the file says.
    """
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)s %(message)s")
    if "" not in sys.path:
        sys.path.insert(0, "")
    given = {name: value for name, value in {**settings, "assigned": assign}.items() if value not in {None, ()}}
    if config is None and worker_id is None and targets:
        Worker(*map(_queue, targets), burst=burst, **given).run()
    elif config and worker_id and not targets:
        _run_of_fleet(config, worker_id, burst=burst, **given)
    else:
        raise click.UsageError("name queues, as in app.queues:mail, or a fleet and its worker, with --config and --id")


def _run_of_fleet(path: str, worker_id: str, **settings: Any) -> None:
    fleet = read_fleet(path)
    Store().convert(fleet.store, None, None)
    running = fleet.worker(worker_id, **settings)
    with Identity(worker_id, fleet.store, on_lost=running.stop):
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
