"""`ranch enqueue`, `cancel` and `purge`: jobs that come, and jobs that go."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

import click

from ranch.cli.looks import job_facts
from ranch.cli.output import Output, count
from ranch.cli.store import NotFound, on_queue
from ranch.cli.values import Payload, read_json, sure, yes_option
from ranch.queue import Queue


@click.command(short_help="Put a job into a lane.")
@click.argument("lane", metavar="LANE")
@click.argument("payload", metavar="[PAYLOAD]", type=Payload(), required=False)
@click.option("--lines", is_flag=True, help="Take a payload from each line of stdin: as many jobs.")
@click.option("--delay", metavar="SECONDS", type=float, default=0.0, help="Until it enters its lane.")
@click.option("--priority", metavar="N", type=int, default=3, show_default=True, help="1 (very low) to 6 (critical).")
@click.option("--cost", metavar="COST", type=float, default=1.0, show_default=True, help="Size of the job.")
@click.option("--bid", metavar="BID", type=float, help="What it offers under the strategy bid.")
@click.option("--expires", metavar="SECONDS", type=float, help="After which it is not to run any more.")
@click.option("--lease", metavar="SECONDS", type=float, help="For which a claim of it lasts.")
@click.option("--dedup", is_flag=True, help="Not if the same payload waits or runs in the lane.")
@click.option("--dedup-key", metavar="KEY", help="Not if a job with this key waits or runs in the queue.")
@click.option("--dedup-for", metavar="SECONDS", type=float, help="For which the key counts at most.")
@on_queue
def enqueue(queue: Queue, out: Output, *, lane: str, lines: bool, payload: Any, **options: Any) -> None:
    """Put a job into LANE, and say under which id. PAYLOAD is JSON; without it, stdin is.

    For queues whose workers take plain payloads: what a Celery worker takes is a whole message, which Celery makes.
    """
    ctx = click.get_current_context()
    given = ctx.get_parameter_source("payload") is not click.core.ParameterSource.DEFAULT
    if lines and given:
        raise click.UsageError("--lines takes payloads from stdin, and PAYLOAD is one: leave one of them out")
    payloads = list(_payloads(sys.stdin.buffer)) if lines else [payload if given else _payload(sys.stdin.buffer)]
    for job in queue.enqueue_many([(lane, one) for one in payloads], **options):
        words = f"job {job.id} is there already" if job.duplicate else f"job {job.id} is in lane {job.lane!r}"
        out.say({**job_facts(job), "duplicate": job.duplicate}, words)


def _payload(stdin: BinaryIO) -> Any:
    try:
        return read_json(stdin.read().decode())
    except ValueError as exc:  # bytes that are no UTF-8 among them
        raise click.UsageError(f"what came on stdin is no JSON: {exc}") from exc


def _payloads(stdin: BinaryIO) -> Iterator[Any]:
    for number, line in enumerate(stdin, start=1):
        if line.strip():
            try:
                yield read_json(line.decode())
            except ValueError as exc:
                raise click.UsageError(f"line {number} is no JSON: {exc}. Nothing was stored") from exc


@click.command(short_help="Remove jobs that wait.")
@click.argument("jobs", metavar="JOB...", nargs=-1, required=True)
@yes_option
@on_queue
def cancel(queue: Queue, out: Output, *, jobs: tuple[str, ...], yes: bool) -> None:
    """Remove jobs that are ready or delayed, by their ids. What is leased goes on.

    The exit code is 3 if any of them did not wait.
    """
    sure(f"Remove {count(len(set(jobs)), 'job')} from queue {queue.name!r}?", yes=yes)
    cancelled = [job.id for job in queue.cancel_many(jobs)]
    left = [job for job in dict.fromkeys(jobs) if job not in cancelled]
    out.say({"queue": queue.name, "cancelled": cancelled, "left": left}, f"{count(len(cancelled), 'job')} cancelled")
    if left:
        raise NotFound(f"neither ready nor delayed in queue {queue.name!r}: {', '.join(map(repr, left))}")


@click.command(short_help="Remove all jobs that wait.")
@click.argument("lane", metavar="[LANE]", required=False)
@yes_option
@on_queue
def purge(queue: Queue, out: Output, *, lane: str | None, yes: bool) -> None:
    """Remove all jobs that are ready or delayed in LANE, or in the whole queue. What is leased goes on."""
    there = queue.stats() if lane is None else queue.lane(lane).stats
    where = f"queue {queue.name!r}" if lane is None else f"lane {lane!r}"
    sure(f"Remove {count(there.pending + there.delayed, 'job')} from {where}?", yes=yes)
    purged = queue.purge() if lane is None else queue.lane(lane).purge()
    out.say({"queue": queue.name, "lane": lane, "purged": purged}, f"{count(purged, 'job')} purged from {where}")
