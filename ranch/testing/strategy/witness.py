"""A strategy under observation: it shows the other one what it may see, and writes down what it answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from attrs import field, frozen, mutable

from ranch.typing import LaneView, QueueClock, Strategy

#: What a strategy may look at without saying so in `reads`.
_ALWAYS: Final = frozenset({"key", "weight", "tag", "data"})
#: The words in `reads` of which one has to be there to look at the rest.
_DECLARED_AS: Final = {"since": ("head",), "priority": ("head",), "bid": ("head",), "cost": ("cost", "head")}
_OF_A_LANE: Final = frozenset(name for name in dir(LaneView) if not name.startswith("_"))
_OF_THE_CLOCK: Final = frozenset(name for name in dir(QueueClock) if not name.startswith("_"))


class Shown:
    """The values that a strategy may see, and no others."""

    def __init__(self, what: str, values: dict[str, Any], why_not: Callable[[str], str]) -> None:
        vars(self).update(values)
        vars(self)["_hidden"] = (what, why_not)

    def __getattr__(self, name: str) -> Any:
        what, why_not = vars(self)["_hidden"]
        raise AssertionError(f"the strategy reads {what}.{name}, and {why_not(name)}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AssertionError(f"the strategy sets {vars(self)['_hidden'][0]}.{name}, and it only may look")


class Numbers(dict[str, float]):
    """The numbers of custom data that a strategy may see, and no others."""

    def __init__(self, numbers: Mapping[str, float], reads: frozenset[str]) -> None:
        super().__init__(numbers)
        self._reads = reads

    def __getitem__(self, name: str) -> float:
        self._check(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._check(name)
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._check(name)
        return super().get(name, default)

    def __setitem__(self, name: str, value: float) -> None:
        raise AssertionError(f"the strategy sets lane.data[{name!r}], and it only may look")

    def _check(self, name: object) -> None:
        if f"data.{name}" not in self._reads:
            raise AssertionError(f"the strategy reads lane.data[{name!r}], and its `reads` does not name 'data.{name}'")


def values_of(shown: Shown) -> dict[str, Any]:
    """Return what is shown, by name."""
    return {name: value for name, value in vars(shown).items() if name != "_hidden"}


@frozen
class Answer:
    """What the strategy was asked, and what it said."""

    method: str
    arguments: tuple[Any, ...]
    rank: float


@mutable
class Witness:
    """Stands in for a strategy and asks it."""

    strategy: Strategy
    answers: list[Answer] = field(factory=list, repr=False)
    #: The ranks by lane, as they are now.
    ranks: dict[str, float] = field(factory=dict, repr=False)
    #: What the strategy did that it must not, in the order in which it did it.
    faults: list[BaseException] = field(factory=list, repr=False)

    lua = None

    @property
    def reads(self) -> frozenset[str]:
        return self.strategy.reads

    def enter(self, lane: LaneView, clock: QueueClock) -> float:
        return self._ask("enter", lane, clock)

    def served(self, lane: LaneView, clock: QueueClock, cost: float) -> float:
        return self._ask("served", lane, clock, cost)

    def _ask(self, method: str, lane: LaneView, clock: QueueClock, *cost: float) -> float:
        arguments = (self._shown(lane), _shown_clock(clock), *cost)
        try:
            rank = getattr(self.strategy, method)(*arguments)
        except BaseException as exc:
            # A backend logs it and goes on; a test must not.
            self.faults.append(exc)
            raise
        self.answers.append(Answer(method, arguments, rank))
        self.ranks[lane.key] = rank
        return cast("float", rank)

    def _shown(self, lane: LaneView) -> Shown:
        reads = self.reads
        visible = {name for name in _OF_A_LANE if name in _ALWAYS or not reads.isdisjoint(_DECLARED_AS[name])}
        return Shown(
            "lane",
            {**{name: getattr(lane, name) for name in visible}, "data": Numbers(lane.data, reads)},
            lambda name: (
                f"its `reads` does not name {_DECLARED_AS[name][0]!r}"
                if name in _OF_A_LANE
                else f"it sees of a lane {', '.join(sorted(_OF_A_LANE))} only"
            ),
        )

    def check(self) -> None:
        """Raise what the strategy did that it must not."""
        if self.faults:
            raise self.faults[0]

    def check_finite(self) -> None:
        """Raise if a rank was no finite number."""
        for answer in self.answers:
            finite = type(answer.rank) in {int, float} and math.isfinite(answer.rank)
            assert finite, f"{_said(answer)}: a rank is a finite number"

    def check_pure(self) -> None:
        """Raise if the strategy, asked the same again, answers otherwise."""
        for answer in self.answers:
            again = getattr(self.strategy, answer.method)(*answer.arguments)
            assert again == answer.rank, f"{_said(answer)}, and {again!r} when it was asked again"


def _shown_clock(clock: QueueClock) -> Shown:
    return Shown(
        "clock",
        {name: getattr(clock, name) for name in _OF_THE_CLOCK},
        lambda _: f"it sees of the clock {', '.join(sorted(_OF_THE_CLOCK))} only",
    )


def _said(answer: Answer) -> str:
    return f"{answer.method} of lane {answer.arguments[0].key!r} gave {answer.rank!r}"
