"""Jobs that end without having run: expired, or cancelled."""

from __future__ import annotations

from typing import Final

import pytest

from ranch.model import LaneUpdate, NewJob
from ranch.strategies import Bid
from ranch.testing.backend.case import BackendCase, DrivenLanes
from ranch.testing.backend.limits import limit
from ranch.testing.clock import FakeClock
from ranch.typing import TIMERS_PER_CALL, Backend

#: How many expired jobs one claim may meet: those whose timers it sees to, and those at the heads of lanes.
_MET: Final = 2 * TIMERS_PER_CALL


class Endings(BackendCase):
    """An expired job is never leased, and a cancelled one neither; each is counted, and told of once."""

    @pytest.mark.parametrize("by", ["job", "lane", "queue"])
    def test_a_job_expires(self, lanes: DrivenLanes, clock: FakeClock, by: str) -> None:
        """By its own word, else by its lane's, else by the queue's; to the millisecond."""
        if by != "job":
            lanes.limit({"expires": 5.0 if by == "queue" else 1.0})
        if by == "lane":
            limit(lanes, "a", expires=5.0)
        elif by == "job":
            limit(lanes, "a", expires=1.0)
        (job_id,) = lanes.put("a", "old", expires=5.0 if by == "job" else None)
        assert lanes.find(job_id).job.expires_at == clock() + 5.0
        clock.advance(4.999)
        (lease,) = lanes.take()
        lanes.release([lease], 0.0)
        clock.advance(0.001)

        claim = lanes.claim(1, 30.0, "me")

        assert claim.leases == []
        assert [(ending.job.id, ending.how, ending.job.attempts) for ending in claim.ended] == [(job_id, "expired", 1)]
        assert (lanes.stats().expired, lanes.find(job_id)) == (1, None)
        assert lanes.claim(1, 30.0, "me").ended == []

    def test_a_delayed_job_expires_where_it_waits(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """Long before it would fall due; and one that falls due at the moment at which it expires does not run."""
        lanes.put("a", "first", delay=60.0, expires=5.0)
        lanes.put("a", "second", delay=60.0, expires=60.0)
        assert lanes.claim(1, 30.0, "me").idle_for == 5.0
        clock.advance(5.0)
        assert [ending.how for ending in lanes.reclaim(10).ended] == ["expired"]
        assert lanes.stats().delayed == 1
        clock.advance(55.0)
        claim = lanes.claim(1, 30.0, "me")
        assert (claim.leases, [ending.how for ending in claim.ended]) == ([], ["expired"])

    def test_a_job_that_runs_does_not_expire(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """Whoever has leased it in time may finish it, however late."""
        lanes.put("a", "1", expires=5.0)
        (lease,) = lanes.take(lease=60.0)
        clock.advance(59.0)
        assert lanes.reclaim(10).ended == []
        assert lanes.renew([lease], 60.0)[1] == []
        clock.advance(59.0)
        assert lanes.ack([lease]) == []
        assert (lanes.stats().acked, lanes.stats().expired) == (1, 0)

    @pytest.mark.parametrize("how", ["released", "released for later", "failed", "lease expired"])
    def test_a_job_that_comes_back_too_late_ends(self, lanes: DrivenLanes, clock: FakeClock, how: str) -> None:
        """Instead of going back into its lane, or into the dead letters."""
        lanes.put("a", "1", expires=5.0)
        (lease,) = lanes.take(lease=10.0)
        clock.advance(10.0)

        if how == "lease expired":
            back = lanes.reclaim(10)
        else:
            back = lanes.release([lease], 9.0 if how == "released for later" else 0.0, failed=how == "failed")

        assert [ending.how for ending in back.ended] == ["expired"]
        stats = lanes.stats()
        assert (stats.expired, stats.pending, stats.delayed, stats.leased) == (1, 0, 0, 0)
        assert (stats.released, stats.failed, stats.retried, stats.reclaimed) == {
            "failed": (0, 1, 0, 0),
            "lease expired": (0, 0, 0, 1),
        }.get(how, (1, 0, 0, 0))

    def test_limits_count_from_the_enqueueing_on(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """What a lane says later of expiry is said of later jobs."""
        lanes.put("a", "before")
        limit(lanes, "a", expires=1.0)
        lanes.put("a", "meanwhile")
        limit(lanes, "a", expires=None)
        lanes.put("a", "after")
        clock.advance(1.0)
        assert lanes.names() == ["before", "after"]

    def test_ten_thousand_expired_jobs_stall_no_claim(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """Each claim meets a bounded number of them, and says that more can be had at once until they are gone."""
        for start in range(0, 10_000, 500):
            lanes.put("a", *(str(n) for n in range(start, start + 500)), expires=1.0)
        lanes.put("a", "good")
        clock.advance(1.0)

        ended = 0
        while not (claim := lanes.claim(10, 30.0, "me")).leases:
            assert 0 < len(claim.ended) <= _MET
            assert claim.idle_for == 0.0
            ended += len(claim.ended)

        ended += len(claim.ended)
        assert (ended, lanes.stats().expired) == (10_000, 10_000)
        assert [lease.job.body for lease in claim.leases] == [b"good"]

    def test_a_lane_is_ranked_by_its_next_job_when_the_first_has_expired(
        self, backend: Backend, clock: FakeClock
    ) -> None:
        """Under a strategy that reads the first: nobody is served at the price of a job that is gone."""
        lanes = DrivenLanes(backend, "gpu", Bid())
        lanes.put("fillers", *map(str, range(TIMERS_PER_CALL)), expires=1.0)
        lanes.put("a", "high", bid=9.0, expires=1.0)
        lanes.put("a", "low", bid=1.0)
        lanes.put("b", "middle", bid=5.0)
        clock.advance(1.0)
        assert lanes.names() == ["middle", "low"]
        lanes.check()

    def test_a_tick_that_ranks_a_lane_anew_is_used_once(self, backend: Backend, clock: FakeClock) -> None:
        """Also by a claim that meets so many expired jobs that it leases none."""
        lanes = DrivenLanes(backend, "gpu", Bid())
        lanes.put("a", *map(str, range(2 * _MET)), expires=1.0)
        clock.advance(1.0)
        ticks = []
        while lanes.stats().pending:
            claim = lanes.claim(1, 30.0, "me")
            assert claim.leases == []
            ticks.append(claim.tick)

        lanes.put("a", "good")
        ticks.append(lanes.claim(1, 30.0, "me").tick)

        assert len(ticks) > 2
        assert ticks == sorted(set(ticks))
        lanes.check()

    def test_a_cancelled_job_is_gone(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """Ready or delayed, it is returned and never runs; what is leased, done, dead or unknown is left alone."""
        ready, leased, delayed, done = (
            *lanes.put("a", "ready", delay=-1.0),
            *lanes.put("b", "leased", delay=-3.0),
            *lanes.put("a", "delayed", delay=5.0),
            *lanes.put("c", "done", delay=-2.0),
        )
        limit(lanes, "a", paused=True)
        kept, gone = sorted(lanes.take(), key=lambda lease: lease.job.id)
        lanes.ack([gone])
        ids = [done, delayed, leased, ready, "no such job", "f" * 11, ready]

        assert [job.id for job in lanes.cancel(ids)] == [delayed, ready]

        limit(lanes, "a", paused=None)
        clock.advance(5.0)
        assert lanes.names() == []
        assert lanes.ack([kept]) == []
        assert (lanes.stats().cancelled, lanes.read(["a"])[0].stats.cancelled) == (2, 2)
        assert lanes.cancel([ready]) == []

    def test_cancelling_the_first_job_lets_the_next_count(self, backend: Backend) -> None:
        """A lane whose rank depends on its first job is ranked anew, and one without jobs waits no more."""
        lanes = DrivenLanes(backend, "gpu", Bid())
        (first,) = lanes.put("a", "high", bid=9.0)
        (only,) = lanes.put("c", "only", bid=20.0)
        lanes.put("a", "low", bid=1.0)
        lanes.put("b", "middle", bid=5.0)

        lanes.cancel([first, only])

        assert lanes.names() == ["middle", "low"]
        lanes.check()

    def test_a_lane_whose_jobs_were_all_cancelled_starts_anew(self, lanes: DrivenLanes) -> None:
        """It waits no more, and does when the next job comes, limits or not."""
        lanes.update([LaneUpdate(key="a", limits={"max_in_flight": 1})])
        lanes.put("a", "1")
        (lease,) = lanes.take()
        lanes.cancel(lanes.put("a", "2", "3"))
        assert lanes.read(["a"])[0].blocked == ""
        assert (lanes.stats().backlogged, lanes.stats().blocked) == (0, 0)

        lanes.enqueue([NewJob(lane="a", body=b"4", content_type="")])
        assert (lanes.names(), lanes.read(["a"])[0].blocked) == ([], "max_in_flight")
        lanes.ack([lease])
        assert lanes.names() == ["4"]
