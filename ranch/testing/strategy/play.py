"""Random histories of a queue, and what is seen when one is played."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from attrs import field, frozen, mutable
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ranch.handles import QueueLease
from ranch.model import Priority
from ranch.queue import Queue
from ranch.testing.clock import FakeClock
from ranch.testing.openers import Opener, open_memory
from ranch.testing.strategy.witness import Witness
from ranch.typing import Strategy

LANES: Final = "abcde"
#: Of jobs that, once claimed, do not come back.
_FOR_EVER: Final = 1e9


@frozen
class Job:
    """A job comes."""

    lane: str
    cost: float
    priority: int
    bid: float | None = None


@frozen
class Change:
    """A lane's custom data change."""

    lane: str
    data: Mapping[str, Any]


@frozen
class Pause:
    """Time passes."""

    seconds: float


@frozen
class Claim:
    """A worker takes a job, if there is one."""


Event: TypeAlias = "Job | Change | Pause | Claim"


@frozen
class History:
    """What happens to a queue."""

    weights: Mapping[str, float]
    events: Sequence[Event]


def histories(
    weights: SearchStrategy[float],
    costs: SearchStrategy[float],
    bids: SearchStrategy[float | None],
    data: SearchStrategy[Mapping[str, Any]],
    length: int,
) -> SearchStrategy[History]:
    """Make random histories, of at most `length` events.

    Busy ones, in which several lanes wait most of the time, and calm ones, in which lanes run empty and come back.
    """
    lanes = st.sampled_from(LANES)
    job = st.builds(Job, lanes, costs, st.sampled_from([3, 3, 3, 1, 4, 6]), bids)
    pause = st.builds(Pause, st.sampled_from([0.0, 0.5, 30.0, 200.0]))
    change = st.builds(Change, lanes, data)
    claim = st.just(Claim())
    busy = st.one_of(job, job, job, claim, claim, pause, change)
    calm = st.one_of(job, claim, claim, pause, change)
    return st.builds(
        History,
        weights=st.fixed_dictionaries(dict.fromkeys(LANES, weights)),
        events=st.lists(busy, min_size=10, max_size=length) | st.lists(calm, min_size=10, max_size=length),
    )


@frozen
class Waiting:
    """A lane with a job ready to be claimed."""

    key: str
    weight: float
    data: Mapping[str, Any]
    #: When the job at its head became ready, in seconds since the epoch.
    since: float
    #: The priority of the job at its head.
    priority: int
    #: The bid of the job at its head; None, if it has none of its own.
    bid: float | None
    #: The cost of the job at its head.
    cost: float
    #: The jobs that are ready.
    pending: int
    #: Orders lanes by how long ago they were served, the least recently served first; before them those that never
    #: were, in the order in which they came.
    turn: tuple[bool, int]


@frozen
class Pick:
    """A claim, and what it could choose from."""

    #: The lane that was served, as it was before.
    lane: Waiting
    #: Of the job.
    cost: float
    #: All that could have been served.
    waiting: Sequence[Waiting]
    #: Seconds since the epoch.
    now: float
    #: The lanes that have a job after it too.
    left: frozenset[str]

    @property
    def throughout(self) -> frozenset[str]:
        """The lanes that have a job before and after."""
        return self.left.intersection(lane.key for lane in self.waiting)


@mutable
class _Ready:
    place: float
    number: int
    since: float
    priority: int
    bid: float | None
    cost: float


@mutable
class _Lane:
    weight: float
    jobs: list[_Ready] = field(factory=list)
    data: dict[str, Any] = field(factory=dict)
    turn: tuple[bool, int] = (False, 0)


class Play:
    """A queue under a strategy that is asked in Python, beside a plain account of what waits in it."""

    def __init__(self, strategy: Strategy, weights: Mapping[str, float], opener: Opener = open_memory) -> None:
        self.witness = Witness(strategy)
        self.clock = FakeClock()
        self.queue = Queue("q", backend=opener(self.clock), strategy=cast("Strategy", self.witness), lease=_FOR_EVER)
        self._lanes = {key: _Lane(weight) for key, weight in weights.items()}
        self._moment = 0
        #: The lanes' ranks as the last claim found them.
        self.ranks_before: dict[str, float] = {}
        for key, weight in weights.items():
            self.queue.lane(key).update(weight=weight)

    def run(self, events: Sequence[Event]) -> Iterator[Pick]:
        """Let things happen; give each claim that got a job."""
        for event in events:
            if isinstance(event, Job):
                self.enqueue(event)
            elif isinstance(event, Change):
                self._change(event)
            elif isinstance(event, Pause):
                self.clock.advance(event.seconds)
            elif pick := self.claim():
                yield pick
            self.witness.check()

    def drain(self, batch: int = 1) -> Iterator[Pick]:
        """Claim until nothing waits, so many jobs at a time."""
        while picks := self._claim(batch):
            yield from picks
            self.witness.check()

    def pending(self, key: str) -> int:
        return len(self._lanes[key].jobs)

    def enqueue(self, job: Job) -> None:
        self._moment += 1
        lane = self._lanes[job.lane]
        self.queue.enqueue(job.lane, self._moment, cost=job.cost, priority=job.priority, bid=job.bid)
        if lane.turn == (False, 0):
            lane.turn = (False, self._moment)
        now = self.clock()
        place = round(now - Priority(job.priority).head_start, 3)
        lane.jobs.append(_Ready(place, self._moment, now, job.priority, job.bid, job.cost))

    def _change(self, change: Change) -> None:
        self.queue.lane(change.lane).update(data=change.data)
        merged = {**self._lanes[change.lane].data, **change.data}
        self._lanes[change.lane].data = {name: value for name, value in merged.items() if value is not None}

    def claim(self) -> Pick | None:
        """Claim a job.

        Raises:
            AssertionError: There is none to be had, and one waits.
        """
        picks = self._claim(1)
        return picks[0] if picks else None

    def _claim(self, limit: int) -> list[Pick]:
        self.ranks_before = dict(self.witness.ranks)
        leases = self.queue.claim_many(limit)
        waiting = [lane for lane in self._lanes.values() if lane.jobs]
        wanted = min(limit, sum(len(lane.jobs) for lane in waiting))
        assert len(leases) == wanted, f"{wanted} jobs wait and are claimed, and {len(leases)} come"
        return [self._picked(lease) for lease in leases]

    def _picked(self, lease: QueueLease) -> Pick:
        self._moment += 1
        waiting = [self._seen(key) for key, lane in self._lanes.items() if lane.jobs]
        key = lease.job.lane
        lane = self._lanes[key]
        lane.jobs = [job for job in lane.jobs if job.number != lease.job.payload]
        lane.turn = (True, self._moment)
        return Pick(
            lane=next(lane for lane in waiting if lane.key == key),
            cost=lease.job.cost,
            waiting=waiting,
            now=self.clock(),
            left=frozenset(key for key, lane in self._lanes.items() if lane.jobs),
        )

    def _seen(self, key: str) -> Waiting:
        lane = self._lanes[key]
        head = min(lane.jobs, key=lambda job: (job.place, job.number))
        return Waiting(
            key=key,
            weight=lane.weight,
            data=dict(lane.data),
            since=head.since,
            priority=head.priority,
            bid=head.bid,
            cost=head.cost,
            pending=len(lane.jobs),
            turn=lane.turn,
        )
