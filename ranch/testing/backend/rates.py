"""Rates, of lanes and of the queue."""

from __future__ import annotations

import time
from functools import partial
from math import isclose
from typing import Any

import pytest

from ranch.limits import Rate
from ranch.policy import Policy
from ranch.selection import selections
from ranch.testing.backend.case import BackendCase, DrivenLanes
from ranch.testing.backend.limits import limit
from ranch.testing.clock import FakeClock
from ranch.typing import Backend


def _limit_queue(lanes: DrivenLanes, **limits: Any) -> None:
    lanes.limit(limits)


class Rates(BackendCase):
    """So many claims in a period, and a few at once after a pause."""

    @pytest.fixture(params=["lane", "queue"])
    def limited(self, request: pytest.FixtureRequest, lanes: DrivenLanes) -> Any:
        """Change the limits of the lane ``a``, or of the queue."""
        return partial(limit, lanes, "a") if request.param == "lane" else partial(_limit_queue, lanes)

    def test_a_rate_spreads_claims_evenly(self, lanes: DrivenLanes, clock: FakeClock, limited: Any) -> None:
        """One at a time, and an empty claim tells when the next may come."""
        lanes.put("a", *"123456")
        limited(rate="4/s")
        started = clock()

        at: list[float] = []
        while len(at) < 6:
            claim = lanes.claim(10, 1000.0, "me")
            at += [round(clock() - started, 3)] * len(claim.leases)
            if not claim.leases:
                clock.advance(claim.idle_for)

        assert at == [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]

    @pytest.mark.parametrize("rate", [Rate(7, burst=7), Rate(30, burst=3), Rate(1000, 60.0, burst=13)], ids=str)
    def test_after_a_pause_a_burst_comes_at_once(
        self, lanes: DrivenLanes, clock: FakeClock, limited: Any, rate: Rate
    ) -> None:
        """As many as the burst, not one more; what is not used is not saved beyond it."""
        lanes.put("a", *map(str, range(60)))
        limited(rate=rate)

        for pause in (0.0, rate.per, 3600.0):
            clock.advance(pause)
            assert len(lanes.take()) == rate.burst
            assert lanes.take() == []

    @pytest.mark.parametrize("rate", [Rate(700), Rate(3, 0.1), Rate(30, burst=3)], ids=str)
    def test_a_rate_is_used_up_and_never_exceeded(
        self, lanes: DrivenLanes, clock: FakeClock, limited: Any, rate: Rate
    ) -> None:
        """In no period there are more than ``jobs + burst - 1``; in the long run there are as many as it says."""
        lanes.put("a", *map(str, range(100)))
        limited(rate=rate)
        times: list[float] = []
        while len(times) < 60:
            claim = lanes.claim(100, 1000.0, "me")
            times += [clock()] * len(claim.leases)
            clock.advance(0.001 if claim.leases else claim.idle_for)

        for first, last in zip(times, times[rate.jobs + rate.burst - 1 :], strict=False):
            assert round(last - first, 3) >= rate.per
        expected = (len(times) - rate.burst) * rate.per / rate.jobs
        assert isclose(times[-1] - times[0], expected, abs_tol=0.0011)

    def test_what_ends_a_lease_gives_no_token(self, lanes: DrivenLanes, clock: FakeClock, limited: Any) -> None:
        """A rate counts claims: what was given back is claimed again when the next token is there."""
        lanes.put("a", *"123")
        limited(rate="1/m")
        acked, released = lanes.take(), None

        lanes.ack(acked)
        assert lanes.take() == []
        clock.advance(60.0)
        released = lanes.take()
        lanes.release(released, 0.0)
        assert lanes.take() == []
        clock.advance(59.999)
        assert lanes.take() == []
        clock.advance(0.001)
        assert [lease.job.id for lease in lanes.take()] == [released[0].job.id]

    def test_a_lane_at_its_rate_holds_nobody_up(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """Others are served meanwhile; an empty claim tells the next token, or what else comes before it."""
        lanes.put("a", "a1", "a2", "a3")
        lanes.put("b", "b1", "b2")
        limit(lanes, "a", rate="1/m")

        assert sorted(lanes.names()) == ["a1", "b1", "b2"]
        assert lanes.claim(1, 30.0, "me").idle_for == 30.0  # the leases
        lanes.put("b", "later", delay=12.5)
        assert lanes.claim(1, 30.0, "me").idle_for == 12.5
        clock.advance(12.5)
        assert lanes.names() == ["later"]

    @pytest.mark.parametrize("chosen", [None, ["acme"]], ids=["all lanes", "selected"])
    def test_who_waits_is_told_of_the_next_token(self, backend: Backend, chosen: list[str] | None) -> None:
        """Where a job comes into an empty lane that is at its rate: it may be due before what is waited for."""
        # No store wakes for nothing as soon; where the machine has other things to do, it is done once more.
        assert any(self._waits_for_a_token(DrivenLanes(backend, f"mail{n}"), chosen) < 1.5 for n in range(5))

    def _waits_for_a_token(self, lanes: DrivenLanes, chosen: list[str] | None) -> float:
        select = selections(chosen, None)
        limit(lanes, "acme", rate="4/s")
        lanes.put("acme", "1")
        lanes.take()
        empty = lanes.claim(1, 30.0, "me", selections=select)
        lanes.wait(0.05, empty.tick, select)  # takes the token of what has rung before
        lanes.put("acme", "2")
        started = time.monotonic()
        lanes.wait(30.0, empty.tick, select)
        waited = time.monotonic() - started

        assert lanes.claim(1, 30.0, "me", selections=select).idle_for == 0.25
        lanes.check()
        return waited

    def test_the_time_to_the_next_token_is_whole_milliseconds(self, backend: Backend) -> None:
        """Also where nothing else is waited for."""
        lanes = DrivenLanes(backend, policy=Policy(lane_ttl=None))
        lanes.limit({"rate": "5/s"})
        lanes.put("a", "1", "2")
        lanes.ack(lanes.take())
        assert lanes.claim(1, 30.0, "me").idle_for == 0.2

    def test_another_rate_takes_over_the_tokens_that_are_missing(
        self, lanes: DrivenLanes, clock: FakeClock, limited: Any
    ) -> None:
        """It is felt at once: not after the time that the old one would have taken, and without a burst for free."""
        lanes.put("a", *map(str, range(50)))
        limited(rate=Rate(1, 86400.0))
        assert len(lanes.take()) == 1

        limited(rate=Rate(10, 1.0))
        assert lanes.take() == []
        clock.advance(0.1)
        assert len(lanes.take()) == 1
        limited(rate=Rate(10, 1.0, burst=5))
        assert len(lanes.take()) == 4
        limited(rate=Rate(1, 60.0, burst=2))
        assert lanes.take() == []
        clock.advance(59.999)
        assert lanes.take() == []
        clock.advance(0.001)
        assert len(lanes.take()) == 1

    def test_a_rate_may_be_lifted(self, lanes: DrivenLanes, limited: Any) -> None:
        """Then all that waits can be had; set once more, it begins with its burst."""
        lanes.put("a", *"123456789")
        limited(rate="1/d")
        lanes.take()
        assert lanes.take() == []
        limited(rate=None)
        assert len(lanes.take(3)) == 3
        limited(rate=Rate(1, 86400.0, burst=2))
        assert len(lanes.take()) == 2

    def test_the_slower_of_two_rates_counts(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """Of the lane's and the queue's; a claim that one of them forbids costs no token of the other."""
        lanes.put("a", *"123")
        lanes.put("b", *"123")
        limit(lanes, "a", rate="1/m")
        lanes.limit({"rate": "1/s"})

        claimed = []
        for _ in range(5):
            claimed += [lease.job.lane for lease in lanes.take(10, 1000.0)]
            clock.advance(1.0)

        assert claimed == ["a", "b", "b", "b"]
        clock.advance(55.0)
        assert len(lanes.take()) == 1
