"""`ranch export` and `ranch import`."""

from __future__ import annotations

import json
import random
import re
import time
from pathlib import Path

import pytest
from attrs import evolve

from ranch import Priority, Queue, Retry
from ranch.backends.sqlite import SQLiteBackend
from ranch.cli.backlog.check import Checked
from ranch.cli.backlog.load import Load
from ranch.testing import FakeClock

BID = {"name": "bid", "ageing": 0.5}


@pytest.fixture
def old(tmp_path: Path) -> Queue:
    """A queue with some of everything, in a store of its own."""
    chance = random.Random(7)
    queue = Queue("old", backend=f"sqlite:///{tmp_path}/old.db", strategy=BID)
    queue.enqueue_many([("dead", n) for n in range(3)])
    for lease in queue.claim_many(3):
        lease.fail(ValueError(f"no such user: ü {lease.job.payload}"), retry=Retry.never())
    for n in range(300):
        options = {"priority": chance.choice(list(Priority)), "cost": chance.choice([1.0, 2.5])}
        queue.enqueue(chance.choice("abcde"), {"n": n}, delay=chance.choice([0, 0, -0.001, -5, 900]), **options)
    queue.enqueue("a", "key", dedup_key="mine", bid=-2.5, lease=7.0, expires=500)
    queue.lane("a").update(weight=0.25, tags={"plan": "gold"}, data={"bid": 9, "contact": {"mail": "ü"}})
    queue.lane("b").limit(rate="10/m", max_pending=1, overflow="drop-oldest", expires=0.001)
    queue.lane("unused").pause()
    options = {"priority": 5, "cost": 2.5, "bid": -1.5, "expires": 60, "lease": 7.0}
    queue.schedule("0 9 * * 1-5", {"send": "ü"}, name="weekly", lane="a", timezone="Europe/Berlin", **options)
    queue.schedule(every=0.5 + 86400, name="daily", lane="e", missed="skip", grace=9.0, dedup_key="day", dedup_for=60)
    queue.schedules.pause("daily")
    queue.limit(max_pending=2, expires=3.0, paused=True)
    yield queue
    queue.close()


@pytest.fixture
def file(old: Queue, ranch, tmp_path: Path) -> Path:
    """Its backlog."""
    file = tmp_path / "backlog.jsonl"
    result = ranch("export", str(file), on="old", at=f"sqlite:///{tmp_path}/old.db")
    assert result.exit_code == 0, result.stderr
    return file


def described(queue: Queue) -> list[dict]:
    """All ready jobs in the order of their lanes, and the delayed ones, without what a new store gives."""
    jobs = [stored for lane in queue.lanes() for stored in queue.jobs(lane=lane.key)]
    delayed = sorted((stored for stored in queue.jobs() if stored.state == "delayed"), key=lambda stored: stored.job.id)
    return [
        {
            "lane": stored.job.lane,
            "state": stored.state,
            "payload": stored.job.payload,
            "priority": stored.job.priority,
            "cost": stored.job.cost,
            "bid": stored.job.bid,
            "lease": stored.job.lease,
        }
        for stored in [*jobs, *sorted(delayed, key=lambda stored: stored.job.payload["n"])]
    ]


def by_payload(queue: Queue) -> dict[str, object]:
    """All jobs, found by what was put into them."""
    return {json.dumps(stored.job.payload): stored.job for stored in queue.jobs()}


