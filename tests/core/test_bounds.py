"""The strategies' stated bounds, on random histories."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise
from random import Random

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from ranch import Queue
from ranch.backends.memory import MemoryBackend
from ranch.testing import FakeClock

LANES = "abcde"
WEIGHTS = st.sampled_from([0.25, 0.5, 1.0, 1.7, 3.0])
COSTS = st.sampled_from([0.5, 1.0, 2.0, 5.0])
FAIR = {"name": "weighted-lru", "entry": "fair"}

#: A claim, or a job of a cost for a lane.
EVENTS = st.lists(st.one_of(st.none(), st.none(), st.tuples(st.sampled_from(LANES), COSTS)), min_size=10, max_size=300)
UNIT_EVENTS = st.lists(
    st.one_of(st.none(), st.none(), st.tuples(st.sampled_from(LANES), st.just(1.0))), min_size=10, max_size=300
)


@frozen
class Service:
    """A claim, and which lanes were backlogged before and after it."""

    lane: str
    cost: float
    backlogged: frozenset[str]


def services(queue: Queue, events: list[tuple[str, float] | None]) -> Iterator[Service]:
    """Play a history: first what it says, then claims until the queue is empty."""
    waiting = dict.fromkeys(LANES, 0)
    for event in [*events, *[None] * len(events)]:
        if event:
            lane, cost = event
            queue.enqueue(lane, None, cost=cost)
            waiting[lane] += 1
        elif lease := queue.claim():
            lane = lease.job.lane
            before = {lane for lane, jobs in waiting.items() if jobs}
            waiting[lane] -= 1
            after = {lane for lane, jobs in waiting.items() if jobs}
            yield Service(lane, lease.job.cost, frozenset(before & after))
        else:
            assert not any(waiting.values()), "a job waits and a claim goes without"
    assert not any(waiting.values())


def common_stretches(history: list[Service], one: str, other: str) -> Iterator[list[Service]]:
    """Cut a history into the longest stretches in which both lanes are backlogged all the time."""
    stretch: list[Service] = []
    for service in history:
        if {one, other} <= service.backlogged:
            stretch.append(service)
        else:
            yield stretch
            stretch = []
    yield stretch


def largest_difference(stretch: list[Service], scores: dict[str, float], by_cost: bool) -> float:
    """Return the largest difference of two lanes' scored service over any interval of a stretch."""
    lead, leads = 0.0, [0.0]
    for service in stretch:
        if service.lane in scores:
            lead += scores[service.lane] * (service.cost if by_cost else 1)
            leads.append(lead)
    return max(leads) - min(leads)


def new_queue(strategy: object, weights: dict[str, float] | None = None) -> Queue:
    """Return an empty queue whose jobs, once claimed, do not come back."""
    queue = Queue("q", backend=MemoryBackend(clock=FakeClock()), strategy=strategy, lease=1e9)
    for lane, weight in (weights or {}).items():
        queue.lane(lane).update(weight=weight)
    return queue


@pytest.mark.parametrize("entry", ["front", "fair"])
@settings(max_examples=200)
@given(events=EVENTS, weights=st.fixed_dictionaries(dict.fromkeys(LANES, WEIGHTS)))
def test_weighted_lru_keeps_its_bound(
    entry: str, events: list[tuple[str, float] | None], weights: dict[str, float]
) -> None:
    """|S_i w_i - S_j w_j| <= cmax_i w_i + cmax_j w_j on every interval in which both lanes are backlogged."""
    history = list(services(new_queue({"name": "weighted-lru", "entry": entry}, weights), events))
    largest = {lane: max((s.cost for s in history if s.lane == lane), default=0.0) for lane in LANES}

    for one, other in combinations(LANES, 2):
        bound = largest[one] * weights[one] + largest[other] * weights[other]
        scores = {one: weights[one], other: -weights[other]}
        for stretch in common_stretches(history, one, other):
            assert largest_difference(stretch, scores, by_cost=True) <= bound + 1e-9


@settings(max_examples=200)
@given(events=UNIT_EVENTS)
def test_weighted_lru_with_equal_weights_is_plain_lru(events: list[tuple[str, float] | None]) -> None:
    """Pick for pick: whoever of those waiting was served longest ago; the never served first, in order of arrival."""
    queue = new_queue("weighted-lru")
    waiting = dict.fromkeys(LANES, 0)
    last_served: dict[str, tuple[int, int]] = {}
    for moment, event in enumerate([*events, *[None] * len(events)]):
        if event:
            queue.enqueue(event[0], None)
            waiting[event[0]] += 1
            last_served.setdefault(event[0], (0, moment))
        elif lease := queue.claim():
            least_recent = min((lane for lane in LANES if waiting[lane]), key=last_served.__getitem__)
            assert lease.job.lane == least_recent
            waiting[lease.job.lane] -= 1
            last_served[lease.job.lane] = (1, moment)


@settings(max_examples=200)
@given(events=EVENTS, weights=st.fixed_dictionaries(dict.fromkeys(LANES, WEIGHTS)))
def test_round_robin_keeps_its_bound(events: list[tuple[str, float] | None], weights: dict[str, float]) -> None:
    """Two lanes backlogged throughout an interval are served equally often in it, up to one job."""
    history = list(services(new_queue("round-robin", weights), events))

    for one, other in combinations(LANES, 2):
        for stretch in common_stretches(history, one, other):
            assert largest_difference(stretch, {one: 1.0, other: -1.0}, by_cost=False) <= 1


