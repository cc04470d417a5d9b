"""The seams: what a strategy, a weight function, a backend and a serializer must be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Protocol

from ranch.choice import StrategyChoice
from ranch.metadata import LaneMetadata
from ranch.model import Claim, Job, Lane, LaneUpdate, Lease, NewJob, QueueStats
from ranch.steps import Performer, Steps


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
        """Virtual time: the highest rank served so far."""

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


class Lanes(Protocol):
    """The lanes of one queue in one backend: every operation there is, each atomic on its own.

    All operations take n items in one round trip, or in as few as keep each from holding the store up. They return
    `Steps`, to be driven through the backend. The time is the backend's.

    The first that enqueues or updates writes down which strategy the queue has. Operations that rank lanes (enqueue,
    claim, release, reclaim and update) raise `StrategyMismatch`, with nothing changed, if the queue has another one.
    """

    def enqueue(self, jobs: Sequence[NewJob]) -> Steps[list[Job]]:
        """Put each job into its lane, in the given order; all or none."""
        ...

    def claim(self, limit: int, lease: float) -> Steps[Claim]:
        """Take up to `limit` next jobs, one service after the other, each leased for `lease` seconds.

        First takes up to `TIMERS_PER_CALL` jobs whose time has come back into their lanes: delayed ones fallen due,
        and leased ones whose lease expired.
        """
        ...

    def ack(self, leases: Sequence[Lease]) -> Steps[list[Lease]]:
        """Remove the jobs: done. Return the leases that were lost; for them nothing changed."""
        ...

    def release(self, leases: Sequence[Lease], delay: float) -> Steps[list[Lease]]:
        """Give the jobs back, to their old places or after a delay. Return the leases that were lost.

        Takes up to `RELEASES_PER_CALL`.
        """
        ...

    def renew(self, leases: Sequence[Lease], seconds: float) -> Steps[tuple[list[Lease], list[Lease]]]:
        """Let the leases end `seconds` from now. Return the renewed and the lost ones."""
        ...

    def reclaim(self, limit: int) -> Steps[int]:
        """Take back up to `limit` jobs whose time has come; return how many came from an expired lease."""
        ...

    def update(self, changes: Sequence[LaneUpdate]) -> Steps[None]:
        """Change lanes, creating those that are new. A waiting lane feels it at once.

        Strategies see the effective weight as `LaneView.weight`.
        """
        ...

    def read(self, keys: Sequence[str]) -> Steps[list[Lane]]:
        """Read lanes, in the order of `keys`; a lane never used reads as a default one."""
        ...

    def keys(self, tag: tuple[str, str] | None = None, *, backlogged: bool = False) -> Steps[list[str]]:
        """Name the lanes ever used, sorted; with `tag`, those that bear it; if `backlogged`, those with pending jobs.

        A lane that is served meanwhile may be missing from the latter.
        """
        ...

    def stats(self) -> Steps[QueueStats]:
        """Read the queue's numbers."""
        ...

    def read_strategy(self) -> Steps[StrategyChoice | None]:
        """Read which strategy the queue has; None before its first job."""
        ...

    def set_strategy(self, choice: StrategyChoice) -> Steps[StrategyChoice]:
        """Give the queue another strategy; return it with its generation.

        Lanes that wait keep their places, behind those that are ranked under the new strategy, until they are ranked
        under it in their turn: see `MOVES_PER_CALL`. Virtual time and tags start from 0 again.
        """
        ...

    def wait(self, timeout: float, tick: int) -> Steps[None]:
        """Wait until a lane may have become ready since an empty claim saw `tick`, or `timeout` seconds.

        It may return early. Never polls over a network.
        """
        ...

    def ring(self) -> Steps[None]:
        """Wake another one who waits: whoever was woken and cannot claim passes it on, where a ring wakes only one."""
        ...


#: Seconds. Nobody waits for a change longer without looking again: so much a wake-up costs that got lost in the store,
#: and so long it takes at most until one who waits in a thread can be stopped.
LONGEST_WAIT: Final = 2.0
#: How many jobs whose time has come a claim takes back into their lanes before it chooses. Bounded, so that a
#: million jobs falling due together do not stall the claims of everybody else.
TIMERS_PER_CALL: Final = 32


#: How many leases one release takes. It ranks lanes, so it may be refused and done again: as a whole or not at all.
RELEASES_PER_CALL = 100

#: How many lanes, ranked by an earlier strategy of the queue, each operation that ranks lanes ranks anew, in their old
#: order; a claim of more jobs as many as it is to take. Bounded, so that a queue of a million lanes goes on while its
#: strategy changes.
MOVES_PER_CALL = 32


class Backend(Performer, Protocol):
    """Where jobs live: a store, opened by its URL, that holds the lanes of any number of queues.

    Safe to share between threads, and to carry over a fork. Errors of the store are raised as `BackendError`,
    `BackendUnavailable` if it cannot be reached.
    """

    def lanes(self, queue: str, strategy: Strategy, choice: StrategyChoice | None = None) -> Lanes:
        """Return the lanes of a queue, served in the strategy's order. No round trip.

        `choice` is what the store knows the strategy by; without it, `StrategyChoice.of` the strategy.
        """
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...

    async def aclose(self) -> None:
        """Do as `close`, for whoever used `aperform`."""
        ...


class Serializer(Protocol):
    """How payloads become bytes."""

    #: What the bytes are, as a media type; stored beside them.
    content_type: str

    def dumps(self, payload: Any) -> bytes: ...

    def loads(self, body: bytes) -> Any: ...