def test_nothing_is_lost_on_the_way(old, file, ranch, shared_url) -> None:
    """Order, seniority, cost, bid, expiry, keys, lanes, limits, strategy, schedules, dead letters are as they were."""
    result = ranch("import", str(file), on="new")

    assert result.stdout == (
        "301 jobs, 3 dead letters, 2 schedules and 7 lanes put into queue 'new'. It is paused, as it was: "
        "`ranch resume`\n"
    )
    with Queue("new", backend=shared_url, strategy=BID) as new:
        assert described(new) == described(old)
        before, after = by_payload(old), by_payload(new)
        for payload, job in before.items():
            assert after[payload].due_at == pytest.approx(job.due_at, abs=60.0)
            assert (after[payload].expires_at is None) == (job.expires_at is None)
        assert after['"key"'].expires_at == pytest.approx(before['"key"'].expires_at, abs=60.0)
        assert after['"key"'].dedup_key == "mine"
        letters = [
            [evolve(letter, job=evolve(letter.job, id="")) for letter in queue.dead.list()] for queue in (old, new)
        ]
        assert letters[0] == letters[1]
        for was, now in zip(old.lanes(), new.lanes(), strict=True):
            same = ("key", "weight", "effective_weight", "tags", "data", "limits", "mean_time")
            assert [getattr(now, name) for name in same] == [getattr(was, name) for name in same]
            assert (now.stats.pending, now.stats.delayed, now.stats.dead) == (
                was.stats.pending,
                was.stats.delayed,
                was.stats.dead,
            )
        assert new.schedules.list() == old.schedules.list()
        assert [schedule.timetable.start for schedule in new.schedules.list()] == [
            schedule.timetable.start for schedule in old.schedules.list()
        ]
        assert new.limits() == old.limits()
        new.limit(max_pending=None, paused=False)
        assert new.enqueue("c", "again", dedup_key="mine").duplicate
        assert new.claim() is not None
        assert new.read_strategy().options == {"ageing": 0.5}


def test_many_jobs_of_one_moment_stay_in_order(ranch, shared_url, tmp_path) -> None:
    """However many round trips they take: each lane's jobs come in the order in which they were put in."""
    old = f"sqlite:///{tmp_path}/old.db"
    with Queue("old", backend=old) as queue:
        for start in range(0, 5000, 1000):
            queue.enqueue_many([(f"lane {n % 3}", n) for n in range(start, start + 1000)])
    file = str(tmp_path / "backlog.jsonl")
    assert "is not paused" in ranch("export", file, on="old", at=old).stderr
    assert ranch("import", file, on="new").exit_code == 0

    with Queue("new", backend=shared_url) as queue:
        assert not queue.limits().paused
        for lane in range(3):
            assert [s.job.payload for s in queue.jobs(lane=f"lane {lane}")] == [*range(lane, 5000, 3)]


def test_leased_jobs_are_counted_and_wait(old, ranch, shared_url, tmp_path) -> None:
    """In a warning, for whoever has them may end them all the same."""
    old.resume()
    leased = {lease.job.payload["n"] for lease in old.claim_many(4)}
    result = ranch("export", on="old", at=f"sqlite:///{tmp_path}/old.db")

    assert result.exit_code == 0
    assert "Warning: 4 jobs leased: written as waiting" in result.stderr
    assert ranch("import", stdin=result.stdout, on="new").exit_code == 0
    with Queue("new", backend=shared_url, strategy=BID) as new:
        assert len(list(new.jobs())) == 301
        assert leased <= {s.job.payload["n"] for s in new.jobs() if s.state == "ready" and s.job.payload != "key"}


class Stop(Exception):
    pass


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 4])
def test_an_import_can_be_broken_off_and_started_again(old, file, ranch, shared_url, steps, monkeypatch) -> None:
    """Wherever that was: the queue is paused till all is in it, and nothing comes twice."""
    monkeypatch.setattr("ranch.cli.backlog.load._JOBS", 50)
    left = [steps]

    def step(number: int) -> None:
        if not left[0]:
            raise Stop
        left[0] -= 1

    with file.open("rb") as lines:
        load = Load(Checked(lines), "new", shared_url, step)
        with pytest.raises(Stop):
            load.run()
    assert load.begun
    with Queue("new", backend=shared_url, strategy=BID) as new:
        assert new.claim_many(99) == []  # under their own limits, lanes could be served
        new.enqueue("z", {"n": -1})  # producers may go on
    said = json.loads(ranch("import", str(file), "--json", on="new").stdout)

    assert said["job"] + said["dead"] + said["schedule"] + said["there"] == 306
    again = json.loads(ranch("import", str(file), "--json", on="new").stdout)
    assert (again["job"], again["dead"], again["schedule"], again["there"]) == (0, 0, 0, 306)
    with Queue("new", backend=shared_url, strategy=BID) as new:
        assert [job for job in described(new) if job["lane"] != "z"] == described(old)
        assert new.stats().dead == 3


