"""The weight functions that ship: each keeps to the formula in its docstring."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranch import Queue
from ranch.hooks.manager import Plugins
from ranch.metadata import LaneMetadata
from ranch.testing import WeightFunctionSuite
from ranch.weights import ByBacklog, ByBid, ByTag, Static

WEIGHTS = st.floats(1e-3, 1e3)
COUNTS = st.integers(0, 10**9)
NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))


def test_built_ins_come_through_the_front_door() -> None:
    """The functions that ship are found as a stranger's would be, and chosen by name and options."""
    plugins = Plugins()

    assert {record.name for record in plugins.weight_functions} == {"static", "tag", "bid", "backlog"}
    assert all(record.summary for record in plugins.weight_functions)
    assert plugins.weight_function("static") == Static()
    assert plugins.weight_function({"name": "bid", "highest": 4}) == ByBid(highest=4.0)
    chosen = plugins.weight_function({"name": "tag", "tag": "plan", "weights": {"gold": 0.5}})
    assert chosen == ByTag(tag="plan", weights={"gold": 0.5})


@given(WEIGHTS)
def test_static_is_the_weight_that_was_set(weight: float) -> None:
    """No more and no less."""
    assert Static()("a", LaneMetadata(weight=weight, data={"bid": 7})) == weight


@given(WEIGHTS)
def test_tag_is_a_table(weight: float) -> None:
    """What is in it weighs that; what is not weighs the default, or what was set."""
    by_tag = ByTag(tag="plan", weights={"gold": 0.5, "free": 4.0})
    strict = ByTag(tag="plan", weights={"gold": 0.5}, default=2.0)

    for value, weighs in (("gold", 0.5), ("free", 4.0), ("other", weight)):
        assert by_tag("a", LaneMetadata(weight=weight, tags={"plan": value})) == weighs
    assert by_tag("a", LaneMetadata(weight=weight, tags={"other": "gold"})) == weight
    assert strict("a", LaneMetadata(weight=weight)) == 2.0


@pytest.mark.parametrize("weights", [{"gold": 0.0}, {"gold": -1.0}, {"gold": math.nan}])
def test_a_table_of_no_weights_is_refused(weights: dict[str, float]) -> None:
    """Where it is written, not when a lane needs it."""
    with pytest.raises(ValueError, match="weights"):
        ByTag(tag="plan", weights=weights)


@given(NUMBERS, NUMBERS)
def test_a_higher_bid_never_weighs_more(one: float, other: float) -> None:
    """And whatever is bid is a weight between the bounds."""
    by_bid = ByBid(lowest=0.1, highest=10.0)
    low, high = (by_bid("a", LaneMetadata(data={"bid": bid})) for bid in sorted((one, other)))

    assert 0.1 <= high <= low <= 10.0


@given(st.floats(0.1, 10.0))
def test_a_share_is_in_proportion_to_the_bid(bid: float) -> None:
    """Between the bounds the weight is 1 / bid."""
    assert ByBid(entry="offer")("a", LaneMetadata(data={"offer": bid})) == 1 / bid


@pytest.mark.parametrize("bid", [None, "5", True, [5]])
def test_without_a_bid_a_lane_weighs_what_was_set(bid: object) -> None:
    """What is no number is no bid."""
    assert ByBid()("a", LaneMetadata(weight=3.0, data={"bid": bid})) == 3.0


@given(WEIGHTS, COUNTS, COUNTS, st.one_of(st.none(), st.floats(0, 1e9)))
def test_backlog_keeps_between_its_bounds(weight: float, less: int, more: int, mean_time: float | None) -> None:
    """Whatever waits and however long it takes; and a longer backlog never weighs more."""
    by_backlog = ByBacklog()
    fewer, many = sorted((less, more))
    high, low = (
        by_backlog("a", LaneMetadata(weight=weight, pending=pending, mean_time=mean_time)) for pending in (fewer, many)
    )

    assert 0.25 * weight <= low <= high <= 4.0 * weight


@given(COUNTS, st.floats(0, 1e9), st.floats(0, 1e9))
def test_longer_jobs_never_weigh_less(pending: int, one: float, other: float) -> None:
    """Shares are of time."""
    by_backlog = ByBacklog()
    short, long = (by_backlog("a", LaneMetadata(pending=pending, mean_time=time)) for time in sorted((one, other)))

    assert short <= long


@pytest.mark.parametrize(
    ("pending", "mean_time", "weight"),
    [(0, None, 2.0), (100, None, 1.0), (100, 2.0, 2.0), (0, 0.5, 1.0), (10**6, 1.0, 0.5), (0, 60.0, 8.0), (33, 1, 1.5)],
)
def test_backlog_keeps_to_its_formula(pending: int, mean_time: float | None, weight: float) -> None:
    """Of a lane whose weight was set to 2."""
    assert ByBacklog()("a", LaneMetadata(weight=2.0, pending=pending, mean_time=mean_time)) == weight


def test_time_can_be_left_out() -> None:
    """Then the backlog alone decides."""
    assert ByBacklog(seconds=None)("a", LaneMetadata(pending=100, mean_time=50.0)) == 0.5


def test_bids_share_a_queue_in_proportion() -> None:
    """End to end: under the default strategy a lane that bids three times as much is served three times as often."""
    queue = Queue("ads", backend="memory://", weight_function="bid")
    queue.lane("one").update(data={"bid": 1})
    queue.lane("three").update(data={"bid": 3})
    queue.enqueue_many([(lane, None) for lane in ("one", "three") for _ in range(100)])

    lanes = [lease.job.lane for lease in queue.claim_many(80)]
    assert (lanes.count("one"), lanes.count("three")) == (20, 60)


class TestStatic(WeightFunctionSuite):
    """Held to the suite that plugins are held to, as the others are."""

    weight_function = Static()


class TestByTag(WeightFunctionSuite):
    weight_function = ByTag(tag="plan", weights={"gold": 0.5, "free": 4.0}, default=2.0)
    tags = {"plan": st.sampled_from(["gold", "free", "none"])}  # noqa: RUF012 - as the suite has it


class TestByBid(WeightFunctionSuite):
    weight_function = ByBid()


class TestByBacklog(WeightFunctionSuite):
    weight_function = ByBacklog(jobs=3)
