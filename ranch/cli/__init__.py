"""The command line: `ranch …`."""

from __future__ import annotations

from typing import Any

import click

from ranch.cli import (
    backlog,
    check,
    config,
    dead,
    demo,
    jobs,
    lane,
    limits,
    looks,
    plugins,
    schedule,
    strategy,
    top,
    worker,
)
from ranch.exceptions import RanchError


class Failure(click.ClickException):
    """What went wrong, on one line of stderr; the exit code is 1."""

    def __init__(self, error: RanchError) -> None:
        super().__init__(" ".join(str(error).split()))


class Commands(click.Group):
    """Commands whose errors a user can read: ranch's own end in one line, never in a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except RanchError as exc:
            raise Failure(exc) from exc


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ranch-scheduler", prog_name="ranch")
def main() -> None:
    """Decide whose job runs next: fair scheduling of background jobs, embedded in Celery or on its own."""


for command in (
    *(looks.lanes, looks.jobs, looks.stats, looks.metrics, looks.explain, top.top),
    *(lane.weight, lane.tag, lane.data, limits.pause, limits.resume, limits.limit, strategy.strategy),
    check.check,
    *(jobs.enqueue, jobs.cancel, jobs.purge, dead.dead, backlog.export, backlog.import_),
    *(schedule.schedule, worker.worker, config.config, plugins.plugins, demo.demo),
):
    main.add_command(command)