def test_a_schedule_goes_on_in_the_new_store(ranch, shared_url, tmp_path) -> None:
    """A run that was due on the way is made up for there, once; one that is there under its name stays as it is."""
    old = f"sqlite:///{tmp_path}/old.db"
    clock = FakeClock(time.time() - 3600.0)
    with Queue("old", backend=SQLiteBackend(old, clock=clock)) as queue:
        queue.schedule(every=600, payload="late", name="late", lane="a")
        queue.schedule(every=600, payload="of the old store", name="declared", lane="a")
    with Queue("new", backend=shared_url) as new:
        new.schedule(every=7200, payload="of the new store", name="declared", lane="a")
        file = ranch("export", on="old", at=old).stdout

        said = json.loads(ranch("import", "--json", stdin=file, on="new").stdout)

        assert (said["schedule"], said["there"]) == (1, 1)
        assert [lease.job.payload for lease in new.claim_many(9)] == ["late"]
        assert new.claim_many(9) == []
        assert new.schedules.get("declared").job.body == b'"of the new store"'


def test_expired_jobs_are_left_out_and_counted(old, ranch, tmp_path, told) -> None:
    """They are not to run any more."""
    file = tmp_path / "backlog.jsonl"
    ranch("export", str(file), on="old", at=f"sqlite:///{tmp_path}/old.db")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    lines = [{**line, "expires_at": 1.0} if "expires_at" in line and line["kind"] == "job" else line for line in lines]

    said = told("import", stdin="\n".join(map(json.dumps, lines)), on="new")

    assert (said["job"], said["expired"]) == (300, 1)


def test_an_export_of_what_was_imported_is_the_same(file, ranch) -> None:
    """The marks by which an import knows what it has stored do not travel on."""
    ranch("import", str(file), on="new")
    first = [json.loads(line) for line in file.read_text().splitlines()][1:]
    second = [json.loads(line) for line in ranch("export", on="new").stdout.splitlines()][1:]

    for lines in (first, second):
        for line in lines:
            for name in ("id", "due_at", "expires_at"):
                line.pop(name, None)
    jobs = [sorted(map(json.dumps, lines)) for lines in (first, second)]
    assert jobs[0] == jobs[1]


def test_another_strategy_is_refused(file, ranch, shared_url) -> None:
    """Before anything is stored."""
    with Queue("new", backend=shared_url) as new:
        new.enqueue("a", 1)
        result = ranch("import", str(file), on="new")

        assert result.exit_code == 1
        assert "is served by 'weighted-lru' there, and by 'bid' (ageing=0.5) in the file" in result.stderr
        assert (new.stats().pending, new.limits().paused) == (1, False)


