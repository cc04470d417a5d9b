"""`ranch demo`: the same jobs through plain Celery and through ranch, on this machine, in seconds."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ranch.exceptions import RanchError

if TYPE_CHECKING:
    from ranch.cli.demo.measure import Comparison


@click.command(short_help="See fair scheduling at work.")
@click.option(
    "--backend",
    metavar="URL",
    help="Where ranch keeps the jobs: sqlite:///…, redis://…, rediss://…, unix://…, or a plugin's. "
    "[default: an SQLite file in a temporary folder]",
)
@click.option("--strategy", metavar="NAME", default="weighted-lru", show_default=True, help="How ranch picks the lane.")
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(1, 5000),
    default=300,
    show_default=True,
    help="How many jobs the bulk lane sends.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON, and nothing else.")
@click.option(
    "--svg",
    metavar="PATH",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    default="ranch-demo.svg",
    show_default=True,
    help="Where the picture goes.",
)
@click.option("--no-svg", is_flag=True, help="Draw no picture.")
def demo(*, backend: str | None, strategy: str, jobs: int, as_json: bool, svg: Path, no_svg: bool) -> None:
    """See fair scheduling at work, in some 15 seconds and without any server.

    A lane called bulk sends its jobs, then three interactive lanes send five each. A Celery worker with two processes
    does them all: once in plain Celery, once through ranch. You see how long each lane waited, in a table and in a
    picture.

    The exit code is 0 only if each job ran exactly once and its result came back under its own id.
    """
    if not no_svg:
        _check_folder(svg.absolute().parent)
        _check_extra()

    from ranch.cli.demo.interrupt import Interrupted
    from ranch.cli.demo.stage import play
    from ranch.cli.demo.worker import WorkerFailed

    picture = None if no_svg else svg
    try:
        comparison = play(backend=backend, strategy=strategy, jobs=jobs, quiet=as_json, picture=picture)
    except Interrupted as exc:
        click.echo(f"ended by {exc}: the worker and the temporary folder are gone", err=True)
        sys.exit(128 + exc.number)
    except WorkerFailed as exc:
        click.echo(exc.log, err=True)
        if as_json:
            click.echo(json.dumps({"ok": False, "problems": [str(exc)]}, indent=2))
        raise
    if as_json:
        click.echo(json.dumps(_numbers(comparison, picture), indent=2))
    else:
        _print(comparison, picture)
    if comparison.problems:
        for log in (run.log for run in (comparison.plain, comparison.ranch) if run.problems):
            click.echo(log, err=True)
        for problem in comparison.problems:
            click.echo(f"wrong: {problem}", err=True)
        sys.exit(1)


class ExtraMissing(RanchError):
    """The demo needs packages that are not installed: pip install 'ranch-scheduler[demo]'."""


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise click.BadParameter(f"there is no folder {str(folder)!r}", param_hint="'--svg'")
    if not os.access(folder, os.W_OK):
        raise click.BadParameter(f"folder {str(folder)!r} is not writable", param_hint="'--svg'")


def _check_extra() -> None:
    # Before anything is started: a picture that cannot be drawn is bad news after a run.
    try:
        __import__("matplotlib")
    except ImportError as exc:
        raise ExtraMissing from exc


def _numbers(comparison: Comparison, picture: Path | None) -> dict[str, Any]:
    return comparison.to_json() | {"svg": str(picture.absolute()) if picture and not comparison.problems else None}


def _print(comparison: Comparison, picture: Path | None) -> None:
    from ranch.cli.demo.screen import show

    show(comparison, None if comparison.problems else picture)
