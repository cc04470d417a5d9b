"""Claims that are restricted to some lanes."""

from __future__ import annotations

import threading
import time

import pytest

from ranch.choice import StrategyChoice
from ranch.exceptions import InvalidJob
from ranch.model import LaneUpdate, NewJob
from ranch.queue import Queue
from ranch.selection import Selection, selections
from ranch.strategies import RoundRobin
from ranch.testing.backend.case import BackendCase, DrivenLanes
from ranch.testing.clock import FakeClock
from ranch.testing.waiting import wait_until
from ranch.typing import LOOKS_PER_CALL, MOVES_PER_CALL, Backend

#: Patterns, and which of `FIT` they select.
PATTERNS = {
    "*": {"a", "ab", "abc", "a.c", "ac", "äc", "c*", "A"},
    "a*": {"a", "ab", "abc", "a.c", "ac"},
    "*c": {"abc", "a.c", "ac", "äc"},
    "a*c": {"abc", "a.c", "ac"},
    "a*b*c": {"abc"},
    "**b**": {"ab", "abc"},
    "ab*bc": set(),
    "a.*": {"a.c"},
    "ä*": {"äc"},
    "c*": {"c*"},
    "a*a": set(),
}
FIT = sorted(PATTERNS["*"])


class Selections(BackendCase):
    """Lanes that are served first, lanes that are served after them, and lanes that are not."""

    def test_only_selected_lanes_are_served(self, lanes: DrivenLanes) -> None:
        """In the order in which they would be served with all others; when they are empty, there is nothing."""
        for lane in "abcd":
            lanes.put(lane, f"{lane}1", f"{lane}2", f"{lane}3")
        lanes.update([LaneUpdate(key="c", weight=0.5)])

        assert _claimed(lanes, 5, ["b", "c"]) == ["b1", "c1", "c2", "b2", "c3"]
        assert _claimed(lanes, 5, ["b", "c", "no such lane"]) == ["b3"]
        assert _claimed(lanes, 5, ["b", "c"]) == []
        assert lanes.names() == ["a1", "d1", "a2", "d2", "a3", "d3"]

    def test_steal_lanes_come_when_no_assigned_lane_waits(self, lanes: DrivenLanes) -> None:
        """A batch takes all there is of the first before any of the second, whatever their ranks; and one lane counts
        once.
        """
        lanes.put("late", "1", "2", "3")
        for lane in ("a", "b", "c"):
            lanes.put(lane, f"{lane}1", f"{lane}2")

        assert _claimed(lanes, 4, ["late"], ["a", "late", "b"]) == ["1", "2", "3", "a1"]
        assert _claimed(lanes, 1, ["late"], ["a", "late", "b"]) == ["b1"]
        lanes.put("late", "4")
        assert _claimed(lanes, 4, ["late"], ["a", "late", "b"]) == ["4", "a2", "b2"]
        assert _claimed(lanes, 4, [], ["*"]) == ["c1", "c2"]

    def test_a_claim_of_many_is_as_many_claims(self, backend: Backend) -> None:
        """Of selected lanes too."""
        batch, single = DrivenLanes(backend, "batch"), DrivenLanes(backend, "single")
        for lanes in (batch, single):
            for number, lane in enumerate(["x-1", "b", "x-2", "d", "e", "x-3"]):
                lanes.put(lane, *(f"{lane}/{job}" for job in range(number + 1)))
            lanes.update([LaneUpdate(key="x-3", weight=0.3), LaneUpdate(key="e", weight=3.0)])

        singles = [name for _ in range(21) for name in _claimed(single, 1, ["x-*", "b"], ["e", "d"])]
        assert _claimed(batch, 7, ["x-*", "b"], ["e", "d"]) == singles[:7]
        assert _claimed(batch, 50, ["x-*", "b"], ["e", "d"]) == singles[7:]
        assert len(singles) == 21

    @pytest.mark.parametrize("pattern", PATTERNS)
    def test_a_star_stands_for_anything(self, lanes: DrivenLanes, pattern: str) -> None:
        """And nothing else in a pattern does, in whatever letters."""
        for lane in FIT:
            lanes.put(lane, lane)

        assert set(_claimed(lanes, 100, [pattern])) == PATTERNS[pattern]
        assert {lane for lane in FIT if lane in Selection.of([pattern])} == PATTERNS[pattern]
        lanes.take()

    def test_limits_hold(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """A lane that may not be served is as good as empty: others are stolen from meanwhile."""
        lanes.put("a", "a1", "a2", "a3")
        lanes.put("b", "b1", "b2", "b3")
        lanes.put("c", "c1")
        lanes.update([LaneUpdate(key="a", limits={"max_in_flight": 1}), LaneUpdate(key="b", limits={"paused": True})])

        first = list(lanes.claim(5, 30.0, "me", selections=selections(["a"], ["b"])).leases)
        assert [lease.job.body for lease in first] == [b"a1"]
        assert _claimed(lanes, 1, ["a", "b"], ["c"]) == ["c1"]
        lanes.ack(first)
        lanes.update([LaneUpdate(key="b", limits={"paused": None})])
        assert _claimed(lanes, 3, ["a"], ["b"]) == ["a2", "b1", "b2"]
        lanes.limit({"max_in_flight": 4})
        assert _claimed(lanes, 3, ["a"], ["b"]) == []
        clock.advance(31.0)
        assert _claimed(lanes, 1, ["b"]) == ["b1"]
        lanes.limit({"max_in_flight": None})

    def test_expired_jobs_are_passed_over(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """The next of the selected lanes stands in, and no other."""
        for lane in "abc":
            lanes.put(lane, f"{lane}1", expires=1.0)
            lanes.put(lane, f"{lane}2")
        clock.advance(2.0)
        # Only so many of them are seen to by their timers; here it is all.
        assert _claimed(lanes, 2, ["b"], ["c"]) == ["b2", "c2"]
        assert lanes.names() == ["a2"]

    def test_lanes_far_behind_are_found(self, lanes: DrivenLanes) -> None:
        """By their names, however many wait before them; by patterns, by as many claims as that takes."""
        others = [f"other-{number}" for number in range(LOOKS_PER_CALL + 1_000)]
        for start in range(0, len(others), 1000):
            lanes.enqueue([_job(lane) for lane in others[start : start + 1000]])
        lanes.put("x-1", "1", "2")
        lanes.put("y", "3")

        assert _claimed(lanes, 1, ["x-1"], ["y"]) == ["1"]
        assert _claimed(lanes, 1, ["x-2"], ["y"]) == ["3"]
        chosen, further, calls = selections(["x-*"], ["z"]), "", 0
        while True:
            claim = lanes.claim(5, 30.0, "me", selections=chosen, further=further)
            calls, further = calls + 1, claim.further
            if not further:
                break
        assert ([lease.job.body for lease in claim.leases], calls) == ([b"2"], 2)
        assert _claimed(lanes, 1, ["x-*", "x-1"], ["other-77"]) == ["other-77"]
        lanes.take(1)

    def test_one_call_looks_at_so_many_lanes(self, lanes: DrivenLanes) -> None:
        """However many jobs it is to take: none goes before another lane that was not reached, which is served next."""
        others = [f"other-{number}" for number in range(LOOKS_PER_CALL + 1_000)]
        lanes.put("eu-a", *(f"a{number}" for number in range(20)))
        for start in range(0, len(others), 1000):
            lanes.enqueue([_job(lane) for lane in others[start : start + 1000]])
        lanes.put("eu-b", "b1")

        assert _claimed(lanes, 20, ["eu-*"]) == ["a0"]
        chosen = selections(["eu-*"], None)
        empty = lanes.claim(20, 30.0, "me", selections=chosen)
        assert (empty.leases, bool(empty.further)) == ([], True)
        claim = lanes.claim(20, 30.0, "me", selections=chosen, further=empty.further)
        assert [lease.job.body.decode() for lease in claim.leases][:3] == ["b1", "a1", "a2"]

    def test_lanes_that_an_earlier_strategy_ranked_are_found(self, backend: Backend) -> None:
        """However many others of them are to be ranked anew first."""
        before, after = DrivenLanes(backend), DrivenLanes(backend, strategy=RoundRobin())
        for number in range(2 * MOVES_PER_CALL + 9):
            before.put(f"lane{number:03}", "1")
        before.put("last", "2")
        after.set_strategy(StrategyChoice.of(RoundRobin()))

        assert _claimed(after, 1, ["last"], ["*"]) == ["2"]
        assert _claimed(after, 1, ["last"]) == []
        assert len(after.take()) == 2 * MOVES_PER_CALL + 9

    def test_no_name_stands_for_another_lane(self, backend: Backend) -> None:
        """Whoever may name lanes gets at those of that name, whatever a store keeps lanes in order by."""
        lanes, after = DrivenLanes(backend), DrivenLanes(backend, strategy=RoundRobin())
        others = 2 * MOVES_PER_CALL + 300
        lanes.enqueue([_job(f"other-{number}") for number in range(others)])
        lanes.put("acme", "theirs")
        name = f"{others + 1:013x}acme"

        assert _claimed(lanes, 1, [name]) == []
        after.set_strategy(StrategyChoice.of(RoundRobin()))
        after.put(name, "mine")
        assert _claimed(after, 5, [name]) == ["mine"]
        assert "theirs" in after.names(others + 1)

    def test_lanes_served_apart_keep_their_own_time(self, lanes: DrivenLanes) -> None:
        """Where some lanes are served much faster than others, a lane that comes in, to these or those, is served in
        its turn: it neither waits until its fellows have had as much as the fastest, nor has all to itself until then.
        """
        for lane in ("fast-1", "fast-2", "slow-1", "slow-2"):
            lanes.put(lane, *[lane] * 300)
        for _ in range(5):
            _claimed(lanes, 80, ["fast-*"])
            _claimed(lanes, 2, ["slow-*"])
        lanes.put("slow-3", *["slow-3"] * 20)
        lanes.put("fast-3", *["fast-3"] * 20)

        for kind in ("slow", "fast"):
            picks = [name for _ in range(9) for name in _claimed(lanes, 1, [f"{kind}-*"])]
            assert {lane: picks.count(lane) for lane in set(picks)} == {f"{kind}-{n}": 3 for n in (1, 2, 3)}

    def test_a_waiting_claim_is_woken_for_its_lanes(self, queue: Queue) -> None:
        """At once by a job in one of them, though others wait for other lanes; and not by those in others."""
        got: dict[str, float] = {}
        began = time.monotonic()

        def wait(lane: str) -> None:
            lease = queue.claim(lanes=[lane], steal=[f"{lane}-*"], wait=30)
            assert lease is not None
            got[lease.job.lane] = time.monotonic() - began

        threads = [threading.Thread(target=wait, args=(lane,)) for lane in ("a", "b", "c", "c")]
        for thread in threads:
            thread.start()
        queue.enqueue_many([("other", 1)] * 3)
        queue.enqueue("c-1", 1)
        wait_until(lambda: "c-1" in got)
        assert set(got) == {"c-1"}
        queue.enqueue_many([("b", 1), ("a", 1)])
        wait_until(lambda: {"a", "b"} <= set(got))
        queue.enqueue("c-2", 1)
        for thread in threads:
            thread.join(15)
        assert set(got) == {"a", "b", "c-1", "c-2"}
        assert len(queue.claim_many(5)) == 3

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"lanes": "acme"}, "lanes is a list of lanes' names and patterns, not 'acme'"),
            ({"lanes": ["a", 5]}, "a lane is named by a str, not by int 5"),
            ({"lanes": ["a", ""]}, "the empty string is none"),
            ({"lanes": [], "steal": []}, "lanes names no lane, so there is nothing to claim"),
            ({"steal": ["a"]}, "steal says what is served after the lanes"),
            ({"lanes": [str(number) for number in range(10_001)]}, "lanes has at most 10,000 names, not 10,001"),
            ({"lanes": ["a"], "steal": [f"{n}*" for n in range(101)]}, "steal has at most 100 patterns, not 101"),
        ],
    )
    def test_what_selects_nothing_sensible_is_refused(
        self, queue: Queue, options: dict[str, object], message: str
    ) -> None:
        """At the call, with a word on what to do."""
        with pytest.raises(InvalidJob) as caught:
            queue.claim(**options)  # type: ignore[arg-type]  # that is the point
        assert message in str(caught.value)


def _job(lane: str) -> NewJob:
    return NewJob(lane=lane, body=lane.encode(), content_type="text/plain")


def _claimed(lanes: DrivenLanes, limit: int, assigned: list[str], steal: list[str] | None = None) -> list[str]:
    """Claim jobs of selected lanes, wherever they are, and return their names."""
    further = ""
    while True:
        claim = lanes.claim(limit, 30.0, "me", selections=selections(assigned, steal), further=further)
        further = claim.further
        if not further:
            return [lease.job.body.decode() for lease in claim.leases]
