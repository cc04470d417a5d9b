"""What limits of lanes and of the queue hold back, and what lets go again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import pytest

from ranch.letters import Death
from ranch.limits import NONE, Limits, Rate
from ranch.model import LaneUpdate, Lease
from ranch.testing.backend.case import BackendCase, DrivenLanes
from ranch.testing.clock import FakeClock

#: Each way in which a lease is ended by its owner.
_SETTLED: Final[dict[str, Callable[[DrivenLanes, Lease], object]]] = {
    "acked": lambda lanes, lease: lanes.ack([lease]),
    "released": lambda lanes, lease: lanes.release([lease], 0.0),
    "released for later": lambda lanes, lease: lanes.release([lease], 60.0),
    "failed": lambda lanes, lease: lanes.release([lease], 60.0, failed=True),
    "buried": lambda lanes, lease: lanes.bury([lease], Death()),
}


def limit(lanes: DrivenLanes, lane: str, **limits: Any) -> None:
    """Change the limits of a lane."""
    lanes.update([LaneUpdate(key=lane, limits=limits)])


class LimitsAtWork(BackendCase):
    """Pauses, and caps on what is in flight. No cap is ever exceeded, and what is held back holds nobody else up."""

    def test_limits_are_kept_and_merged(self, lanes: DrivenLanes) -> None:
        """A change sets what it names, lifts what it sets to None, and leaves the rest; of a lane, and of the queue."""
        everything = {
            "paused": True,
            "max_in_flight": 3,
            "rate": Rate(100, 60.0, burst=5),
            "max_pending": 1000,
            "overflow": "drop-oldest",
            "expires": 86400.5,
        }
        limit(lanes, "a", **everything)
        limit(lanes, "a", paused=None, rate=None, max_pending=7)

        (lane,) = lanes.read(["a"])
        assert lane.limits == Limits(max_in_flight=3, max_pending=7, overflow="drop-oldest", expires=86400.5)
        assert lanes.limit({}) == NONE
        assert lanes.limit(everything) == Limits(**everything)
        assert lanes.limit({"rate": "1/h", "expires": None, "overflow": None}).rate == Rate(1, 3600.0)
        assert lanes.limit(dict.fromkeys(everything)) == lanes.limit({}) == NONE
        limit(lanes, "a", **dict.fromkeys(everything))
        assert lanes.read(["a"])[0].limits == NONE

    def test_a_paused_lane_waits_and_the_others_go_on(self, lanes: DrivenLanes) -> None:
        """Paused while it waits, and while others come; resumed, it is served in its order again."""
        lanes.put("a", "a1", "a2")
        lanes.put("b", "b1", "b2")
        limit(lanes, "a", paused=True)
        lanes.put("a", "a3")

        assert lanes.names() == ["b1", "b2"]
        (lane,) = lanes.read(["a"])
        assert (lane.blocked, lane.stats.pending) == ("paused", 3)
        assert lanes.claim(1, 30.0, "me").idle_for == 30.0
        limit(lanes, "a", paused=False)
        assert lanes.names() == ["a1", "a2", "a3"]

    def test_pausing_spares_what_is_in_flight(self, lanes: DrivenLanes) -> None:
        """Who has a lease keeps it, and may settle it; a job given back waits as the others do."""
        lanes.put("a", "a1", "a2")
        done, back = lanes.take()
        limit(lanes, "a", paused=True)

        assert lanes.ack([done]) == []
        assert not lanes.release([back], 0.0).lost
        assert lanes.names() == []
        limit(lanes, "a", paused=None)
        assert lanes.names() == ["a2"]

    def test_a_paused_queue_gives_nothing(self, lanes: DrivenLanes) -> None:
        """Until it is resumed, which ends the wait of those who wait."""
        lanes.put("a", "a1")
        lanes.limit({"paused": True})

        claim = lanes.claim(1, 30.0, "me")
        assert (claim.leases, lanes.standing("a").queue_blocked) == ([], "paused")
        lanes.limit({"paused": False})
        lanes.wait(60.0, claim.tick)
        assert lanes.names() == ["a1"]

    @pytest.mark.parametrize("of", ["lane", "queue"])
    def test_no_more_are_in_flight_than_may_be(self, lanes: DrivenLanes, of: str) -> None:
        """Not by one claim of many, nor by many claims; and a lane at its cap holds nobody else up."""
        lanes.put("a", *"123456")
        if of == "lane":
            limit(lanes, "a", max_in_flight=3)
            lanes.put("b", "other")
        else:
            lanes.limit({"max_in_flight": 3})

        first, second = lanes.names(2), lanes.names() + lanes.names()

        assert len([name for name in first + second if name != "other"]) == 3
        assert ("other" in first + second) == (of == "lane")
        (lane,) = lanes.read(["a"])
        assert (lane.stats.leased, lane.blocked) == (3, "max_in_flight" if of == "lane" else "")

    @pytest.mark.parametrize("of", ["lane", "queue", "both"])
    def test_a_lease_tells_whether_a_cap_counts_it(self, lanes: DrivenLanes, of: str) -> None:
        """The cap of its lane, or of the queue; no other limit does."""
        lanes.put("a", "a1", "a2")
        lanes.put("b", "b1", "b2")
        limit(lanes, "b", rate="100/s", max_pending=9)
        if of != "queue":
            limit(lanes, "a", max_in_flight=5)
        if of != "lane":
            lanes.limit({"max_in_flight": 5})

        told = {lease.job.lane: lease.capped for lease in lanes.take(2)}
        assert told == {"a": True, "b": of != "lane"}
        limit(lanes, "a", max_in_flight=None)
        lanes.limit({"max_in_flight": None})
        assert not any(lease.capped for lease in lanes.take())

    @pytest.mark.parametrize("of", ["lane", "queue"])
    @pytest.mark.parametrize("settled", [*_SETTLED, "expired"])
    def test_what_ends_a_lease_lets_the_next_one_in(
        self, lanes: DrivenLanes, clock: FakeClock, of: str, settled: str
    ) -> None:
        """At once, with the next claim, and one for one; who waits is woken, but for a deadline, which was told."""
        lanes.put("a", *"1234")
        limit(lanes, "a", max_in_flight=2) if of == "lane" else lanes.limit({"max_in_flight": 2})
        (lease,) = lanes.take(1)
        clock.advance(10.0)
        lanes.take(1, lease=1000.0)
        empty = lanes.claim(10, 30.0, "me")
        assert empty.leases == []
        assert empty.idle_for == 20.0  # until the first lease expires

        if settled == "expired":
            clock.advance(20.0)
        else:
            _SETTLED[settled](lanes, lease)
            started = time.monotonic()
            lanes.wait(30.0, empty.tick)
            assert time.monotonic() - started < 15
        assert len(lanes.take(10)) == 1
        assert lanes.take(10) == []
        assert lanes.stats().leased == 2

    def test_renewing_lets_nobody_in(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """The job is in flight as before, past the deadline that it had."""
        lanes.put("a", "1", "2")
        limit(lanes, "a", max_in_flight=1)
        (lease,) = lanes.take(1)

        for _ in range(3):
            clock.advance(20.0)
            lanes.renew([lease], 30.0)
            assert lanes.take() == []

    def test_a_lost_lease_lets_nobody_in(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """Settling it changes nothing, so the cap stays with the one who has the job now."""
        lanes.put("a", "1", "2")
        limit(lanes, "a", max_in_flight=1)
        (lost,) = lanes.take(1, lease=1.0)
        clock.advance(1.0)
        (held,) = lanes.take()

        assert lanes.ack([lost, lost]) == [lost, lost]
        assert lanes.release([lost], 0.0).lost == [lost]
        assert lanes.bury([lost], Death()) == [lost]
        assert lanes.take() == []
        assert lanes.ack([held]) == []

    def test_a_cap_may_be_moved_while_the_lane_waits(self, lanes: DrivenLanes) -> None:
        """Raised, more are let in; lowered, none is until enough have been settled; lifted, all."""
        lanes.put("a", *"123456789")
        limit(lanes, "a", max_in_flight=2)
        leases = lanes.take()
        limit(lanes, "a", max_in_flight=4)
        leases += lanes.take()
        assert len(leases) == 4

        limit(lanes, "a", max_in_flight=1)
        lanes.ack(leases[:3])
        assert lanes.take() == []
        lanes.ack(leases[3:])
        assert len(lanes.take()) == 1
        limit(lanes, "a", max_in_flight=None)
        assert len(lanes.take()) == 4

    def test_a_cap_set_in_the_middle_counts_what_was_claimed_before(self, lanes: DrivenLanes) -> None:
        """In flight is what is leased, whenever it was."""
        lanes.put("a", *"12345")
        leases = lanes.take(3)
        limit(lanes, "a", max_in_flight=2)

        assert lanes.take() == []
        lanes.ack(leases[:2])
        assert len(lanes.take()) == 1

    def test_one_limit_gives_way_to_another(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """A lane is let in when none of its limits forbids it, in whichever order they let go."""
        lanes.put("a", *"12345")
        limit(lanes, "a", rate="1/m", max_in_flight=1)
        (lease,) = lanes.take()
        assert lanes.read(["a"])[0].blocked == "max_in_flight"

        lanes.ack([lease])
        assert lanes.take() == []
        assert lanes.read(["a"])[0].blocked == "rate"
        limit(lanes, "a", paused=True)
        clock.advance(60.0)
        assert lanes.take() == []
        assert lanes.read(["a"])[0].blocked == "paused"
        limit(lanes, "a", paused=None)
        assert len(lanes.take()) == 1

    def test_many_lanes_that_are_held_back_cost_nothing(self, lanes: DrivenLanes) -> None:
        """A claim passes by none of them: what can be claimed comes with the first, and nothing is left out."""
        for start in range(0, 2000, 500):
            keys = [f"held{n}" for n in range(start, start + 500)]
            lanes.update([LaneUpdate(key=key, limits={"paused": True}) for key in keys])
            for key in keys[::100]:
                lanes.put(key, "held")
        lanes.put("free", "1", "2", "3")

        assert lanes.names() == ["1", "2", "3"]
        assert (lanes.stats().blocked, lanes.stats().backlogged) == (20, 0)
        assert lanes.keys(backlogged=True) == []
