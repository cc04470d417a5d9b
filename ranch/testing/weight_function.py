"""What every weight function must do, whatever it is shown of a lane."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, ClassVar, Final

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ranch.checks import checked_number
from ranch.choice import StrategyChoice
from ranch.exceptions import InvalidJob, RanchError
from ranch.metadata import LaneMetadata
from ranch.queue import Queue
from ranch.strategies import WeightedLRU
from ranch.structure import structure
from ranch.testing.drawn import Drawn
from ranch.testing.histories import check_agreement
from ranch.testing.openers import open_memory, opener
from ranch.testing.serializer import PLAIN
from ranch.typing import WeightFunction

#: What custom data may be: JSON, with numbers that no float holds.
_JSON: Final = PLAIN.filter(lambda value: value is not None) | st.just(10**400)
_TEXT: Final = st.text(min_size=1, max_size=10)
_JOBS: Final = st.sampled_from([0, 0, 1, 7, 10**9]) | st.integers(0, 10**6)
_TIMES: Final = st.none() | st.just(0.0) | st.floats(1e-3, 1e6)

#: How often an answer is timed.
_TIMED: Final = 201


class WeightFunctionSuite:
    """Holds a weight function to its contract: subclass it in a test module, with a name that begins with ``Test``.

    A subclass gives `weight_function`. What the function looks up in tags and custom data is found out, and made up:
    there or not, and any text, or any JSON. One that promises a weight for some values only says which.

    A function that passes is asked as seldom as is said in `WeightFunction`, and makes lanes weigh the same on every
    backend.
    """

    #: What is tested: a function, or an object that can be called.
    weight_function: ClassVar[WeightFunction]
    #: Weights that are set.
    weights: ClassVar[SearchStrategy[float]] = st.sampled_from([0.5, 1.0, 2.0]) | st.floats(1e-6, 1e6)
    #: The values of tags by name, for those of which not any text may be there.
    tags: ClassVar[Mapping[str, SearchStrategy[str]]] = {}
    #: The values of custom data by name, for those of which not any JSON may be there.
    data: ClassVar[Mapping[str, SearchStrategy[Any]]] = {}
    #: Seconds that half of its answers take at most: claims wait for them.
    longest: ClassVar[float] = 0.001
    #: How many lanes are tried; fewer histories.
    examples: ClassVar[int] = 200

    def test_it_gives_a_weight_whatever_it_is_shown(self) -> None:
        """A finite number above 0, and no error, for any lane that can be."""

        def check(draw: st.DataObject) -> None:
            key, metadata = self._lane(draw)
            try:
                checked_number(self._function(key, metadata), "a weight", positive=True)
            except InvalidJob as exc:
                raise AssertionError(f"{self._function!r}: {exc}, for lane {key!r} with {metadata}") from exc
            except Exception as exc:
                raise AssertionError(
                    f"{self._function!r} raises {type(exc).__name__}: {exc}, for lane {key!r} with {metadata}"
                ) from exc

        self._try(check, self.examples)

    def test_it_answers_the_same_when_asked_the_same(self) -> None:
        """A weight follows from what the function is shown: else processes would undo one another's work."""

        def check(draw: st.DataObject) -> None:
            lanes = [self._lane(draw) for _ in range(draw.draw(st.integers(1, 3)))]
            answers = [_outcome(self._function, *lane) for lane in lanes]
            for lane, answer in reversed(list(zip(lanes, answers, strict=True))):
                again = _outcome(self._function, *lane)
                assert again == answer, (
                    f"{self._function!r} gave {answer}, and {again} when it was asked again, for lane {lane[0]!r} "
                    f"with {lane[1]}"
                )

        self._try(check, self.examples)

    def test_it_reads_the_time_of_jobs_only_if_it_says_so(self) -> None:
        """`mean_time` is measured only for a function whose `reads` names it; another one would be shown None."""
        if "mean_time" in getattr(self._function, "reads", ()):
            return

        def check(draw: st.DataObject) -> None:
            key, metadata = self._lane(draw)
            shown = {field.name: getattr(metadata, field.name) for field in attrs.fields(LaneMetadata)}
            unread = _Unmeasured(**shown)
            _outcome(self._function, key, unread)
            assert not unread.asked, f"{self._function!r} reads mean_time, and has no attribute `reads` that names it"

        self._try(check, self.examples // 4)

    def test_another_process_can_have_the_same(self) -> None:
        """It can be pickled, or made of its options, as a configuration would; and that one gives the same weights."""
        copies = [copy for make in (_pickled, _made_of_options) if (copy := make(self._function))]
        assert copies, (
            f"{self._function!r} can neither be pickled nor be made of its options, so no other process can have the "
            "same: make it a function of a module, or an attrs class whose fields are the options"
        )

        def check(draw: st.DataObject) -> None:
            key, metadata = self._lane(draw)
            answer = _outcome(self._function, key, metadata)
            for copy in copies:
                same = _outcome(copy, key, metadata)
                assert same == answer, f"{self._function!r} gave {answer}, and its copy {same}, for {metadata}"

        self._try(check, self.examples // 4)

    def test_it_is_quick(self) -> None:
        """Half of its answers take `longest` seconds at most."""

        def check(draw: st.DataObject) -> None:
            key, metadata = self._lane(draw)
            _outcome(self._function, key, metadata)  # draws what is looked up
            took = []
            for _ in range(_TIMED):
                began = perf_counter()
                _outcome(self._function, key, metadata)
                took.append(perf_counter() - began)
            assert median(took) <= self.longest, (
                f"{self._function!r} takes {median(took):.4f} s, and {self.longest} s are allowed"
            )

        self._try(check, 5)

    def test_it_is_asked_no_more_than_stated(self) -> None:
        """Once for a change of a lane, once for a lane that is served until `weight_refresh` has passed, and once for
        each lane with a backlog at a refresh.
        """
        counted = _Counted(self._function)
        queue = Queue("q", backend="memory://", strategy=WeightedLRU(), weight_function=counted, weight_refresh=3600.0)
        queue.enqueue_many([(lane, None) for lane in "abcd" for _ in range(200)])
        counted.expect("on enqueue")
        for lane in "ab":
            queue.lane(lane).update(weight=1.0, tags={"tier": "gold"}, data={"bid": 2.0})
        counted.expect("for a change", a=1, b=1)
        served = {lease.job.lane for _ in range(10) for lease in queue.claim_many(20)}
        counted.expect("for lanes that are served", **dict.fromkeys(served - {"a", "b"}, 1))
        queue.refresh_weights()
        counted.expect("at a refresh", **{lane.key: 1 for lane in queue.lanes() if lane.stats.pending})

    @pytest.mark.parametrize("store", ["sqlite", "redis"])
    def test_lanes_weigh_the_same_on_every_backend(
        self, store: str, request: pytest.FixtureRequest, tmp_path: Path
    ) -> None:
        """So the same jobs come in the same order, with the same effective weights. The time of jobs, which is measured
        and never the same twice, is not shown.
        """
        tags, data = self._names()

        def unmeasured(lane_key: str, metadata: LaneMetadata) -> float:
            return self._function(lane_key, metadata)

        check_agreement(
            [open_memory, opener(store, request, tmp_path)],
            [WeightedLRU()],
            weights=self.weights,
            costs=st.sampled_from([0.5, 1.0, 3.0]),
            bids=st.none(),
            tags=st.fixed_dictionaries({}, optional={name: st.none() | self._tag(name) for name in tags}),
            data=st.fixed_dictionaries({}, optional={name: st.none() | self._entry(name) for name in data}),
            weight_function=unmeasured,
            examples=self.examples // 12,
        )

    # Their machinery

    @property
    def _function(self) -> WeightFunction:
        # Of the class: from the object, a plain function would be taken for a method.
        return type(self).weight_function

    def _tag(self, name: str) -> SearchStrategy[str]:
        return self.tags.get(name, _TEXT)

    def _entry(self, name: str) -> SearchStrategy[Any]:
        return self.data.get(name, _JSON)

    def _lane(
        self, draw: st.DataObject, tags: set[str] | None = None, data: set[str] | None = None
    ) -> tuple[str, LaneMetadata]:
        metadata = LaneMetadata(
            weight=draw.draw(self.weights),
            tags=Drawn(draw, self._tag, set() if tags is None else tags),
            data=Drawn(draw, self._entry, set() if data is None else data),
            mean_time=draw.draw(_TIMES),
            **draw.draw(st.fixed_dictionaries(dict.fromkeys(("pending", "delayed", "leased"), _JOBS))),
        )
        return draw.draw(_TEXT), metadata

    def _names(self) -> tuple[Collection[str], Collection[str]]:
        """Return what it looks up in tags and in custom data."""
        tags: set[str] = set()
        data: set[str] = set()
        self._try(lambda draw: _outcome(self._function, *self._lane(draw, tags, data)), self.examples // 4)
        return sorted(tags), sorted(data)

    def _try(self, check: Callable[[st.DataObject], object], examples: int) -> None:
        @settings(max_examples=examples, deadline=None, report_multiple_bugs=False)
        @given(draw=st.data())
        def on_random_lanes(draw: st.DataObject) -> None:
            check(draw)

        on_random_lanes()


class _Counted:
    """Counts which lanes a function is asked about."""

    def __init__(self, function: WeightFunction) -> None:
        self.function = function
        self.reads = getattr(function, "reads", ())
        self._asked: Counter[str] = Counter()

    def __call__(self, lane_key: str, metadata: LaneMetadata) -> float:
        self._asked[lane_key] += 1
        return self.function(lane_key, metadata)

    def expect(self, when: str, **times: int) -> None:
        """Raise if it was asked otherwise since this was called last."""
        asked, self._asked = self._asked, Counter()
        assert asked == times, f"{self.function!r} was asked {dict(asked)} {when}, and it should be {times}"


class _Unmeasured(LaneMetadata):
    """What is shown of a lane, and whether the time of its jobs was asked for."""

    asked = False

    def __getattribute__(self, name: str) -> Any:
        if name == "mean_time":
            object.__setattr__(self, "asked", True)
        return super().__getattribute__(name)


def _outcome(function: WeightFunction, key: str, metadata: LaneMetadata) -> str:
    try:
        return repr(function(key, metadata))
    except Exception as exc:  # noqa: BLE001 - whatever it raises, it has to do it again
        return type(exc).__name__


def _pickled(function: WeightFunction) -> Any:
    try:
        return pickle.loads(pickle.dumps(function))
    except Exception:  # noqa: BLE001 - whatever its own reduction raises
        return None


def _made_of_options(function: WeightFunction) -> Any:
    if not attrs.has(type(function)):
        return None
    choice = StrategyChoice.of(function)
    try:
        return structure(StrategyChoice.read(choice.text, 0).options, type(function), where=choice.name)
    except RanchError:
        return None
