"""What an SQLite file holds, and for how long."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ranch.backends.sqlite import SQLiteBackend
from ranch.letters import Death
from ranch.model import LaneUpdate, NewJob
from ranch.policy import Policy
from ranch.queue import Queue
from ranch.testing import FakeClock
from ranch.testing.backend.case import DrivenLanes

JOBS, LANES = 20_000, 2_000
LANE_TTL, DEAD_TTL = 100.0, 500.0

#: What is in a table, and nothing speaks for it.
UNREASONED = {
    "timers of jobs that do not wait for them": """
        SELECT timer FROM timers t WHERE substr(timer, 1, 1) IN ('d', 'e', 'l') AND NOT EXISTS (
            SELECT 1 FROM jobs WHERE queue = t.queue AND id = substr(timer, 2, 11) AND (
                timer = 'd' || id AND state = 'delayed' AND t.at = jobs.at
                OR timer = 'l' || id || token AND state = 'leased' AND t.at = jobs.at
                OR timer = 'e' || id AND state <> 'dead' AND t.at = expires_at))""",
    "timers of lanes that do not wait for them": """
        SELECT timer FROM timers t WHERE substr(timer, 1, 1) IN ('r', 'i') AND NOT EXISTS (
            SELECT 1 FROM lanes WHERE queue = t.queue AND key = substr(timer, 2)
            AND t.at = CASE timer WHEN 'r' || key THEN look_at ELSE -idle_at END)""",
    "timers of letters that are not there": """
        SELECT timer FROM timers t WHERE substr(timer, 1, 1) = 'x' AND NOT EXISTS (
            SELECT 1 FROM letters WHERE queue = t.queue AND timer = 'x' || id AND t.at = -until)""",
    "timers of no kind": "SELECT timer FROM timers WHERE substr(timer, 1, 1) NOT IN ('d', 'e', 'l', 'r', 'i', 'x')",
    "keys held by nobody": """
        SELECT key FROM holders h WHERE NOT EXISTS (
            SELECT 1 FROM jobs WHERE queue = h.queue AND id = job AND dedup_key = key AND state <> 'dead')""",
    "letters of no job": """
        SELECT id FROM letters l WHERE NOT EXISTS (
            SELECT 1 FROM jobs WHERE queue = l.queue AND id = l.id AND state = 'dead')""",
    "dead jobs without a letter": """
        SELECT id FROM jobs j WHERE state = 'dead' AND NOT EXISTS (
            SELECT 1 FROM letters WHERE queue = j.queue AND id = j.id)""",
    "jobs of no lane": """
        SELECT id FROM jobs j WHERE NOT EXISTS (SELECT 1 FROM lanes WHERE queue = j.queue AND key = j.lane)""",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / "ranch.db"


@pytest.fixture
def clock() -> FakeClock:
    """The time of the queue."""
    return FakeClock()


@pytest.fixture
def backend(path: Path, clock: FakeClock) -> Iterator[SQLiteBackend]:
    """An empty file."""
    backend = SQLiteBackend(f"sqlite:///{path}", clock=clock)
    yield backend
    backend.close()


def ask(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Ask the file past ranch."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def pages(path: Path) -> int:
    """Return how many pages of a file are in use."""
    return ask(path, "PRAGMA page_count")[0][0] - ask(path, "PRAGMA freelist_count")[0][0]


def assert_reasoned(path: Path) -> None:
    """Assert that no row is there without a reason."""
    for what, query in UNREASONED.items():
        assert ask(path, query) == [], what


def live(lanes: DrivenLanes, clock: FakeClock, path: Path) -> None:
    """Let jobs come and go in every way."""
    chance = random.Random(7)
    keys = [f"lane{n}" for n in range(LANES)]
    for start in range(0, JOBS, 1000):
        new = [
            NewJob(
                lane=keys[n % LANES],
                body=b"x" * 200,
                content_type="text/plain",
                delay=chance.choice([0.0, 0.0, 5.0, 60.0]),
                expires=chance.choice([None, None, 1.0, 30.0]),
                dedup_key=chance.choice([None, f"key{chance.randrange(JOBS)}"]),
                dedup_for=chance.choice([None, 10.0]),
            )
            for n in range(start, start + 1000)
        ]
        jobs = lanes.enqueue(new).jobs
        lanes.update([LaneUpdate(key=key, limits={"rate": "10/s", "max_in_flight": 2}) for key in keys[::7]])
        leases = lanes.take(300, lease=chance.choice([1.0, 20.0]))
        lanes.ack(leases[:100])
        lanes.release(leases[100:150], 0.0)
        lanes.release(leases[150:180], 7.0, failed=True)
        lanes.bury(leases[180:220], Death(error="x" * 100))
        lanes.renew(leases[220:240], 40.0)
        lanes.cancel([job.id for job in chance.sample(jobs, 50)])
        letters = [letter.job.id for letter in lanes.letters("", 20).letters]
        lanes.revive(letters[:5])
        lanes.forget(letters[5:10])
        clock.advance(0.9)
        if start % 5000 == 0:
            assert_reasoned(path)


def test_an_empty_queue_leaves_next_to_nothing(backend: SQLiteBackend, clock: FakeClock, path: Path) -> None:
    """After 20,000 jobs in 2,000 lanes only the queue's row is left, on two pages at most of each table and index."""
    lanes = DrivenLanes(backend, policy=Policy(lane_ttl=LANE_TTL, dead_ttl=DEAD_TTL, max_reclaims=1))
    live(lanes, clock, path)
    lanes.check()
    assert pages(path) > 1000

    names = lanes.keys()
    lanes.update([LaneUpdate(key=key, limits={"rate": None, "max_in_flight": None}) for key in names])
    while (stats := lanes.stats()).pending or stats.delayed or stats.leased:
        clock.advance(2.0)
        lanes.reclaim(1000)
        lanes.ack(lanes.take(1000))
    assert_reasoned(path)
    until = clock() + DEAD_TTL + 3 * LANE_TTL
    while clock() < until:
        clock.advance(LANE_TTL / 2)
        for _ in range(4):
            lanes.reclaim(1000)

    lanes.check()
    tables = [name for (name,) in ask(path, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows = {name: ask(path, f"SELECT count(*) FROM {name}")[0][0] for name in tables}
    assert {name: count for name, count in rows.items() if count} == {"queues": 1}
    (kept,), (page,) = *ask(path, "SELECT 2 * count(*) FROM sqlite_master"), *ask(path, "PRAGMA page_size")
    assert pages(path) <= kept
    assert stats.enqueued > 0.9 * JOBS
    backend.close()
    assert path.stat().st_size <= kept * page


@pytest.mark.parametrize("how", ["done", "expired", "cancelled", "dead"])
def test_outdated_results_do_not_pile_up(tmp_path: Path, how: str) -> None:
    """Each job that ends removes more of them than it adds, and a claim that finds nothing removes the rest."""
    clock = FakeClock()
    backend = SQLiteBackend(f"sqlite:///{tmp_path}/ranch.db", clock=clock)
    with Queue("q", backend=backend) as queue, sqlite3.connect(backend.path) as look:

        def run(jobs: int) -> int:
            new = queue.enqueue_many([("a", None)] * jobs, result_ttl=10, expires=1 if how == "expired" else None)
            if how == "cancelled":
                queue.cancel_many(job.id for job in new)
            elif how == "expired":
                clock.advance(1.0)
                for _ in range(jobs // 32 + 1):
                    # There is always something else to do.
                    queue.enqueue("busy", None)
                    queue.claim(lease=1e6)
            for lease in queue.claim_many(jobs):
                lease.ack("done") if how == "done" else lease.bury("broken")
            (kept,) = look.execute("SELECT count(*) FROM outcomes").fetchone()
            return int(kept)

        assert run(300) == 300
        clock.advance(10.0)
        assert run(100) <= 200
        clock.advance(10.0)
        for _ in range(2):
            assert queue.claim() is None
        assert look.execute("SELECT count(*) FROM outcomes").fetchone() == (0,)


def test_a_schedule_that_cannot_be_read_costs_no_lease(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As one that a newer ranch has stored: the job that was claimed with the call that found it due is there."""
    clock = FakeClock()
    with Queue("mail", backend=SQLiteBackend(f"sqlite:///{tmp_path}/ranch.db", clock=clock)) as queue:
        queue.schedule(every=10, payload="beat", name="beat", lane="acme")
        with closing(sqlite3.connect(tmp_path / "ranch.db")) as file, file:
            file.execute("""UPDATE schedules SET text = json_set(text, '$.newer', 1)""")
        queue.enqueue("acme", 1)
        clock.advance(20)
        assert [lease.job.payload for lease in queue.claim_many(2)] == [1]
    assert "schedule 'beat' of queue 'mail' is due and cannot be fired" in caplog.text