@settings(max_examples=200)
@given(data=st.data(), ageing=st.sampled_from([0.0, 0.1, 2.0]))
def test_bid_never_serves_a_lower_bid_before_a_higher_one(data: st.DataObject, ageing: float) -> None:
    """At each claim the lane served has the highest of its head job's bid, or its own, plus ageing * waiting."""
    clock = FakeClock()
    queue = Queue("q", backend=MemoryBackend(clock=clock), strategy={"name": "bid", "ageing": ageing}, lease=1e9)
    bids = dict.fromkeys(LANES, 0.0)
    waiting: dict[str, list[tuple[float, float | None]]] = {lane: [] for lane in LANES}
    for _ in range(data.draw(st.integers(10, 50))):
        clock.advance(data.draw(st.sampled_from([0.0, 0.5, 30.0])))
        lane = data.draw(st.sampled_from(LANES))
        what = data.draw(st.sampled_from(["enqueue", "enqueue", "bid", "claim", "claim"]))
        if what == "enqueue":
            own = data.draw(st.sampled_from([None, None, 0.0, 3.0, -40.0]))
            queue.enqueue(lane, None, bid=own)
            waiting[lane].append((clock(), own))
        elif what == "bid":
            bids[lane] = data.draw(st.sampled_from([0.0, 1.0, 2.5, 40.0, -3.0]))
            queue.lane(lane).update(data={"bid": bids[lane]})
        elif lease := queue.claim():
            heads = {lane: jobs[0] for lane, jobs in waiting.items() if jobs}
            effective = {
                lane: (bids[lane] if own is None else own) + ageing * (clock() - since)
                for lane, (since, own) in heads.items()
            }
            assert effective[lease.job.lane] >= max(effective.values()) - 1e-6
            waiting[lease.job.lane].pop(0)
        else:
            assert not any(waiting.values()), "a job waits and a claim goes without"


@settings(max_examples=100)
@given(events=UNIT_EVENTS, backlog=st.integers(2, 30), strategy=st.sampled_from(["weighted-lru", "round-robin", FAIR]))
def test_a_newcomer_starts_within_one_turn_of_the_others(
    events: list[tuple[str, float] | None], backlog: int, strategy: object
) -> None:
    """A lane that comes to n - 1 backlogged ones starts within n - 1 claims of theirs, however long their queues."""
    queue = new_queue(strategy)
    list(services(queue, events))
    queue.enqueue_many([(lane, None) for lane in LANES for _ in range(backlog)])
    for _ in range(backlog):
        queue.claim()
    others = queue.stats().backlogged

    queue.enqueue("newcomer", None)

    assert "newcomer" in [lease.job.lane for lease in queue.claim_many(others + 1)]


@settings(max_examples=100)
@given(away=st.integers(1, 200), weight=WEIGHTS, strategy=st.sampled_from(["weighted-lru", FAIR]))
def test_an_idle_lane_earns_no_credit(away: int, weight: float, strategy: object) -> None:
    """However long a lane was away, once back it gets its share and no more."""
    queue = new_queue(strategy, {"back": weight})
    queue.enqueue("back", None)
    queue.claim()
    queue.enqueue_many([("busy", None)] * (away + 100))
    queue.claim_many(away)

    queue.enqueue_many([("back", None)] * 100)
    served = [lease.job.lane for lease in queue.claim_many(50)]

    back, busy = served.count("back"), served.count("busy")
    assert abs(back * weight - busy) <= weight + 1


@pytest.mark.parametrize(("strategy", "least", "most"), [("weighted-lru", 0.001, 0.01), (FAIR, 0.05, 0.09)], ids=str)
def test_what_a_flood_of_new_lanes_leaves_to_standing_ones(strategy: object, least: float, most: float) -> None:
    """With new lanes of one job at 110 % of capacity, standing ones keep 5 to 9 % of the service, or less than 1 %."""
    queue, random = new_queue(strategy), Random(3)
    queue.enqueue_many([(f"standing {number}", None) for number in range(20)])
    arrival, to_standing = random.expovariate(1.1), 0
    for service in range(6000):
        while arrival <= service:
            queue.enqueue(f"new {arrival}", None)
            arrival += random.expovariate(1.1)
        lease = queue.claim()
        assert lease is not None
        if lease.job.lane.startswith("standing"):
            to_standing += 1
            queue.enqueue(lease.job.lane, None)
        lease.ack()

    assert least <= to_standing / 6000 <= most


def test_shares_are_in_proportion_to_one_over_weight() -> None:
    """Weights 0.5, 1 and 2 get 4 : 2 : 1, within one job each."""
    queue = new_queue("weighted-lru", {"a": 0.5, "b": 1.0, "c": 2.0})
    queue.enqueue_many([(lane, None) for lane in "abc" for _ in range(1000)])

    served = [lease.job.lane for lease in queue.claim_many(700)]

    assert [abs(served.count(lane) - share) <= 1 for lane, share in (("a", 400), ("b", 200), ("c", 100))] == [True] * 3
    gaps = [later - earlier for earlier, later in pairwise(i for i, lane in enumerate(served) if lane == "a")]
    assert max(gaps) <= 3, "a lane's turns are spread, not bunched"
