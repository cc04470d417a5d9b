"""What strategies read, and what ranks a lane anew: the same on every backend."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from attrs import frozen

from ranch import ConfigError, InvalidJob, Queue
from ranch.queue import QueueLease
from ranch.testing import FakeClock
from ranch.typing import Backend, Strategy


@frozen
class Soonest(Strategy):
    """Serve the lane with the earliest deadline; of equals, the one that entered last."""

    reads: ClassVar[frozenset[str]] = frozenset({"data.deadline"})
    lua: ClassVar[str | None] = """
    local function enter(lane, clock)
      -- What is not declared is not shown.
      assert(lane.since == clock.now and lane.priority == 0 and lane.cost == 0 and lane.bid == nil)
      assert(lane.data.bid == nil)
      return (lane.data.deadline or 1000) - clock.tick / 1024
    end
    local function served(lane, clock, cost) return enter(lane, clock) end
    """

    def enter(self, lane: Any, clock: Any) -> float:
        assert (lane.since, lane.priority, lane.cost, lane.bid) == (clock.now, 0, 0.0, None)
        assert "bid" not in lane.data
        return lane.data.get("deadline", 1000.0) - clock.tick / 1024

    def served(self, lane: Any, clock: Any, cost: float) -> float:
        return self.enter(lane, clock)


def order(queue: Queue) -> list[str]:
    """Claim all there is, and say from which lanes it came."""
    return [lease.job.lane for lease in queue.claim_many(99)]


def test_numbers_of_custom_data_are_read(backend: Backend) -> None:
    """What is declared is shown if it is a finite number, and is absent if it is not."""
    queue = Queue("q", backend=backend, strategy=Soonest(), lease=1e9)
    for lane, deadline in {"a": 30, "b": "1", "c": 2.5, "d": True, "e": 10**400, "f": [1], "g": -1}.items():
        queue.lane(lane).update(data={"deadline": deadline, "bid": 5})
        queue.enqueue(lane, None)

    assert order(queue) == ["g", "c", "a", "f", "e", "d", "b"]


def test_a_change_of_what_is_read_ranks_a_waiting_lane_anew(backend: Backend) -> None:
    """A number that changes acts at once; the same number in other words, or other data, changes nothing."""
    queue = Queue("q", backend=backend, strategy=Soonest(), lease=1e9)
    for lane in ("a", "b", "c"):
        queue.lane(lane).update(data={"deadline": 5})
        queue.enqueue(lane, None)
    queue.lane("a").update(data={"deadline": 5.0, "note": "as before"}, weight=3.0)
    queue.lane("b").update(data={"deadline": 4})
    queue.lane("c").update(data={"deadline": None})

    assert order(queue) == ["b", "a", "c"]


@frozen
class Curious(Strategy):
    """Reads what there is not."""

    reads: ClassVar[frozenset[str]] = frozenset({"head", "weather"})
    lua: ClassVar[str | None] = "local function enter() return 0 end local served = enter"

    def enter(self, lane: Any, clock: Any) -> float:
        return 0.0

    def served(self, lane: Any, clock: Any, cost: float) -> float:
        return 0.0


def test_what_there_is_not_cannot_be_read(backend: Backend) -> None:
    """A strategy that asks for it is refused when the queue is made, and told what there is."""
    with pytest.raises(ConfigError, match=r"reads 'head', 'cost' and 'data\.<name>', not 'weather'"):
        Queue("q", backend=backend, strategy=Curious())


def test_a_jobs_own_bid_counts_at_the_head_of_its_lane(backend: Backend) -> None:
    """Before the lane's bid, whether higher or lower, and for that job only."""
    queue = Queue("q", backend=backend, strategy="bid", lease=1e9)
    queue.lane("a").update(data={"bid": 5})
    queue.enqueue_many([("a", "low"), ("b", "plain")])
    low = queue.enqueue("a", "high", bid=8, priority=6)
    queue.enqueue("b", "dear", bid=2.5)
    queue.enqueue("c", "cheap", bid=-1.5)
    queue.enqueue("a", "last", bid=0)

    leases = queue.claim_many(9)

    assert (low.bid, type(low.bid)) == (8.0, float)
    assert [lease.job.payload for lease in leases] == ["high", "low", "plain", "dear", "last", "cheap"]
    assert [lease.job.bid for lease in leases] == [8.0, None, None, 2.5, 0.0, -1.5]


def test_a_bid_survives_what_happens_to_its_job(backend: Backend, clock: FakeClock) -> None:
    """Delayed, given back, or taken back from a lease that expired, a job offers what it did."""
    queue = Queue("q", backend=backend, strategy="bid", lease=10.0)
    queue.enqueue("a", "x" * 300, bid=2.5, delay=5.0)
    queue.enqueue("b", None)
    clock.advance(5.0)

    for change in (QueueLease.release, lambda _: clock.advance(10.0), QueueLease.ack):
        lease = queue.claim()
        assert lease is not None
        assert (lease.job.lane, lease.job.bid, lease.job.payload) == ("a", 2.5, "x" * 300)
        change(lease)
    assert order(queue) == ["b"]


@pytest.mark.parametrize("bid", [float("nan"), float("-inf"), 10**400, "5", True])
def test_a_bid_is_a_finite_number(backend: Backend, bid: Any) -> None:
    """What is none is refused, and nothing is stored."""
    queue = Queue("q", backend=backend, strategy="bid")

    with pytest.raises(InvalidJob, match="bid"):
        queue.enqueue("a", None, bid=bid)
    assert queue.stats().enqueued == 0


def test_a_lane_pays_once_for_entering_fairly(backend: Backend) -> None:
    """Under entry="fair" a newcomer waits for the cost of its first job; jobs that overtake that one change nothing."""
    queue = Queue("q", backend=backend, strategy={"name": "weighted-lru", "entry": "fair"}, lease=1e9)
    queue.enqueue_many([("old", None)] * 9)
    queue.claim_many(2)
    queue.enqueue("new", "first", cost=3)
    queue.claim()
    queue.enqueue_many([("new", "urgent")] * 2, priority=6, cost=3)

    assert order(queue) == ["old", "new", "old", "old", "old", "new", "old", "old", "new"]
