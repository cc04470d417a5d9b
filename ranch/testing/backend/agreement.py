"""The picks of memory, which has the algorithm in its plainest form, are everybody's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from hypothesis import strategies as st

from ranch.hooks.manager import Plugins
from ranch.metadata import LaneMetadata
from ranch.strategies import Bid, Lottery, PriorityClasses, RoundRobin, WeightedLRU
from ranch.testing.backend.case import BackendCase
from ranch.testing.histories import check_agreement
from ranch.testing.openers import Opener, open_memory
from ranch.testing.unshipped import Due, NoTwin, Unshipped
from ranch.typing import Strategy, WeightFunction


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
    examples: ClassVar[int] = 60

    def test_it_makes_the_same_picks_as_memory(self) -> None:
        """Every pick, number and refusal is the same, whatever happens, under each strategy that ships and after each
        change of it, which a second process follows.
        """
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
        self._check([open_memory, self.open], strategies, None, self.examples)

    def test_it_shows_the_same_to_a_weight_function_as_memory(self) -> None:
        """So its picks are the same where weights follow from everything that lanes have."""
        self._check([open_memory, self.open], [WeightedLRU()], by_all_there_is, max(1, self.examples // 5))

    def test_without_a_twin_nothing_is_lost(self) -> None:
        """Under a strategy that the store cannot run itself, no job is lost, and none waits while somebody asks."""
        self._check([self.open], [NoTwin(), WeightedLRU()], None, max(1, self.examples // 4))

    def _check(
        self, openers: Sequence[Opener], strategies: Sequence[Strategy], function: WeightFunction | None, examples: int
    ) -> None:
        check_agreement(
            openers,
            strategies,
            weights=st.sampled_from([0.5, 1.0, 2.0, 7.3]),
            costs=st.sampled_from([1.0, 0.5, 3.0]),
            bids=st.sampled_from([None, None, 0, 4.5, -1.5]),
            data=st.fixed_dictionaries({}, optional=dict.fromkeys(["bid", "priority", "due in"], _NUMBERS)),
            weight_function=function,
            plugins=Plugins([Unshipped]),
            examples=examples,
        )
