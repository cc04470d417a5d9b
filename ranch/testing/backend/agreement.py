"""The picks of memory, which has the algorithm in its plainest form, are everybody's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from attrs import frozen
from hypothesis import strategies as st

from ranch.backends.memory import MemoryBackend
from ranch.metadata import LaneMetadata
from ranch.strategies import Bid, Lottery, PriorityClasses, RoundRobin, WeightedLRU
from ranch.testing.backend.case import BackendCase
from ranch.testing.histories import check_agreement
from ranch.typing import LaneView, QueueClock, Strategy, WeightFunction


@frozen
class Due(Strategy):
    """The lane whose owner needs it soonest, and of those whose next job is the smallest: it reads all there is."""

    reads: ClassVar[frozenset[str]] = frozenset({"data.due in", "head"})
    lua: ClassVar[str | None] = """
    local function enter(lane, clock)
      return (lane.data["due in"] or 1e6) + lane.cost / 16 + lane.priority / 64 + (lane.data.bid or 0)
    end
    local function served(lane, clock, cost) return enter(lane, clock) end
    """

    def enter(self, lane: LaneView, clock: QueueClock) -> float:
        return lane.data.get("due in", 1e6) + lane.cost / 16 + lane.priority / 64 + lane.data.get("bid", 0)

    def served(self, lane: LaneView, clock: QueueClock, cost: float) -> float:
        return self.enter(lane, clock)


def by_all_there_is(lane_key: str, metadata: LaneMetadata) -> float:
    """Weigh a lane by everything that a function is shown, and fail now and then."""
    bid: Any = metadata.data.get("bid") or 0.0
    jobs = metadata.pending + 2 * metadata.delayed + metadata.leased / 4
    return float(metadata.weight + bid / 2 + len(metadata.tags) + jobs)


#: Some are no numbers, some the same number otherwise spelled.
_NUMBERS: Final = st.sampled_from([None, 0, 1, 1.0, 2.5, -3, "4", True, 10**400])


class Agreement(BackendCase):
    """A random history, played here and in memory."""

    #: How many histories are tried.
    examples: ClassVar[int] = 160

    def test_it_makes_the_same_picks_as_memory(self) -> None:
        """Every pick, number and refusal is the same, under each strategy that ships, whatever happens."""
        strategies = [
            WeightedLRU(),
            WeightedLRU(entry="fair"),
            RoundRobin(),
            Bid(),
            Bid(ageing=0.05),
            PriorityClasses(step=0.7),
            Lottery(seed=7),
            Due(),
        ]
        self._check(strategies, None, self.examples)

    def test_it_shows_the_same_to_a_weight_function_as_memory(self) -> None:
        """So its picks are the same where weights follow from everything that lanes have."""
        self._check([WeightedLRU()], by_all_there_is, max(1, self.examples // 5))

    def _check(self, strategies: Sequence[Strategy], function: WeightFunction | None, examples: int) -> None:
        check_agreement(
            [lambda clock: MemoryBackend(clock=clock), self.open],
            strategies,
            weights=st.sampled_from([0.5, 1.0, 2.0, 7.3]),
            costs=st.sampled_from([1.0, 0.5, 3.0]),
            bids=st.sampled_from([None, None, 0, 4.5, -1.5]),
            data=st.fixed_dictionaries({}, optional=dict.fromkeys(["bid", "priority", "due in"], _NUMBERS)),
            weight_function=function,
            examples=examples,
        )
