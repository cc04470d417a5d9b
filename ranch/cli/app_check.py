"""`celery -A app ranch check`: also whether any worker takes what waits."""

from __future__ import annotations

from typing import Any

import attrs
import click
from celery import Celery

from ranch.celery.unserved import RunningWorkers, known_queues
from ranch.cli.check import are_left, repair_option, told
from ranch.cli.output import Output, json_option, plain
from ranch.cli.store import NotFound, backend_option, opened
from ranch.queue import Queue
from ranch.typing import Backend


@click.command(short_help="Look whether the app's queues agree, and have workers.")
@repair_option
@backend_option
@click.option("--queue", "-q", "only", metavar="NAME", help="Which queue; by default all that the app names.")
@json_option
@click.pass_obj
def check(obj: Any, *, only: str | None, backend: str | Backend, as_json: bool, repair: bool) -> None:
    """Look whether all that is stored of each queue agrees; with --repair, mend what does not.

    And ask the workers whether any of them takes jobs from the queues that hold some.

    The queues may be at work meanwhile. The exit code is 1 if faults are left, or jobs that no worker takes.
    """
    app: Celery = obj.app
    output, workers = Output(as_json=as_json), RunningWorkers(app)
    # Whether each queue that was found is as it should be.
    well: list[bool] = []
    for name in [only] if only else known_queues(app):
        try:
            with opened(name, backend) as queue:
                well.append(_look(queue, workers, output, repair=repair))
        except NotFound:
            if only:
                raise
    if not well:
        raise NotFound("none of the app's queues has been used so far")
    if not all(well):
        click.get_current_context().exit(1)


def _look(queue: Queue, workers: RunningWorkers, output: Output, *, repair: bool) -> bool:
    faults, unserved = queue.check(repair=repair), workers.leaves(queue)
    facts = {
        "queue": queue.name,
        "faults": [attrs.asdict(fault) for fault in faults],
        "unserved": attrs.asdict(unserved) if unserved else None,
    }
    output.say(facts, told(queue, faults) + (f"\n{plain(str(unserved))}" if unserved else ""))
    return unserved is None and not are_left(faults)
