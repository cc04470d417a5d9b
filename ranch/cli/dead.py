"""`ranch dead`: what was given up on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from attrs import asdict

from ranch.cli.looks import job_facts
from ranch.cli.output import Output, count, moment, plain
from ranch.cli.store import NotFound, on_queue
from ranch.cli.values import sure, yes_option
from ranch.exceptions import DecodeError
from ranch.letters import DeadLetter
from ranch.queue import Queue

F = TypeVar("F", bound=Callable[..., Any])


def _chosen(command: F) -> F:
    """Let dead letters be chosen by what they say."""
    for option in (
        click.option("--kind", type=click.Choice(["failure", "system"]), help="Only those of this kind."),
        click.option("--reason", metavar="REASON", help='Only those of this reason, such as "worker lost".'),
        click.option("--lane", metavar="LANE", help="Only those of this lane."),
    ):
        command = option(command)
    return command


_ids = click.argument("jobs", metavar="[JOB]...", nargs=-1)
_all = click.option("--all", "everything", is_flag=True, help="All there are.")


@click.group(short_help="Look after dead letters.")
def dead() -> None:
    """Look after dead letters: jobs that were given up on, kept with the reason."""


@dead.command("list", short_help="List them, the oldest first.")
@_chosen
@on_queue
def list_(queue: Queue, out: Output, **chosen: Any) -> None:
    """List the dead letters, the oldest first, as they are read."""
    columns = {
        "job": lambda letter: letter["id"],
        "lane": lambda letter: letter["lane"],
        "died": lambda letter: moment(letter["died_at"]),
        "kind": lambda letter: letter["kind"],
        "reason": lambda letter: letter["reason"],
        "attempts": lambda letter: letter["attempts"],
        "error": lambda letter: letter["error"],
    }
    out.list(map(_facts, queue.dead.list(**chosen)), columns)


@dead.command(short_help="Show one, with its payload and traceback.")
@click.argument("job", metavar="JOB")
@on_queue
def show(queue: Queue, out: Output, *, job: str) -> None:
    """Show one dead letter, with its payload and the traceback."""
    letter = queue.dead.get(job)
    if letter is None:
        raise NotFound(f"there is no dead letter {job!r} in queue {queue.name!r}")
    try:
        payload, unreadable = letter.job.payload, ""
    except DecodeError as exc:
        payload, unreadable = None, exc.why
    facts = _facts(letter) | {"traceback": letter.death.traceback, "payload": payload, "unreadable": unreadable}
    times = {name: moment(at) for name, at in facts.items() if name.endswith("_at") and at is not None}
    out.show(facts, {**facts, **times, "traceback": ""})
    if not out.as_json:
        for line in letter.death.traceback.splitlines():
            click.echo(plain(line))


@dead.command(short_help="Put them back into their lanes.")
@_ids
@_chosen
@_all
@on_queue
def retry(queue: Queue, out: Output, *, jobs: tuple[str, ...], everything: bool, **chosen: Any) -> None:
    """Put dead letters back into their lanes, by their ids or by what they say, behind the jobs that are ready.

    The exit code is 3 if any of those that are named is no dead letter.
    """
    _check(jobs, chosen, everything=everything)
    retried = [job.id for job in queue.dead.retry(jobs or None, **chosen)]
    out.say({"queue": queue.name, "retried": retried}, f"{count(len(retried), 'dead letter')} retried")
    if left := [job for job in dict.fromkeys(jobs) if job not in retried]:
        raise NotFound(f"no dead letters in queue {queue.name!r}: {', '.join(map(repr, left))}")


@dead.command(short_help="Remove them for good.")
@_ids
@_chosen
@_all
@yes_option
@on_queue
def purge(queue: Queue, out: Output, *, jobs: tuple[str, ...], everything: bool, yes: bool, **chosen: Any) -> None:
    """Remove dead letters for good, by their ids or by what they say.

    The exit code is 3 if any of those that are named is no dead letter.
    """
    _check(jobs, chosen, everything=everything)
    number = len(set(jobs)) if jobs else sum(1 for _ in queue.dead.list(**chosen))
    sure(f"Remove {count(number, 'dead letter')} from queue {queue.name!r} for good?", yes=yes)
    purged = queue.dead.purge(jobs or None, **chosen)
    out.say({"queue": queue.name, "purged": purged}, f"{count(purged, 'dead letter')} purged")
    if jobs and purged < len(set(jobs)):
        raise NotFound(f"{len(set(jobs)) - purged} of those named are no dead letters in queue {queue.name!r}")


def _check(jobs: tuple[str, ...], chosen: dict[str, Any], *, everything: bool) -> None:
    ways = bool(jobs) + any(value is not None for value in chosen.values()) + everything
    if ways != 1:
        raise click.UsageError("name dead letters by their ids, or by --lane, --reason and --kind, or say --all")


def _facts(letter: DeadLetter) -> dict[str, Any]:
    death = asdict(letter.death)
    death.pop("traceback")
    return {**job_facts(letter.job), "died_at": letter.died_at, **death}
