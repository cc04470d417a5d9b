"""The strategies that ship, held to the suite that plugins are held to, and each to what it says of itself."""

from __future__ import annotations

from hypothesis import strategies as st

from ranch.strategies import Bid, Lottery, PriorityClasses, RoundRobin, WeightedLRU
from ranch.testing import Pick, Share, StrategySuite, Waiting
from ranch.testing.unshipped import NoTwin


class TestWeightedLRU(StrategySuite):
    """|S_i w_i - S_j w_j| <= cmax_i w_i + cmax_j w_j on every interval in which both lanes are backlogged."""

    strategy = WeightedLRU()
    # The costliest job puts its lane 5 * 3 behind, and four others come nearer by 0.5 * 0.25 at least with each job.
    patience = 4 * 120 + 1

    def bound(self, one: Share, other: Share) -> float:
        return one.largest_cost * one.weight + other.largest_cost * other.weight


class TestWithoutATwin(TestWeightedLRU):
    """The same bound where only the client knows the strategy."""

    strategy = NoTwin()
    examples = 100


class TestFairlyEnteredWeightedLRU(TestWeightedLRU):
    """The same bound, however lanes enter."""

    strategy = WeightedLRU(entry="fair")


class TestRoundRobin(StrategySuite):
    """Two lanes backlogged throughout an interval are served equally often in it, up to one job."""

    strategy = RoundRobin()
    patience = 5

    def charge(self, pick: Pick) -> float:
        return 1.0

    def bound(self, one: Share, other: Share) -> float:
        return 1.0


class TestBid(StrategySuite):
    """At each claim the lane served has the highest of its head job's bid, or its own, plus ageing * waiting."""

    strategy = Bid()
    bids = st.sampled_from([None, None, 0.0, 3.0, -40.0])
    data = st.fixed_dictionaries({"bid": st.sampled_from([None, 0, 1, 2.5, 40.0, -3])})

    def check_pick(self, pick: Pick) -> None:
        assert (
            self.effective(pick.lane, pick.now) >= max(self.effective(lane, pick.now) for lane in pick.waiting) - 1e-6
        )

    def effective(self, lane: Waiting, now: float) -> float:
        bid = lane.data.get("bid", 0.0) if lane.bid is None else lane.bid
        return bid + self.strategy.ageing * (now - lane.since)


class TestSlowlyAgeingBid(TestBid):
    """Beside that, a lower bid is served in the end."""

    strategy = Bid(ageing=0.05)
    examples = 70
    # 80 points are made up for in 1600 seconds, and up to 100 jobs may have waited longer.
    patience = 1600 + 100


class TestQuicklyAgeingBid(TestBid):
    """The same with other numbers."""

    strategy = Bid(ageing=2.0)
    examples = 70
    patience = 40 + 100


class TestPriority(StrategySuite):
    """A class is worth a minute of waiting; what that means for two jobs is in `test_priority`."""

    strategy = PriorityClasses()
    data = st.fixed_dictionaries({"priority": st.sampled_from([None, 1, 2, 2.5, 3, 6])})
    # Five classes are made up for in 300 seconds, and by then each of the others may be before it once more.
    patience = 300 + 4 + 1


class TestLottery(StrategySuite):
    """Nobody is promised a turn by a time, and shares are a matter of chance: `test_lottery` has the odds."""

    strategy = Lottery(seed=7)