@pytest.mark.parametrize(
    ("at", "change", "said"),
    [
        (5, lambda line: line[:-9], "line 6 cannot be read"),
        (5, lambda _: "[]", "line 6 is no object whose kind is one of"),
        (5, lambda _: '{"kind": "jobb"}', "line 6 is no object whose kind"),
        (-2, lambda line: line.replace('"priority": ', '"priority": 1'), "priority is one of 1 (very low)"),
        (-2, lambda line: line.replace('"cost": ', '"cost": -'), "cost must be a finite number > 0"),
        (-2, lambda line: re.sub('"due_at": [0-9.]+', '"due_at": 1e999', line), "a time must be a finite number"),
        (-2, lambda line: line.replace('"body"', '"bodi"'), "unknown key 'bodi', did you mean 'body'?"),
        (-2, lambda line: line.replace('"body"', '"base64"'), "Only base64 data is allowed"),
        (-2, lambda line: line.replace('"lane": "', '"lane": "\\ud800'), "line 314 cannot be read"),
        (-2, lambda line: line.replace('"state": "', '"state": "un'), "@ job.state"),
        (-3, lambda _: None, "of 'job' there were 301 lines, and there are 300"),
        (-1, lambda _: None, "the end is missing"),
        (0, lambda _: None, "line 1: a file begins with the queue"),
        (0, lambda line: line.replace('"version": 2', '"version": 1'), "of version 1, and version 2 can be read"),
        (0, lambda line: line.replace('"bid"', '"bidd"'), "line 1: unknown strategy 'bidd', did you mean 'bid'?"),
        (0, lambda line: line.replace('"max_pending": 2', '"max_pending": -2'), "max_pending is a whole number"),
        (2, lambda line: line.replace('"jobs": 10', '"jobs": "ten"'), "a rate is a whole number"),
        (2, lambda line: line.replace('"jobs": 10', '"job": 10'), "a rate has jobs, per and burst"),
        (-2, lambda line: f"{line}\n{line}", "is there twice"),
        (10, lambda line: line.replace('"attempts": 1', '"attempts": -1'), "a count is a whole number"),
        (10, lambda line: line.replace('"why": "failure"', '"why": "odd"'), "line 11"),
        (9, lambda line: line.replace('"cron": "0 9', '"cron": "0 99'), "column 2, the hour, cannot be '99'"),
        (9, lambda line: line.replace("Europe/Berlin", "Europe/Bärlin"), "there is no time zone 'Europe/Bärlin'"),
        (9, lambda line: line.replace('"missed": "one"', '"missed": "two"'), "@ schedule.missed"),
        (9, lambda line: f"{line}\n{line}", "line 11: schedule 'weekly' is there twice"),
        (8, lambda line: re.sub('"next_at": [0-9.]+', '"next_at": 1e999', line), "a time must be a finite number"),
        (1, lambda _: '{"kind": "end", "lane": 0, "schedule": 0, "dead": 0, "job": 0}', "cannot follow on 'end'"),
    ],
)
def test_a_line_that_cannot_be_is_refused_by_its_number(file, ranch, shared_url, at, change, said) -> None:
    """Before anything is stored."""
    lines = file.read_text().splitlines()
    changed = change(lines[at])
    assert changed != lines[at]
    lines[at : at + 1 or None] = [] if changed is None else [changed]

    result = ranch("import", stdin="\n".join(lines), on="new")

    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    assert "line " in result.stderr
    assert result.stderr.endswith("Nothing was stored\n")
    assert result.stderr.count("\n") == 1
    with Queue("new", backend=shared_url, strategy=BID) as new:
        assert (new.read_strategy(), new.lanes(), new.stats().enqueued, new.limits().paused) == (None, [], 0, False)


def test_bytes_that_are_no_text_are_refused(ranch) -> None:
    """With the number of their line."""
    result = ranch("import", stdin=b"\xff\n", on="new")
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: line 1 is no UTF-8: invalid start byte. Nothing was stored\n",
    )


def test_an_empty_file_is_cut_off(ranch) -> None:
    """It is no backlog of nothing: that has a beginning and an end."""
    assert "the end is missing" in ranch("import", stdin="", on="new").stderr


def test_files_that_cannot_be_are_told(queue, ranch, tmp_path) -> None:
    """With the exit code 2 if there is none, 1 if it cannot be written."""
    assert ranch("import", "/no/such/file").exit_code == 2
    result = ranch("export", "/no/such/folder/file")
    assert result.exit_code in {1, 2}
    assert "/no/such/folder" in result.stderr


def test_payloads_that_are_no_text_travel(ranch, shared_url, tmp_path) -> None:
    """Bytes of msgpack and of anything else."""
    old = f"sqlite:///{tmp_path}/old.db"
    with Queue("old", backend=old, serializer="msgpack") as queue:
        queue.enqueue("acme", {"bytes": b"\x00\xff"})
    assert ranch("import", stdin=ranch("export", on="old", at=old).stdout, on="new").exit_code == 0
    with Queue("new", backend=shared_url, serializer="msgpack") as queue:
        assert queue.claim().job.payload == {"bytes": b"\x00\xff"}
