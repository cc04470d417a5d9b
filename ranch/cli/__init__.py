"""The command line: `ranch …`."""

from __future__ import annotations

from typing import Any

import click

from ranch.cli.demo import demo as demo_command
from ranch.cli.plugins import plugins as plugins_command
from ranch.cli.strategy import strategy as strategy_command
from ranch.cli.worker import worker as worker_command
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


main.add_command(demo_command)
main.add_command(plugins_command)
main.add_command(strategy_command)
main.add_command(worker_command)
