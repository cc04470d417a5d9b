"""Jobs that are enqueued again and again."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from ranch.exceptions import InvalidJob, QueueFull
from ranch.queue import Queue
from ranch.schedule import PATIENCE, RUNS_PER_CALL, Missed
from ranch.steps import drive
from ranch.testing.backend.case import BackendCase, claimed
from ranch.testing.backend.processes import process
from ranch.testing.clock import FakeClock
from ranch.testing.waiting import wait_until


class Schedules(BackendCase):
    """Each run once, whoever comes."""

    @pytest.fixture
    def beat(self, queue: Queue) -> Queue:
        """A queue with a schedule that is due every ten seconds, the first time in ten."""
        queue.schedule(every=10, payload="beat", name="beat", lane="acme")
        return queue

    def test_a_run_is_enqueued_when_it_is_due(self, beat: Queue, clock: FakeClock) -> None:
        """By the claim that finds it due, once for each time, in its lane and as its options say."""
        first = clock() + 10
        assert claimed(beat) == []
        clock.advance(10)

        lease = beat.claim()

        assert lease is not None
        assert (lease.job.payload, lease.job.lane, lease.job.due_at) == ("beat", "acme", first)
        assert claimed(beat) == []
        clock.advance(10)
        assert claimed(beat) == ["beat"]
        schedule = beat.schedules.get("beat")
        assert schedule is not None
        assert (schedule.last_at, schedule.next_at) == (first + 10, first + 20)

    def test_a_cron_line_counts_in_its_time_zone(self, queue: Queue, clock: FakeClock) -> None:
        """09:00 in Berlin is 09:00 there, in summer and in winter."""
        zone = ZoneInfo("Europe/Berlin")
        clock.advance(datetime(2026, 3, 27, 12, tzinfo=zone).timestamp() - clock())
        queue.schedule("0 9 * * *", "report", name="report", lane="acme", timezone="Europe/Berlin", priority=6)
        times = []
        for _ in range(4):
            (at,) = queue.schedules.next("report")
            clock.advance(at - clock())
            lease = queue.claim()
            assert lease is not None
            assert lease.job.priority == 6
            times.append(datetime.fromtimestamp(lease.job.due_at, zone))
            lease.ack()

        assert [(at.day, at.hour) for at in times] == [(28, 9), (29, 9), (30, 9), (31, 9)]

    def test_a_claim_tells_when_the_next_is_due(self, beat: Queue, clock: FakeClock) -> None:
        """So nobody polls: whoever waits, waits until then."""
        take = beat._operations.take
        assert drive(beat.backend, take(1)).idle_for == 10.0
        clock.advance(10)
        assert len(drive(beat.backend, take(1)).leases) == 1
        beat.reclaim()
        assert drive(beat.backend, take(1)).idle_for == 10.0

    @pytest.mark.parametrize(
        ("missed", "runs"), [("skip", []), ("one", [50.0]), ("all", [10.0, 20.0, 30.0, 40.0, 50.0])]
    )
    def test_missed_runs(self, queue: Queue, clock: FakeClock, missed: Missed, runs: list[float]) -> None:
        """Of runs that nobody was there for the last is made up for, each, or none, as `missed` says."""
        start = clock()
        queue.schedule(every=10, payload=1, name="beat", lane="acme", missed=missed, grace=5)
        clock.advance(55.5)

        assert [lease.job.due_at - start for lease in queue.claim_many(10)] == runs
        assert list(queue.schedules.next("beat", 2)) == [start + 60, start + 70]

    def test_a_run_within_its_grace_is_not_missed(self, queue: Queue, clock: FakeClock) -> None:
        """Nobody claims at the very moment."""
        queue.schedule(every=10, payload=1, name="beat", lane="acme", missed="skip", grace=5)
        clock.advance(14)

        assert claimed(queue) == [1]

    def test_many_missed_runs_come_in_parts(self, queue: Queue, clock: FakeClock) -> None:
        """No call holds the store up, and none is left out."""
        queue.schedule(every=1, payload=1, name="beat", lane="acme", missed="all")
        runs = 2 * RUNS_PER_CALL + 50
        clock.advance(runs)

        wait_until(lambda: not queue.claim_many(1000) and queue.stats().enqueued >= runs)

        assert queue.stats().enqueued == runs

    def test_a_paused_one_is_not_due(self, beat: Queue, clock: FakeClock) -> None:
        """Until it is resumed; what it was due for is not made up for, and its beat stays."""
        start = clock()
        assert beat.schedules.pause("beat")
        assert list(beat.schedules.next("beat")) == []
        clock.advance(25)
        assert claimed(beat) == []
        assert beat.schedules.resume("beat")

        assert claimed(beat) == []
        assert list(beat.schedules.next("beat", 2)) == [start + 30, start + 40]
        clock.advance(5)
        assert claimed(beat) == ["beat"]

    def test_one_that_is_removed_is_gone(self, beat: Queue, clock: FakeClock) -> None:
        """And leaves nothing behind that is due."""
        assert beat.schedules.remove("beat")
        clock.advance(10)

        assert claimed(beat) == []
        assert list(beat.schedules.list()) == []
        assert not beat.schedules.remove("beat")
        assert not beat.schedules.pause("beat")
        assert not beat.schedules.resume("beat")
        assert beat.schedules.get("beat") is None
        with pytest.raises(InvalidJob, match="no schedule 'beat'"):
            beat.schedules.next("beat")

    def test_declared_again_nothing_changes(self, beat: Queue, clock: FakeClock) -> None:
        """So each process may say at its start what there is to be."""
        before = beat.schedules.get("beat")
        clock.advance(7)

        assert beat.schedule(every=10, payload="beat", name="beat", lane="acme") == before
        assert beat.schedules.get("beat") == before

    def test_declared_otherwise_it_changes(self, beat: Queue, clock: FakeClock) -> None:
        """A new payload keeps the times, and whether it is paused; other times count from now."""
        start = clock()
        clock.advance(7)
        beat.schedules.pause("beat")
        beat.schedule(every=10, payload="new", name="beat", lane="acme")
        kept = beat.schedules.get("beat")
        beat.schedules.resume("beat")
        clock.advance(3)
        assert claimed(beat) == ["new"]
        beat.schedule(every=4, payload="new", name="beat", lane="acme")

        assert kept is not None
        assert (kept.next_at, kept.paused) == (start + 10, True)
        assert list(beat.schedules.next("beat", 2)) == [start + 14, start + 18]

    def test_they_are_listed_by_name(self, beat: Queue) -> None:
        """As they were declared."""
        beat.schedule("0 0 1 * *", {"n": 1}, name="ü a", lane="globex", timezone="Asia/Tokyo", cost=2.5, bid=1.5)
        beat.schedule("0 0 1 * *", None, name="another", lane="globex", expires=60, lease=5, dedup_key="k", dedup_for=9)

        another, listed, last = beat.schedules.list()

        assert [listed.name, listed.timetable.every] == ["beat", 10.0]
        assert (last.name, last.timetable.timezone, last.job.cost, last.job.bid) == ("ü a", "Asia/Tokyo", 2.5, 1.5)
        assert (another.job.dedup_key, another.job.dedup_for, another.job.lease) == ("k", 9.0, 5.0)

    def test_of_two_who_saw_the_same_one_fires(self, beat: Queue, clock: FakeClock) -> None:
        """However many find a run due, it is enqueued once."""
        lanes, backend = beat._operations.lanes, beat.backend
        seen = beat.schedules.get("beat")
        assert seen is not None
        clock.advance(10)
        after, runs = seen.fired(clock())

        first = drive(backend, lanes.replan(seen, after, runs))
        second = drive(backend, lanes.replan(seen, after, runs))

        assert first is not None
        assert [job.due_at for job in first.jobs] == list(runs)
        assert second is None
        assert claimed(beat) == ["beat"]

    def test_whoever_was_told_may_die(self, beat: Queue, clock: FakeClock) -> None:
        """One is told that a schedule is due, and if they do nothing, another one, until it was fired."""
        lanes, backend = beat._operations.lanes, beat.backend
        clock.advance(10)
        assert list(drive(backend, lanes.claim(1, 5.0, "dies")).due) == ["beat"]
        claim = drive(backend, lanes.claim(1, 5.0, "other"))
        assert (list(claim.due), claim.idle_for) == ([], PATIENCE)
        clock.advance(PATIENCE)
        assert list(drive(backend, lanes.reclaim(10)).due) == ["beat"]
        clock.advance(PATIENCE)

        assert claimed(beat) == ["beat"]
        assert claimed(beat) == []

    def test_a_full_lane_puts_the_run_off(
        self, beat: Queue, clock: FakeClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It stays due until there is room, and the log says so."""
        beat.lane("acme").limit(max_pending=1)
        beat.enqueue("acme", "before")
        beat.pause()
        clock.advance(10)
        assert claimed(beat) == []
        assert "schedule 'beat' of queue 'mail' is due and cannot be fired" in caplog.text
        beat.resume()
        assert claimed(beat) == ["before"]
        clock.advance(PATIENCE)

        assert claimed(beat) == ["beat"]

    def test_a_full_lane_changes_nothing(self, beat: Queue, clock: FakeClock) -> None:
        """All or none."""
        beat.lane("acme").limit(max_pending=1)
        beat.enqueue("acme", "before")
        seen = beat.schedules.get("beat")
        assert seen is not None
        clock.advance(10)
        after, runs = seen.fired(clock())

        with pytest.raises(QueueFull):
            drive(beat.backend, beat._operations.lanes.replan(seen, after, runs))

        assert beat.schedules.get("beat") == seen

    def test_a_run_is_left_out_while_the_last_one_is_there(self, queue: Queue, clock: FakeClock) -> None:
        """With `dedup`: runs that take longer than it is from one to the next do not pile up."""
        queue.schedule(every=10, payload="slow", name="slow", lane="acme", dedup=True)
        clock.advance(10)
        lease = queue.claim(lease=100)
        assert lease is not None
        clock.advance(10)
        assert claimed(queue) == []
        lease.ack()
        clock.advance(10)

        assert claimed(queue) == ["slow"]

    def test_a_new_schedule_wakes_who_waits(self, queue: Queue, clock: FakeClock) -> None:
        """They wait for its time from then on."""
        started = time.monotonic()
        timer = threading.Timer(0.05, partial(queue.schedule, every=1, payload="hello", name="s", lane="acme"))
        timer.start()
        wait_until(queue.schedules.list)
        clock.advance(1)

        lease = queue.claim(wait=30)

        assert lease is not None
        assert time.monotonic() - started < 15
        timer.join()

    def test_processes_fire_each_run_once_whichever_dies(self, shared_url: str) -> None:
        """Three processes are killed and replaced by turns; each run is there once, and none is missing."""
        queue = Queue("fleet", backend=shared_url)
        names = [f"s{n}" for n in range(5)]
        for name in names:
            queue.schedule(every=1, payload=name, name=name, lane=name, missed="all")
        starts = {schedule.name: schedule.timetable.start for schedule in queue.schedules.list()}
        with ExitStack() as stack:
            fleet = [stack.enter_context(process("fire", shared_url, output=self.tmp_path / f"f{n}")) for n in range(3)]
            for kill in range(6):
                enqueued = queue.stats().enqueued
                wait_until(lambda: queue.stats().enqueued > enqueued, timeout=100)  # noqa: B023
                fleet[kill % 3].kill()
                fleet[kill % 3].wait()
                fleet[kill % 3] = stack.enter_context(
                    process("fire", shared_url, output=self.tmp_path / f"again{kill}")
                )
            killed = time.time()
            wait_until(lambda: all((found.last_at or 0) > killed for found in queue.schedules.list()), timeout=100)
        runs: dict[str, list[float]] = {name: [] for name in names}
        for stored in queue.jobs():
            runs[stored.job.payload].append(stored.job.due_at)

        for name in names:
            assert runs[name]
            assert sorted(runs[name]) == [round(starts[name] + n + 1, 3) for n in range(len(runs[name]))]
        queue.close()

    def test_a_check_leaves_them_in_peace(self, beat: Queue, clock: FakeClock) -> None:
        """Their timers have a reason, and what is put off or paused agrees too."""
        assert beat.check(repair=True) == []
        clock.advance(10)
        drive(beat.backend, beat._operations.lanes.claim(1, 5.0, "dies"))
        assert beat.check(repair=True) == []
        beat.schedules.pause("beat")
        assert beat.check(repair=True) == []
        beat.schedules.resume("beat")
        clock.advance(10)

        assert claimed(beat) == ["beat"]
