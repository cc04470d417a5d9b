"""The seams about choosing: what a strategy and a weight function must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from ranch.metadata import LaneMetadata


class Clock(Protocol):
    """A source of time: seconds since the epoch. `time.time` is one."""

    def __call__(self) -> float: ...


class LaneView(Protocol):
    """What a strategy may know of a lane: the first three always, the others if it says that it reads them."""

    @property
    def key(self) -> str: ...

    @property
    def weight(self) -> float:
        """Cost factor, > 0; lower is to be served more often."""

    @property
    def tag(self) -> float:
        """The last rank that the strategy gave this lane; 0.0 for a new one."""

    @property
    def data(self) -> Mapping[str, float]:
        """The numbers in the lane's custom data, by name. What is not there, or not a finite number, is absent."""

    @property
    def since(self) -> float:
        """When the job at the lane's head became ready, in seconds since the epoch; now, if the lane is empty."""

    @property
    def priority(self) -> int:
        """The priority, 1 to 6, of the job at the lane's head; 0, if the lane is empty."""

    @property
    def bid(self) -> float | None:
        """The bid of the job at the lane's head; None, if it has none of its own or the lane is empty."""

    @property
    def cost(self) -> float:
        """The cost of the job at the lane's head; 0.0, if the lane is empty."""


class QueueClock(Protocol):
    """What a strategy may know of its queue's time."""

    @property
    def virtual(self) -> float:
        """Virtual time: the highest rank served so far.

        Where claims are restricted to lanes, it is the lowest rank that waits for a lane that enters, and for one that
        was served the highest that claims of the same lanes have served.
        """

    @property
    def tick(self) -> int:
        """Grows by one with every entry and every service, so no two of them see the same."""

    @property
    def now(self) -> float:
        """Seconds since the epoch, by the backend's clock."""


class Strategy(Protocol):
    """Decides which lane is served next: it gives each backlogged lane a rank, and the lowest rank is served.

    It is asked at two moments only, so a claim costs O(log lanes) whatever the strategy. Ties go to the lane that was
    served least recently. Both methods are arithmetic on what they are shown: no state, no I/O, no randomness of their
    own, and the same answer for the same arguments. Ranks are finite floats.

    A lane is ranked anew (`enter`) as well when something that the strategy reads changes while the lane waits.
    """

    @property
    def reads(self) -> frozenset[str]:
        """What ranks depend on beside the lane's weight and tag; nothing else is fetched, and nothing else is shown.

        - ``"head"``: the job at the lane's head, its `since`, `priority`, `bid` and `cost`. The lane is ranked anew
          when another job comes there.
        - ``"cost"``: that job's cost only, and the lane is not ranked anew: what a lane is charged for entering, it is
          charged once.
        - ``"data.<name>"``: one number of the lane's custom data. The lane is ranked anew when that number changes.
        """
        return frozenset()

    #: The source of the strategy's twin for Redis: Lua that defines ``enter(lane, clock)`` and
    #: ``served(lane, clock, cost)``, and sees the strategy's fields as ``options``. None: there is none. On Redis the
    #: client is asked then, which costs a second round trip, and in between a lane stands at a guess.
    lua: ClassVar[str | None] = None

    def enter(self, lane: LaneView, clock: QueueClock) -> float:
        """Rank a lane that has just become backlogged."""
        ...

    def served(self, lane: LaneView, clock: QueueClock, cost: float) -> float:
        """Rank a lane from which a job of `cost` has just been claimed.

        `lane.tag` is the rank under which it was served, `clock.virtual` is never below it, and `lane.since` is the
        next job's. Asked for a lane that is now empty too: its rank is kept as its tag.
        """
        ...


class WeightFunction(Protocol):
    """Weighs a lane by what is known of it: any function of these two arguments.

    It is asked when a lane's metadata are changed, when the lane is served (see `Queue` for how often), and on
    `Queue.refresh_weights`; never for every lane at a claim. What it says is kept on the lane, beside the weight that
    was set, and counts in its place: see `Lane.effective_weight`.

    It has to be quick, for claims wait for it; it may be asked in several threads and processes at once; and where it
    is shown the same, it has to say the same, else processes undo one another's work. What is no weight - not a finite
    number above 0, or an error - is replaced by the lane's own weight, logged (at most once a second) and counted.

    A function with an attribute ``reads`` that contains ``"mean_time"`` is shown how long jobs take. It costs a write
    more where that changed.
    """

    def __call__(self, lane_key: str, metadata: LaneMetadata, /) -> float:
        """Return the lane's weight: finite, > 0; lower is served more often."""
        ...
