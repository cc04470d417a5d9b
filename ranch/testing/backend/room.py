"""How many jobs may wait, and what becomes of one too many."""

from __future__ import annotations

from typing import Any

import pytest

from ranch.exceptions import QueueFull
from ranch.model import NewJob
from ranch.testing.backend.case import BackendCase, DrivenLanes
from ranch.testing.backend.limits import limit
from ranch.testing.clock import FakeClock


def _job(lane: str, name: str = "", **options: Any) -> NewJob:
    return NewJob(lane=lane, body=name.encode(), content_type="text/plain", **options)


class Room(BackendCase):
    """``max_pending``, of lanes and of the queue."""

    def test_a_full_lane_refuses_the_whole_batch(self, lanes: DrivenLanes) -> None:
        """Nothing of it is stored, in no lane; the error names the lane and its limit."""
        limit(lanes, "a", max_pending=3)
        lanes.put("a", "1", "2")
        before = lanes.stats()

        with pytest.raises(QueueFull) as full:
            lanes.enqueue([_job("b"), _job("a"), _job("c"), _job("a")])

        assert (full.value.lane, full.value.limit) == ("a", 3)
        assert (lanes.stats(), lanes.keys()) == (before, ["a"])
        lanes.enqueue([_job("b"), _job("a")])
        with pytest.raises(QueueFull):
            lanes.put("a", "4")

    def test_a_full_queue_refuses_the_whole_batch(self, lanes: DrivenLanes) -> None:
        """Whichever lanes it is for; the error names no lane."""
        lanes.limit({"max_pending": 3})
        with pytest.raises(QueueFull) as full:
            lanes.enqueue([_job(lane) for lane in "abcd"])
        assert (full.value.lane, full.value.limit) == (None, 3)
        assert (lanes.stats().enqueued, lanes.read_strategy()) == (0, None)

        lanes.enqueue([_job(lane) for lane in "abc"])
        with pytest.raises(QueueFull):
            lanes.put("d", "4")

    def test_what_leaves_makes_room(self, lanes: DrivenLanes) -> None:
        """Claimed or cancelled; what is in flight does not wait, and finds room when it comes back."""
        limit(lanes, "a", max_pending=2)
        first, _ = lanes.put("a", "1", "2")
        (lease,) = lanes.take(1)
        lanes.put("a", "3")
        lanes.release([lease], 0.0)
        assert lanes.stats().pending == 3

        lanes.cancel([first])
        with pytest.raises(QueueFull):
            lanes.put("a", "4")
        assert lanes.names(1) == ["2"]
        lanes.put("a", "4")

    def test_delayed_jobs_need_no_room(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """Nor when they fall due: they were taken already."""
        limit(lanes, "a", max_pending=1)
        lanes.put("a", "now")
        lanes.put("a", "later", "latest", delay=5.0)
        clock.advance(5.0)
        lanes.reclaim(10)
        assert lanes.stats().pending == 3
        with pytest.raises(QueueFull):
            lanes.put("a", "past", delay=-1.0)

    def test_duplicates_need_no_room(self, lanes: DrivenLanes) -> None:
        """Those of stored jobs, and those within the batch."""
        limit(lanes, "a", max_pending=2)
        lanes.put("a", "1", dedup_key="k")

        receipt = lanes.enqueue([_job("a", dedup_key=key) for key in "kllk"])

        assert [job.duplicate for job in receipt.jobs] == [True, False, True, True]
        assert lanes.stats().pending == 2

    def test_the_oldest_makes_room_for_the_newest(self, lanes: DrivenLanes) -> None:
        """Where the lane says so: its next jobs are dropped, each is named in the answer, and the rest keep order."""
        limit(lanes, "a", max_pending=2, overflow="drop-oldest")
        first, second = lanes.put("a", "1", "2")

        receipt = lanes.enqueue([_job("a", "3"), _job("b", "other"), _job("a", "4"), _job("a", "5")])

        third = receipt.jobs[0].id
        assert [(ending.job.id, ending.how) for ending in receipt.ended] == [
            (first, "dropped"),
            (second, "dropped"),
            (third, "dropped"),
        ]
        assert (lanes.read(["a"])[0].stats.cancelled, lanes.find(third)) == (3, None)
        assert [name for name in lanes.names() if name != "other"] == ["4", "5"]

    def test_dropping_needs_no_room_in_the_queue(self, lanes: DrivenLanes) -> None:
        """A full queue takes a job for which another one leaves."""
        limit(lanes, "a", max_pending=1, overflow="drop-oldest")
        lanes.limit({"max_pending": 2})
        lanes.put("a", "1")
        lanes.put("b", "2")

        lanes.put("a", "3", "4")

        assert lanes.stats().pending == 2
        with pytest.raises(QueueFull):
            lanes.enqueue([_job("a"), _job("b")])

    def test_dropping_from_a_lane_that_is_held_back(self, lanes: DrivenLanes) -> None:
        """It stays held back, and its newest job is there when it is let go."""
        limit(lanes, "a", max_pending=1, overflow="drop-oldest", paused=True)
        lanes.put("a", "1")
        lanes.put("a", "2", "3")
        assert (lanes.names(), lanes.read(["a"])[0].blocked) == ([], "paused")
        limit(lanes, "a", paused=None)
        assert lanes.names() == ["3"]

    def test_a_limit_below_what_waits_drops_nothing_by_itself(self, lanes: DrivenLanes) -> None:
        """It refuses, or drops one for one, until there is room again."""
        lanes.put("a", *"12345")
        limit(lanes, "a", max_pending=2)
        with pytest.raises(QueueFull):
            lanes.put("a", "6")
        limit(lanes, "a", overflow="drop-oldest")
        lanes.put("a", "6")
        assert lanes.names() == list("23456")
