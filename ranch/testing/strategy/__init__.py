"""What every strategy must do, and what one says of itself, on random histories."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ranch.testing.histories import check_agreement
from ranch.testing.openers import Opener, open_memory, opener
from ranch.testing.strategy.intervals import Share, largest_difference, shares
from ranch.testing.strategy.play import LANES, History, Job, Pick, Play, Waiting, histories
from ranch.testing.strategy.twins import check_twin
from ranch.typing import Strategy

__all__ = ["Pick", "Share", "StrategySuite", "Waiting"]

#: What rounding may add to a bound.
_ROUNDING: Final = 1e-9
#: So many jobs are claimed at a time where the strategy is asked after they were.
_BATCH: Final = 4
#: Of each lane, for these batches.
_FILL: Final = 40
#: The most events of a history: for what must hold over any interval, and for what one moment can show.
_LONG: Final = 300
_SHORT: Final = 100


class StrategySuite:
    """Holds a strategy to its contract: subclass it in a test module, with a name that begins with ``Test``.

    A subclass gives `strategy`, and states what the strategy promises beyond that: a `bound`, a rule for each pick in
    `check_pick`, the `patience` that a lane may need. What is not stated is not tested.

    What every strategy must do: answer the same when asked the same, give finite ranks, read nothing but what it
    declares in `reads`, and make the same picks on each store as in memory; on Redis without a Lua twin, for one client
    that claims one job at a time, and beyond that lose no job and keep to its `bound` but for the jobs of a batch.
    """

    #: What is tested.
    strategy: ClassVar[Strategy]
    #: The claims after which a lane that waits has been served, whatever jobs come to the other four, if a second
    #: passes with each claim. None: the strategy does not promise it.
    patience: ClassVar[int | None] = None
    #: Weights of lanes, each drawn once for a history.
    weights: ClassVar[SearchStrategy[float]] = st.sampled_from([0.25, 0.5, 1.0, 1.7, 3.0])
    #: Costs of jobs.
    costs: ClassVar[SearchStrategy[float]] = st.sampled_from([0.5, 1.0, 2.0, 5.0])
    #: Bids of jobs' own.
    bids: ClassVar[SearchStrategy[float | None]] = st.sampled_from([None, None, 0.0, 4.5, -1.5])
    #: Changes to lanes' custom data, for a strategy that reads them: mappings of names to values.
    data: ClassVar[SearchStrategy[Mapping[str, Any]]] = st.just({})
    #: How many histories are tried for the bound and for the picks that the strategy states; fewer for the rest.
    examples: ClassVar[int] = 200

    def charge(self, pick: Pick) -> float:
        """Return what a service counts against its lane in `bound`; by default ``weight * cost``."""
        return pick.lane.weight * pick.cost

    def bound(self, one: Share, other: Share) -> float | None:
        """Return how far the charges of two lanes may differ on any interval in which both have jobs throughout.

        By default None: the strategy states no bound.
        """
        return None

    def check_pick(self, pick: Pick) -> None:
        """Assert what the strategy says of each claim: which of the lanes that wait it serves.

        By default nothing is said.
        """

    # The tests

    def test_it_answers_the_same_when_asked_the_same(self) -> None:
        """A rank follows from what the strategy is shown and from nothing else: no state, no chance, no time."""

        def check(play: Play, history: History) -> None:
            list(play.run(history.events))
            play.witness.check_pure()

        self._try(check)

    def test_it_gives_finite_ranks(self) -> None:
        """Whatever it is shown, the answer is a number, neither infinite nor NaN."""

        def check(play: Play, history: History) -> None:
            list(play.run(history.events))
            play.witness.check_finite()

        self._try(check)

    def test_it_reads_what_it_declares(self) -> None:
        """It looks at nothing that its `reads` does not name, and changes nothing: Redis would not show it."""

        def check(play: Play, history: History) -> None:
            list(play.run(history.events))
            list(play.drain())

        self._try(check)

    def test_no_claim_goes_without_while_a_job_waits(self) -> None:
        """Work conserving: there is a job for each claim while there is one, and at the end all were served."""

        def check(play: Play, history: History) -> None:
            served = [*play.run(history.events), *play.drain()]
            assert len(served) == sum(isinstance(event, Job) for event in history.events)

        self._try(check)

    def test_the_lowest_rank_is_served_and_ties_go_to_the_least_recently_served(self) -> None:
        """Each pick follows from the ranks: of two equal ones, the lane that was not served for longer goes first."""

        def check(play: Play, history: History) -> None:
            for pick in play.run(history.events):
                ranks = {lane.key: (play.ranks_before[lane.key], lane.turn) for lane in pick.waiting}
                assert pick.lane.key == min(ranks, key=ranks.__getitem__), f"of {ranks} it is {pick.lane.key!r}"

        self._try(check)

    def test_nobody_starves(self) -> None:
        """A lane that waits is served within the `patience` that is stated, while the others never run out of jobs."""
        patience = self.patience
        if patience is None:
            pytest.skip(f"{self.strategy!r} does not promise it: no `patience` is stated")

        def check(play: Play, history: History, draw: st.DataObject) -> None:
            list(play.run(history.events))
            lane = draw.draw(st.sampled_from(LANES))
            costs = draw.draw(st.lists(self.costs, min_size=1, max_size=20))
            play.enqueue(Job(lane, costs[0], 3))
            for number in range(patience):
                for other in LANES:
                    # Two, so that a lane that is served has another one still: it must not seem to come anew.
                    while other != lane and play.pending(other) < 2:
                        play.enqueue(Job(other, costs[number % len(costs)], 3))
                play.clock.advance(1.0)
                pick = play.claim()
                if pick and pick.lane.key == lane:
                    return
            raise AssertionError(f"lane {lane!r} has waited for {patience} claims")

        self._try_drawing(check, self.examples // 8, _SHORT)

    def test_the_bound_holds(self) -> None:
        """No two lanes come further apart than `bound` says, on any interval in which both have jobs throughout."""
        if self.bound(Share("a", 1.0, 1.0), Share("b", 1.0, 1.0)) is None:
            pytest.skip(f"no `bound` is stated for {self.strategy!r}")

        def check(play: Play, history: History) -> None:
            picks = [*play.run(history.events), *play.drain()]
            for one, other in combinations(shares(picks, dict(history.weights)), 2):
                bound = self.bound(one, other)
                assert bound is not None
                difference = largest_difference(picks, one.key, other.key, self.charge)
                assert difference <= bound + _ROUNDING, f"{one} and {other} are {difference} apart, and {bound} allowed"

        self._try_stated(check)

    def test_each_pick_is_as_stated(self) -> None:
        """`check_pick` holds for each claim."""
        if type(self).check_pick is StrategySuite.check_pick:
            pytest.skip(f"no `check_pick` is stated for {self.strategy!r}")

        def check(play: Play, history: History) -> None:
            for pick in play.run(history.events):
                self.check_pick(pick)
            for pick in play.drain():
                self.check_pick(pick)

        self._try_stated(check)

    def test_the_twin_is_its_definition(self, request: pytest.FixtureRequest) -> None:
        """Asked what the strategy was asked, the Lua twin gives the same rank, to the last bit."""
        if self.strategy.lua is None:
            pytest.skip(f"{self.strategy!r} has no Lua twin")
        with redis.Redis.from_url(request.getfixturevalue("ranch_redis").url) as client:

            def check(play: Play, history: History) -> None:
                list(play.run(history.events))
                check_twin(self.strategy, play.witness.answers, client)

            self._try(check)

    @pytest.mark.parametrize("store", ["sqlite", "redis"])
    def test_the_picks_are_those_of_memory(self, store: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        """On every store the same jobs come in the same order; on Redis it is the Lua twin that chooses.

        Without a twin that holds there for one client that claims one job at a time.
        """
        opened = opener(store, request, tmp_path)
        if store == "redis" and self.strategy.lua is None:

            def check(play: Play, history: History) -> None:
                there = Play(self.strategy, history.weights, opened)
                picks = [[pick.lane.key for pick in (*on.run(history.events), *on.drain())] for on in (play, there)]
                assert picks[0] == picks[1]

            return self._try(check)
        return check_agreement(
            [open_memory, opened],
            [self.strategy],
            weights=self.weights,
            costs=self.costs,
            bids=self.bids,
            data=self.data,
            examples=(self.examples if store == "redis" else self.examples // 3) * 3 // 10,
        )

    def test_without_a_twin_nothing_is_lost_on_redis(self, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        """Whatever happens there, no job is lost or doubled, and no claim goes without while one waits."""
        check_agreement(
            [self._asked_on_redis(request, tmp_path)],
            [self.strategy],
            weights=self.weights,
            costs=self.costs,
            bids=self.bids,
            data=self.data,
            examples=self.examples // 5,
        )

    def test_without_a_twin_the_bound_holds_on_redis_but_for_a_batch(
        self, request: pytest.FixtureRequest, tmp_path: Path
    ) -> None:
        """Where jobs are claimed four at a time, two lanes come apart by the `bound` and four services of one more."""
        opened = self._asked_on_redis(request, tmp_path)
        if self.bound(Share("a", 1.0, 1.0), Share("b", 1.0, 1.0)) is None:
            pytest.skip(f"no `bound` is stated for {self.strategy!r}")

        def check(_: Play, history: History, draw: st.DataObject) -> None:
            costs = draw.draw(st.lists(self.costs, min_size=1, max_size=20))
            play = Play(self.strategy, history.weights, opened)
            for number in range(_FILL):
                for lane in LANES:
                    play.enqueue(Job(lane, costs[number % len(costs)], 3))
            picks = list(play.drain(_BATCH))
            for one, other in combinations(shares(picks, dict(history.weights)), 2):
                bound = self.bound(one, other)
                assert bound is not None
                charges = [self.charge(pick) for pick in picks if pick.lane.key in {one.key, other.key}]
                allowed = bound + _BATCH * max(charges)
                difference = largest_difference(picks, one.key, other.key, self.charge)
                assert difference <= allowed, f"{one} and {other} are {difference} apart, and {allowed} allowed"

        self._try_drawing(check, self.examples // 8, _SHORT)

    def _asked_on_redis(self, request: pytest.FixtureRequest, folder: Path) -> Opener:
        if self.strategy.lua is not None:
            pytest.skip(f"{self.strategy!r} has a Lua twin, so it is not asked in Python there")
        return opener("redis", request, folder)

    # Their machinery

    def _try(self, check: Callable[[Play, History], None]) -> None:
        self._try_drawing(lambda play, history, _: check(play, history), self.examples // 4, _SHORT)

    def _try_stated(self, check: Callable[[Play, History], None]) -> None:
        self._try_drawing(lambda play, history, _: check(play, history), self.examples, _LONG)

    def _try_drawing(self, check: Callable[[Play, History, st.DataObject], None], examples: int, length: int) -> None:
        @settings(max_examples=examples, deadline=None, report_multiple_bugs=False)
        @given(history=histories(self.weights, self.costs, self.bids, self.data, length), draw=st.data())
        def on_a_random_history(history: History, draw: st.DataObject) -> None:
            check(Play(self.strategy, history.weights), history, draw)

        on_a_random_history()
