"""Lanes that nobody uses any more."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import pytest

from ranch.letters import Death
from ranch.limits import Rate
from ranch.model import LaneUpdate, NewJob
from ranch.policy import Policy
from ranch.testing.backend.case import BackendCase, DrivenLanes
from ranch.testing.clock import FakeClock
from ranch.typing import TIMERS_PER_CALL, Backend

_TTL: Final = 80.0


def _settle(lanes: DrivenLanes) -> None:
    lanes.ack(lanes.take())


def _fill(lanes: DrivenLanes, count: int) -> None:
    """Let there be so many lanes without jobs."""
    for start in range(0, count, 100):
        keys = [f"lane{n}" for n in range(start, min(start + 100, count))]
        lanes.enqueue([NewJob(lane=key, body=b"", content_type="") for key in keys])
        _settle(lanes)


class IdleLanes(BackendCase):
    """``lane_ttl``: lanes are forgotten when there is nothing to remember, and not before."""

    @pytest.fixture
    def short(self, backend: Backend) -> DrivenLanes:
        """The same queue, with lanes that are remembered for 80 seconds."""
        return DrivenLanes(backend, policy=Policy(lane_ttl=_TTL, dead_ttl=None))

    def test_an_idle_lane_is_forgotten(self, short: DrivenLanes, clock: FakeClock) -> None:
        """Between once and about twice the time after it was served last; what it has counted stays with the queue."""
        short.put("a", *"12345")
        _settle(short)
        served = clock()
        while short.keys():
            clock.advance(_TTL / 16)
            short.reclaim(10)

        assert _TTL <= clock() - served <= 2.25 * _TTL
        assert short.stats().lanes == 0
        assert short.read(["a"])[0].stats.enqueued == 0
        stats = short.stats()
        assert (stats.enqueued, stats.claimed, stats.acked) == (5, 5, 5)
        short.check()
        short.put("a", "again")
        assert short.names() == ["again"]
        assert short.read(["a"])[0].stats.enqueued == 1

    def test_a_lane_in_use_is_not_forgotten(self, short: DrivenLanes, clock: FakeClock) -> None:
        """One that was served since."""
        for _ in range(20):
            short.put("a", "1")
            _settle(short)
            clock.advance(_TTL * 0.9)
            short.reclaim(10)
        assert short.read(["a"])[0].stats.enqueued == 20

    @pytest.mark.parametrize("job", ["ready", "delayed", "leased", "dead"])
    def test_a_lane_with_a_job_is_not_forgotten(self, short: DrivenLanes, clock: FakeClock, job: str) -> None:
        """Ready, delayed, leased or dead; when it has gone, the lane is no longer kept."""
        (job_id,) = short.put("a", "1", delay=20 * _TTL if job == "delayed" else 0.0)
        leases = short.take(lease=20 * _TTL) if job in {"leased", "dead"} else []
        if job == "dead":
            short.bury(leases, Death())
        for _ in range(10):
            clock.advance(_TTL)
            short.reclaim(10)
        assert short.keys() == ["a"]

        short.forget([job_id])
        short.cancel([job_id])
        short.ack(leases)
        for _ in range(3):
            clock.advance(_TTL)
            short.reclaim(10)
        assert short.keys() == []
        short.check()

    @pytest.mark.parametrize(
        "change",
        [{"weight": 2.0}, {"tags": {"tier": "gold"}}, {"data": {"bid": 1}}, {"limits": {"max_pending": 3}}],
        ids=lambda change: next(iter(change)),
    )
    def test_a_lane_with_settings_is_not_forgotten(
        self, short: DrivenLanes, clock: FakeClock, change: dict[str, Any]
    ) -> None:
        """A weight, a tag, data or a limit; once they are all lifted, it is forgotten as any other."""
        short.update([LaneUpdate(key="a", **change)])
        for _ in range(4):
            clock.advance(_TTL)
            short.reclaim(10)
        assert short.keys() == ["a"]

        nothing: dict[str, Any] = {"tags": {"tier": None}, "data": {"bid": None}, "limits": {"max_pending": None}}
        short.update([LaneUpdate(key="a", weight=1.0, **nothing)])
        for _ in range(4):
            clock.advance(_TTL)
            short.reclaim(10)
        assert short.keys() == []

    def test_a_lane_held_back_by_its_rate_is_not_forgotten(self, short: DrivenLanes, clock: FakeClock) -> None:
        """Its limit is a setting, and what it waits for comes."""
        short.update([LaneUpdate(key="a", limits={"rate": "1/d"})])
        short.put("a", "1", "2")
        _settle(short)
        for _ in range(4):
            clock.advance(_TTL)
            short.reclaim(10)
        clock.advance(86400.0)
        assert short.names() == ["2"]

    def test_many_idle_lanes_go_in_bounded_steps(self, short: DrivenLanes, clock: FakeClock) -> None:
        """Each call forgets no more than it was told to see to, and goes on with the next."""
        _fill(short, 600)
        clock.advance(3 * _TTL)
        counts = [600]
        while counts[-1]:
            short.reclaim(100)
            counts.append(short.stats().lanes)
            clock.advance(0.0 if counts[-1] != counts[-2] else _TTL)
            assert len(counts) < 40
        assert all(0 <= before - after <= 100 for before, after in pairwise(counts))

    @pytest.mark.parametrize("job", ["delayed", "lease expired", "held back"])
    def test_idle_lanes_hold_no_job_up(self, short: DrivenLanes, clock: FakeClock, job: str) -> None:
        """However many fall idle at one moment: the first claim finds what is due after them."""
        _fill(short, 20 * TIMERS_PER_CALL)
        short.update([LaneUpdate(key="b", limits={"rate": Rate(1, 2 * _TTL)})])
        short.put("b", "1")
        _settle(short)
        if job == "held back":
            short.put("b", "later")
        elif job == "delayed":
            short.put("a", "later", delay=2 * _TTL)
        else:
            short.put("a", "later")
            short.take(lease=2 * _TTL)
        clock.advance(2 * _TTL)

        assert "later" in short.names()

    def test_dead_letters_whose_time_is_over_hold_no_job_up(self, backend: Backend, clock: FakeClock) -> None:
        """However many go at one moment: the first claim finds what is due after them."""
        lanes = DrivenLanes(backend, policy=Policy(dead_ttl=5.0))
        lanes.put("a", *map(str, range(100)))
        lanes.bury(lanes.take(), Death())
        lanes.put("a", "later", delay=6.0)
        clock.advance(6.0)

        assert lanes.names() == ["later"]
        while lanes.stats().dead > TIMERS_PER_CALL:
            assert lanes.claim(1, 30.0, "me").idle_for == 0.0
        lanes.check()

    def test_idle_lanes_go_while_there_is_work(self, short: DrivenLanes, clock: FakeClock) -> None:
        """Claims that always find a job forget lanes, too, and in bounded steps."""
        _fill(short, 5 * TIMERS_PER_CALL)
        short.put("busy", *map(str, range(20)))
        clock.advance(2.25 * _TTL)
        counts = [len(short.keys())]
        while counts[-1] > 1 and len(short.names(1)) == 1:
            counts.append(len(short.keys()))
            clock.advance(0.0 if counts[-1] != counts[-2] else _TTL)

        assert counts[-1] == 1
        assert all(0 <= before - after <= TIMERS_PER_CALL for before, after in pairwise(counts))

    def test_an_empty_claim_waits_for_the_next_idle_lane(self, short: DrivenLanes, clock: FakeClock) -> None:
        """So that lanes are forgotten where nothing else is to do, all of them and without a pause."""
        _fill(short, 3 * TIMERS_PER_CALL)
        waited = 0.0
        while (idle_for := short.claim(1, 30.0, "me").idle_for) is not None:
            waited += idle_for
            clock.advance(idle_for)
        assert short.keys() == []
        assert _TTL <= waited <= 2.25 * _TTL

    def test_lanes_are_kept_for_ever_if_the_policy_says_so(self, backend: Backend, clock: FakeClock) -> None:
        """Without a time to live nothing is forgotten, and nothing is waited for."""
        lanes = DrivenLanes(backend, policy=Policy(lane_ttl=None))
        lanes.put("a", "1")
        _settle(lanes)
        assert lanes.claim(1, 30.0, "me").idle_for is None
        clock.advance(10 * 365 * 86400.0)
        lanes.reclaim(100)
        assert lanes.keys() == ["a"]
