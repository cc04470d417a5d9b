"""What the strategies promise of single lanes; what they promise of any two is in the suites of `test_strategies`."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranch import Queue
from ranch.backends.memory import MemoryBackend
from ranch.testing import FakeClock

LANES = "abcde"
WEIGHTS = st.sampled_from([0.25, 0.5, 1.0, 1.7, 3.0])
FAIR = {"name": "weighted-lru", "entry": "fair"}

#: A claim, or a job for a lane.
EVENTS = st.lists(st.one_of(st.none(), st.none(), st.sampled_from(LANES)), min_size=10, max_size=300)


def new_queue(strategy: object, weights: dict[str, float] | None = None) -> Queue:
    """Return an empty queue whose jobs, once claimed, do not come back."""
    queue = Queue("q", backend=MemoryBackend(clock=FakeClock()), strategy=strategy, lease=1e9)
    for lane, weight in (weights or {}).items():
        queue.lane(lane).update(weight=weight)
    return queue


@settings(max_examples=200)
@given(events=EVENTS)
def test_weighted_lru_with_equal_weights_is_plain_lru(events: list[str | None]) -> None:
    """Pick for pick: whoever of those waiting was served longest ago; the never served first, in order of arrival."""
    queue = new_queue("weighted-lru")
    waiting = dict.fromkeys(LANES, 0)
    last_served: dict[str, tuple[int, int]] = {}
    for moment, event in enumerate([*events, *[None] * len(events)]):
        if event:
            queue.enqueue(event, None)
            waiting[event] += 1
            last_served.setdefault(event, (0, moment))
        elif lease := queue.claim():
            least_recent = min((lane for lane in LANES if waiting[lane]), key=last_served.__getitem__)
            assert lease.job.lane == least_recent
            waiting[lease.job.lane] -= 1
            last_served[lease.job.lane] = (1, moment)


@settings(max_examples=200)
@given(events=EVENTS, backlog=st.integers(2, 30), strategy=st.sampled_from(["weighted-lru", "round-robin", FAIR]))
def test_a_newcomer_starts_within_one_turn_of_the_others(
    events: list[str | None], backlog: int, strategy: object
) -> None:
    """A lane that comes to n - 1 backlogged ones starts within n - 1 claims of theirs, however long their queues."""
    queue = new_queue(strategy)
    for event in [*events, *[None] * len(events)]:
        if event:
            queue.enqueue(event, None)
        else:
            queue.claim()
    queue.enqueue_many([(lane, None) for lane in LANES for _ in range(backlog)])
    for _ in range(backlog):
        queue.claim()
    others = queue.stats().backlogged

    queue.enqueue("newcomer", None)

    assert "newcomer" in [lease.job.lane for lease in queue.claim_many(others + 1)]


@settings(max_examples=200)
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
