"""What the suite for weight functions finds: each fault in the test that is named for it."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen
from hypothesis import strategies as st

from ranch.metadata import LaneMetadata
from ranch.testing import WeightFunctionSuite
from ranch.weigher import Weigher

_calls = itertools.count(1)


def by_impact(lane_key: str, metadata: LaneMetadata) -> Any:
    """Trust that there is a number."""
    return metadata.data.get("impact", 1.0)


def one_over_pending(lane_key: str, metadata: LaneMetadata) -> float:
    """Forget that a lane may be empty."""
    return 1 / metadata.pending


def free_for_gold(lane_key: str, metadata: LaneMetadata) -> float:
    """Give no weight to some."""
    return 0.0 if metadata.tags.get("plan") == "gold" else 1.0


def by_number_of_tags(lane_key: str, metadata: LaneMetadata) -> float:
    """Look at all tags."""
    return float(len(metadata.tags))


def remembers(lane_key: str, metadata: LaneMetadata) -> float:
    """Answer otherwise each time."""
    return float(next(_calls))


def takes_long(lane_key: str, metadata: LaneMetadata) -> float:
    """Hold claims up."""
    time.sleep(0.002)
    return 1.0


def by_unmeasured_time(lane_key: str, metadata: LaneMetadata) -> float:
    """Read what is not measured."""
    return metadata.mean_time or 1.0


@frozen
class Forgetful:
    """Has an option that is no field."""

    weights: Any = field(default=1.0)

    def __reduce__(self) -> Any:
        return Forgetful, ()

    def __call__(self, lane_key: str, metadata: LaneMetadata) -> float:
        return float(self.weights)


def suite_of(function: Any, **stated: Any) -> WeightFunctionSuite:
    """Return the suite as an author would make it."""
    return type("TestIt", (WeightFunctionSuite,), {"weight_function": function, **stated})()


@pytest.mark.parametrize(
    ("flawed", "test", "said"),
    [
        (by_impact, "test_it_gives_a_weight_whatever_it_is_shown", "by_impact.*: a weight .*, for lane .*'impact'"),
        (
            one_over_pending,
            "test_it_gives_a_weight_whatever_it_is_shown",
            "one_over_pending .* raises ZeroDivisionError: .*, for lane .* with LaneMetadata.*pending=0",
        ),
        (free_for_gold, "test_it_gives_a_weight_whatever_it_is_shown", "a weight must be a finite number > 0, not 0.0"),
        (by_number_of_tags, "test_it_gives_a_weight_whatever_it_is_shown", "a weight must be a finite number > 0"),
        (remembers, "test_it_answers_the_same_when_asked_the_same", "gave .*, and .* when it was asked again"),
        (by_unmeasured_time, "test_it_reads_the_time_of_jobs_only_if_it_says_so", "no attribute `reads` that names it"),
        (lambda *_: 1.0, "test_another_process_can_have_the_same", "can neither be pickled nor be made of its options"),
        (Forgetful(2.0), "test_another_process_can_have_the_same", "gave 2.0, and its copy 1.0"),
        (takes_long, "test_it_is_quick", "takes_long .* takes 0.002. s, and 0.001 s are allowed"),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__) if callable(value) else value.split(",")[0],
)
def test_a_fault_is_found(flawed: Any, test: str, said: str) -> None:
    """The error names the function and says what is wrong, for which lane."""
    stated = {"tags": {"plan": st.sampled_from(["gold", "free"])}}

    with pytest.raises(AssertionError, match=said):
        getattr(suite_of(flawed, **stated), test)()


def test_weights_that_differ_between_backends_are_found(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """By a history after which a lane weighs one thing here and another there."""
    with pytest.raises(AssertionError, match="effective_weight"):
        suite_of(remembers).test_lanes_weigh_the_same_on_every_backend("sqlite", request, tmp_path)


def test_a_function_that_is_asked_too_often_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here because the queue forgets at which lanes it has looked."""
    monkeypatch.setattr(Weigher, "_remember", lambda *_: None)

    with pytest.raises(AssertionError, match=r"was asked .* for lanes that are served, and it should be"):
        suite_of(by_impact).test_it_is_asked_no_more_than_stated()


def test_values_may_be_stated(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """A function that promises a weight for numbers only is asked about no others, and passes."""
    suite = suite_of(by_impact, data={"impact": st.floats(0.1, 9.0)})

    for test in [name for name in dir(WeightFunctionSuite) if name.startswith("test_")]:
        stores = [("sqlite", request, tmp_path)] if "backend" in test else [()]
        for arguments in stores:
            getattr(suite, test)(*arguments)
