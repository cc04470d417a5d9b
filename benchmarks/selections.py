"""What a claim costs that is restricted to some lanes, by how many it is assigned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import Progress

from benchmarks.claims import CLAIMS, PAYLOAD, Server
from benchmarks.tables import Report, rate
from ranch import Queue, Selection
from ranch.testing.server import RedisServer

#: Lanes that wait, and how many of them are assigned.
WAITING = 20_000
ASSIGNED = (10, 1_000, 10_000)
#: Fewer calls where each may look at thousands of lanes.
CALLS = CLAIMS // 5


@contextmanager
def filled(url: str) -> Iterator[Queue]:
    """Give a queue in which many lanes wait, each with jobs enough."""
    with Queue("bench-selections", backend=url, lease=3600.0) as queue:
        for _ in range(2):
            queue.enqueue_many((f"lane{number}", PAYLOAD) for number in range(WAITING))
        yield queue


def by_assigned(progress: Progress) -> Report:
    """Measure claims from selected lanes, on a Redis server."""
    report = Report(
        "Claims from assigned lanes on Redis",
        ("what", "jobs/s", "server us/job", "x all lanes"),
        f"{WAITING:,} lanes wait; assigned are every n-th of them. idle: assigned are as many lanes that have no job, "
        "so each claim finds nothing, or steals. x all lanes: server time against a claim that takes from all of them.",
    )
    with RedisServer() as running, filled(running.url) as queue:
        server = Server(running.url)
        everywhere = server.timed("evalsha", queue.claim, CALLS)
        rows = [("all lanes", everywhere)]
        for count in ASSIGNED:
            every = Selection.of([f"lane{number}" for number in range(0, WAITING, WAITING // count)])
            idle = Selection.of([f"idle{number}" for number in range(count)])
            for name, lanes, steal in (
                (f"{count:,} assigned", every, None),
                (f"{count:,} assigned, idle", idle, None),
                (f"{count:,} assigned, idle; steals", idle, ["*"]),
            ):
                queue.claim(lanes=lanes, steal=steal)  # sends the names
                work = lambda lanes=lanes, steal=steal: queue.claim(lanes=lanes, steal=steal)  # noqa: E731
                rows.append((name, server.timed("evalsha", work, CALLS)))
            progress.advance(progress.task_ids[0])
        for pattern in ("lane1*", "*7", "idle*"):
            work = lambda pattern=pattern: queue.claim(lanes=[pattern])  # noqa: E731
            rows.append((f"pattern {pattern}", server.timed("evalsha", work, CALLS)))
        progress.advance(progress.task_ids[0])
        for name, cost in rows:
            assert cost.server_us is not None
            assert everywhere.server_us is not None
            ratio = f"{cost.server_us / everywhere.server_us:.1f}"
            report.rows.append((name, rate(cost.per_second), f"{cost.server_us:.0f}", ratio))
    return report
