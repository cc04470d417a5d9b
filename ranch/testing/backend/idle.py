"""Lanes that nobody uses any more."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import pytest

from ranch.letters import Death
from ranch.model import LaneUpdate, NewJob
from ranch.policy import Policy
from ranch.testing.backend.case import BackendCase, DrivenLanes
from ranch.testing.clock import FakeClock
from ranch.typing import Backend

_TTL: Final = 80.0


def _settle(lanes: DrivenLanes) -> None:
    lanes.ack(lanes.take())


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
        for start in range(0, 600, 100):
            keys = [f"lane{n}" for n in range(start, start + 100)]
            short.enqueue([NewJob(lane=key, body=b"", content_type="") for key in keys])
            _settle(short)
        clock.advance(3 * _TTL)
        counts = [600]
        while counts[-1]:
            short.reclaim(100)
            counts.append(short.stats().lanes)
            clock.advance(0.0 if counts[-1] != counts[-2] else _TTL)
            assert len(counts) < 40
        assert all(0 <= before - after <= 100 for before, after in pairwise(counts))

    def test_lanes_are_kept_for_ever_if_the_policy_says_so(self, backend: Backend, clock: FakeClock) -> None:
        """Without a time to live nothing is forgotten, and nothing is waited for."""
        lanes = DrivenLanes(backend, policy=Policy(lane_ttl=None))
        lanes.put("a", "1")
        _settle(lanes)
        assert lanes.claim(1, 30.0, "me").idle_for is None
        clock.advance(10 * 365 * 86400.0)
        lanes.reclaim(100)
        assert lanes.keys() == ["a"]
