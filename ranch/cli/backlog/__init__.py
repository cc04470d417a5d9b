"""`ranch export` and `ranch import`: a backlog as a file, and back into any store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO

import click

from ranch.cli.output import Output, count, json_option
from ranch.cli.store import backend_option, on_queue, queue_option
from ranch.queue import Queue
from ranch.typing import Backend


@click.command("export", short_help="Write the backlog to a file.")
@click.argument("file", metavar="[FILE]", type=click.File("w", encoding="utf-8", atomic=True), default="-")
@on_queue
def export(queue: Queue, out: Output, *, file: IO[str]) -> None:
    """Write all there is to FILE, or to stdout, as JSON lines: jobs, dead letters, schedules, lanes, limits, strategy.

    The queue stays as it is. Pause it before, for what comes and goes meanwhile may be missing. Jobs that are leased
    are written as jobs that wait, and counted in a warning: whoever has them may end them all the same.
    """
    from ranch.cli.backlog.dump import Dump

    stats, choice = queue.stats(), queue.read_strategy()
    assert choice is not None, "a queue that was opened has a strategy"
    if not queue.limits().paused:
        _warn(
            f"queue {queue.name!r} is not paused: what comes and goes meanwhile may be missing, or there all the same"
        )
    schedules = len(queue.schedules.list())
    total = stats.lanes + schedules + stats.dead + stats.pending + stats.delayed + stats.leased
    with _progress("export", total) as step:
        dump = Dump(queue, choice, step=lambda: step(1))
        for line in dump.lines():
            file.write(f"{line}\n")
    if dump.leased:
        _warn(
            f"{count(dump.leased, 'job')} leased: written as waiting. Whoever has them may end them here, and they are "
            "run there again"
        )
    if file is not sys.stdout:
        facts = {"queue": queue.name, **dump.written, "leased": dump.leased}
        out.say(facts, f"{_sum(dump.written)} of queue {queue.name!r} written")


@click.command("import", short_help="Put a backlog from a file into a queue.")
@click.argument("file", metavar="[FILE]", type=click.File("rb"), default="-")
@backend_option
@queue_option
@json_option
def import_(*, file: BinaryIO, queue: str, backend: str | Backend, as_json: bool) -> None:
    """Put the backlog in FILE, or on stdin, into the queue, which need not bear the name that it had.

    The whole file is checked before anything is stored. The queue is paused meanwhile, and is in the end what it was
    when the file was written, paused or not. An import that was broken off leaves it paused: start it again, and it
    stores what is not there yet.
    """
    from ranch.cli.backlog.check import Checked
    from ranch.cli.backlog.load import Load

    with _seekable(file) as whole:
        checked = Checked(whole)
        with _progress("import", sum(checked.counts[kind] for kind in ("lane", "schedule", "dead", "job"))) as step:
            load = Load(checked, queue, backend, step)
            try:
                loaded = load.run()
            except BaseException:
                if load.begun:
                    _warn(
                        f"broken off: queue {queue!r} is paused. Start the same import again, it stores what is missing"
                    )
                raise
    facts = {
        "queue": queue,
        "lane": checked.counts["lane"],
        "schedule": loaded.schedules,
        "dead": loaded.dead,
        "job": loaded.jobs,
    }
    left_out = f", {loaded.there} were there" * bool(loaded.there) + f", {loaded.expired} expired" * bool(
        loaded.expired
    )
    paused = ". It is paused, as it was: `ranch resume`" if checked.head.limits.get("paused") else ""
    Output(as_json=as_json).say(
        {**facts, "there": loaded.there, "expired": loaded.expired},
        f"{_sum(facts)} put into queue {queue!r}{left_out}{paused}",
    )


def _sum(counts: dict[str, Any]) -> str:
    nouns = {"job": "job", "dead": "dead letter", "schedule": "schedule"}
    return f"{', '.join(count(counts[kind], noun) for kind, noun in nouns.items())} and {count(counts['lane'], 'lane')}"


def _warn(text: str) -> None:
    click.echo(f"Warning: {text}", err=True)


@contextmanager
def _seekable(file: BinaryIO) -> Iterator[BinaryIO]:
    """Give a file that can be read twice, as a pipe cannot."""
    if file.seekable():
        yield file
        return
    with TemporaryFile(prefix="ranch-import-") as copy:
        copyfileobj(file, copy)
        yield copy


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr, if that is a terminal; what is yielded moves it on."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda number: progress.advance(task, number)
