"""What the suite for strategies finds: each fault in the test that is named for it."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from attrs import frozen
from hypothesis import strategies as st

from ranch.strategies import RoundRobin, WeightedLRU
from ranch.testing import Pick, Share, StrategySuite
from ranch.typing import LaneView, QueueClock, Strategy


@frozen
class Flawed(Strategy):
    """Round-robin, until a method is replaced."""

    def enter(self, lane: LaneView, clock: QueueClock) -> float:
        return clock.tick

    def served(self, lane: LaneView, clock: QueueClock, cost: float) -> float:
        return clock.tick


class Chance(Flawed):
    def served(self, lane: LaneView, clock: QueueClock, cost: float) -> float:
        return random.random()


class Remembers(Flawed):
    calls = itertools.count()

    def enter(self, lane: LaneView, clock: QueueClock) -> float:
        return next(self.calls)


class Endless(Flawed):
    def served(self, lane: LaneView, clock: QueueClock, cost: float) -> float:
        return float("inf") if cost > 1 else clock.tick


class Nothing(Flawed):
    def enter(self, lane: LaneView, clock: QueueClock) -> Any:
        return None


class ReadsBidSecretly(Flawed):
    def enter(self, lane: LaneView, clock: QueueClock) -> float:
        return -(lane.bid or 0.0)


class ReadsCostSecretly(Flawed):
    def enter(self, lane: LaneView, clock: QueueClock) -> float:
        return lane.cost


class ReadsDataSecretly(Flawed):
    reads = frozenset({"head", "data.bid"})

    def enter(self, lane: LaneView, clock: QueueClock) -> float:
        return lane.data.get("bid", 0.0) + lane.data.get("deadline", 0.0)


class ReadsHeadSecretly(Flawed):
    def served(self, lane: LaneView, clock: QueueClock, cost: float) -> float:
        return lane.since


class LooksBehind(Flawed):
    def enter(self, lane: Any, clock: QueueClock) -> float:
        return float(lane.pending)


class Writes(Flawed):
    def enter(self, lane: Any, clock: QueueClock) -> float:
        lane.tag = 0.0
        return clock.tick


class Raises(Flawed):
    def served(self, lane: LaneView, clock: QueueClock, cost: float) -> float:
        raise ZeroDivisionError


class Greedy(Flawed):
    """Whoever is served goes on being served."""

    def served(self, lane: LaneView, clock: QueueClock, cost: float) -> float:
        return lane.tag


def suite_of(strategy: Strategy, **stated: Any) -> StrategySuite:
    """Return the suite as an author would make it."""
    return type("TestIt", (StrategySuite,), {"strategy": strategy, "examples": 100, **stated})()


@pytest.mark.parametrize(
    ("flawed", "test", "said"),
    [
        (Chance(), "test_it_answers_the_same_when_asked_the_same", "when it was asked again"),
        (Remembers(), "test_it_answers_the_same_when_asked_the_same", "when it was asked again"),
        (Nothing(), "test_it_gives_finite_ranks", "gave None: a rank is a finite number"),
        (Endless(), "test_it_gives_finite_ranks", "a rank is a finite number"),
        (ReadsBidSecretly(), "test_it_reads_what_it_declares", "reads lane.bid, and its `reads` does not name 'head'"),
        (ReadsCostSecretly(), "test_it_reads_what_it_declares", "its `reads` does not name 'cost'"),
        (ReadsDataSecretly(), "test_it_reads_what_it_declares", "its `reads` does not name 'data.deadline'"),
        (ReadsHeadSecretly(), "test_it_reads_what_it_declares", "its `reads` does not name 'head'"),
        (LooksBehind(), "test_it_reads_what_it_declares", "reads lane.pending, and it sees of a lane bid, "),
        (Writes(), "test_it_reads_what_it_declares", "sets lane.tag, and it only may look"),
        (Greedy(), "test_nobody_starves", "has waited for 50 claims"),
        (Greedy(), "test_the_bound_holds", "apart, and 1.0 allowed"),
        (Greedy(), "test_each_pick_is_as_stated", "longest ago"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Flawed) else value.split(",")[0],
)
def test_a_fault_is_found(flawed: Strategy, test: str, said: str) -> None:
    """The error says what is wrong."""

    def check_pick(self: StrategySuite, pick: Pick) -> None:
        assert pick.lane == min(pick.waiting, key=lambda lane: lane.turn), "not who was served longest ago"

    stated = {"patience": 50, "charge": lambda *_: 1.0, "bound": lambda *_: 1.0, "check_pick": check_pick}
    suite = suite_of(flawed, **stated)

    with pytest.raises(AssertionError, match=said):
        getattr(suite, test)()


def test_an_error_of_the_strategy_is_raised() -> None:
    """Where a backend would log it and go on."""
    with pytest.raises(ZeroDivisionError):
        suite_of(Raises()).test_it_gives_finite_ranks()


class Twin(RoundRobin):
    """Has a wrong twin: it charges by cost."""

    lua = """
local function enter(lane, clock)
  return clock.tick
end

local function served(lane, clock, cost)
  return clock.tick - cost
end
"""


def test_a_twin_that_differs_is_found(request: pytest.FixtureRequest) -> None:
    """By a rank that it gives otherwise."""
    with pytest.raises(AssertionError, match=r"served gives .*, and the twin .*, for "):
        suite_of(Twin()).test_the_twin_is_its_definition(request)


def test_a_bound_that_is_too_tight_is_found() -> None:
    """Half of what start-time fair queueing promises does not hold: intervals are searched for the worst."""

    def bound(self: StrategySuite, one: Share, other: Share) -> float:
        return (one.largest_cost * one.weight + other.largest_cost * other.weight) / 2

    with pytest.raises(AssertionError, match="apart"):
        suite_of(WeightedLRU(), bound=bound, weights=st.just(1.0)).test_the_bound_holds()


def test_what_is_not_stated_is_not_tested() -> None:
    """And says so."""
    for test in ("test_nobody_starves", "test_the_bound_holds", "test_each_pick_is_as_stated"):
        with pytest.raises(pytest.skip.Exception, match="stated"):
            getattr(suite_of(RoundRobin()), test)()
