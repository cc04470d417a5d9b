"""`ranch lanes`, `jobs`, `stats`, `metrics` and `explain`: looking, and changing nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from attrs import asdict

from ranch.answers import StoredJob
from ranch.cli.output import Output, moment
from ranch.cli.store import NotFound, on_queue
from ranch.cli.values import settings
from ranch.model import Job, Lane
from ranch.operations.core import PER_CALL, chunks
from ranch.queue import Queue
from ranch.steps import drive


def lane_facts(lane: Lane) -> dict[str, Any]:
    """Describe a lane as JSON can hold it."""
    return {**asdict(lane), "limits": lane.limits.as_dict()}


def job_facts(job: Job) -> dict[str, Any]:
    """Describe a job as JSON can hold it, without its payload."""
    left_out = {"body", "_loads", "duplicate"}
    return asdict(job, filter=lambda field, _: field.name not in left_out) | {"size": len(job.body)}


def each_lane(queue: Queue, tag: tuple[str, str] | None = None) -> Iterator[Lane]:
    """Read lanes by their keys, a thousand in a round trip, as they are needed; only their keys are read at once."""
    backend, lanes = queue.backend, queue._operations.lanes
    for keys in chunks(drive(backend, lanes.keys(tag)), PER_CALL):
        yield from drive(backend, lanes.read(keys))


@click.command(short_help="List the lanes.")
@click.option("--tag", metavar="NAME=VALUE", help="Only lanes that bear this tag.")
@on_queue
def lanes(queue: Queue, out: Output, *, tag: str | None) -> None:
    """List the lanes there are, by their keys: what waits in them, what they weigh, what holds them back."""
    wanted = None if tag is None else next(iter(settings([tag], "--tag").items()))
    columns = {
        "lane": lambda lane: lane["key"],
        "weight": lambda lane: lane["weight"],
        "pending": lambda lane: lane["stats"]["pending"],
        "delayed": lambda lane: lane["stats"]["delayed"],
        "leased": lambda lane: lane["stats"]["leased"],
        "dead": lambda lane: lane["stats"]["dead"],
        "acked": lambda lane: lane["stats"]["acked"],
        "blocked": lambda lane: lane["blocked"],
        "tags": lambda lane: lane["tags"],
    }
    out.list(map(lane_facts, each_lane(queue, wanted)), columns)


@click.command(short_help="List the jobs.")
@click.option("--lane", metavar="LANE", help="Only the ready jobs of this lane, in their order.")
@on_queue
def jobs(queue: Queue, out: Output, *, lane: str | None) -> None:
    """List the jobs there are, dead ones left out, in no order; with --lane, those that are ready in it, in theirs.

    They are read as they are shown: one that moves meanwhile may be shown twice.
    """
    columns = {
        "job": lambda job: job["id"],
        "lane": lambda job: job["lane"],
        "state": lambda job: job["state"],
        "priority": lambda job: job["priority"],
        "attempts": lambda job: job["attempts"],
        "enqueued": lambda job: moment(job["enqueued_at"]),
        "until": lambda job: moment(job["at"]),
        "owner": lambda job: job["owner"],
    }
    out.list(map(_stored_facts, queue.jobs(lane=lane)), columns)


def _stored_facts(stored: StoredJob) -> dict[str, Any]:
    return {**job_facts(stored.job), "state": stored.state, "at": stored.at, "owner": stored.owner}


@click.command(short_help="Show the queue in numbers.")
@on_queue
def stats(queue: Queue, out: Output) -> None:
    """Show the queue in numbers: what waits now, and what has happened since it was first used."""
    choice, limits = queue.read_strategy(), queue.limits()
    assert choice is not None, "a queue that was opened has a strategy"
    facts = {
        "queue": queue.name,
        "strategy": choice.name,
        "paused": limits.paused,
        "limits": limits.as_dict(),
        **asdict(queue.stats()),
    }
    out.show(facts)


@click.command(short_help="Show how many jobs were processed, and how long they took.")
@click.option("--lane", metavar="LANE", help="Of this lane, in place of the queue.")
@on_queue
def metrics(queue: Queue, out: Output, *, lane: str | None) -> None:
    """Show how many jobs were processed, how many failed, and how long they waited and ran, in seconds.

    The numbers are of all processes, since the queue or the lane was first used. What has run in the last ten seconds
    may be missing from the times.
    """
    facts = {"queue": queue.name, "lane": lane, **asdict(queue.metrics(lane))}
    rows: dict[str, object] = {}
    for name, value in facts.items():
        if isinstance(value, dict):
            rows |= {f"{name} {part}": number for part, number in value.items()}
        else:
            rows[name] = value
    out.show(facts, rows)


@click.command(short_help="Tell why a job or a lane waits.")
@click.argument("job", metavar="[JOB]", required=False)
@click.option("--lane", metavar="LANE", help="Explain this lane, in place of a job.")
@on_queue
def explain(queue: Queue, out: Output, *, job: str | None, lane: str | None) -> None:
    """Tell where a job stands, by its id: what is before it, what holds it back, who has it, or why it is dead."""
    if (job is None) == (lane is None):
        raise click.UsageError("name a job by its id, or a lane with --lane")
    explanation = queue.explain(job, lane=lane)
    out.say(explanation.as_dict(), str(explanation))
    if explanation.state == "unknown":
        raise NotFound(f"there is no job {job!r} in queue {queue.name!r}")
