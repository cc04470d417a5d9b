"""Strategies without a Lua twin: a place behind the others first, the true rank a round trip later."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from attrs import frozen

from ranch import Queue
from ranch.answers import Claim
from ranch.backends.memory import MemoryBackend
from ranch.backends.redis import RedisBackend
from ranch.backends.redis.runners import Call
from ranch.exceptions import BackendUnavailable
from ranch.steps import Steps
from ranch.strategies import Bid, WeightedLRU
from ranch.typing import Strategy


@frozen
class OwnLRU(WeightedLRU):
    lua = None


@frozen
class OwnBid(Bid):
    lua = None


@frozen
class Watching(Strategy):
    """Notes what it is shown."""

    reads = frozenset({"data.bid", "data.none", "head"})
    shown: list[Any]

    def enter(self, lane: Any, clock: Any) -> float:
        self.shown.append((lane.key, lane.weight, lane.tag, lane.data, lane.since, lane.priority, lane.cost, None))
        return 10.5

    def served(self, lane: Any, clock: Any, cost: float) -> float:
        self.shown.append((lane.key, lane.weight, lane.tag, lane.data, lane.since, lane.priority, lane.cost, cost))
        return lane.tag + cost


class Dead(Exception):
    """The client is no more."""


class Client(RedisBackend):
    """A client that may die, or lose the server, before it has answered."""

    fails: type[Exception] | None = None

    def perform(self, step: Call) -> Any:
        if self.fails and step.command.name == "answer.lua":  # type: ignore[union-attr]
            raise self.fails
        return super().perform(step)


def places(backend: RedisBackend) -> dict[str, float]:
    """The ranks of the lanes that wait."""
    return {
        member[13:].decode(): rank
        for member, rank in backend._connections.client().zrange("{ranch:q}:ready", 0, -1, withscores=True)
    }


def fill(queue: Queue, lanes: str, jobs: int = 5) -> None:
    """Give each lane jobs."""
    queue.enqueue_many([(lane, f"{lane}{n}") for lane in lanes for n in range(jobs)])


def picks(queue: Queue, count: int) -> str:
    """Claim one by one, and name the lanes."""
    return "".join(lease.job.lane if (lease := queue.claim()) else "-" for _ in range(count))


@pytest.mark.parametrize(
    ("own", "twin"), [(OwnLRU(), "weighted-lru"), (OwnBid(ageing=0.1), {"name": "bid", "ageing": 0.1})]
)
def test_one_client_picks_as_the_definition_does(redis_url: str, own: Strategy, twin: Any) -> None:
    """Nobody comes in between, so nothing is lost in exactness: single claims are the twin's."""
    orders = []
    for backend, strategy in (
        (RedisBackend(redis_url, clock=lambda: 1e9), own),
        (MemoryBackend(clock=lambda: 1e9), twin),
    ):
        queue = Queue("q", backend=backend, strategy=strategy)
        for lane, weight in (("a", 1.0), ("b", 0.5), ("c", 3.7)):
            queue.lane(lane).update(weight=weight, data={"bid": weight})
        fill(queue, "abc", 30)
        order = picks(queue, 60)
        fill(queue, "ad", 20)
        orders.append(order + picks(queue, 40))

    assert orders[0] == orders[1]


def test_the_strategy_is_shown_what_its_twin_would_see(redis_url: str) -> None:
    """Weight, tag, bid, head and cost arrive to the last bit, whatever the lane is called."""
    strategy = Watching([])
    queue = Queue("q", backend=RedisBackend(redis_url, clock=lambda: 1_800_000_000.123), strategy=strategy)
    queue.lane("ü|\0{e}").update(weight=0.1, data={"bid": 1 / 3})

    queue.enqueue("ü|\0{e}", 1, priority=5, cost=0.7)
    queue.claim()

    assert strategy.shown == [
        ("ü|\0{e}", 0.1, 0.0, {"bid": 1 / 3}, 1_800_000_000.123, 5, 0.7, None),
        ("ü|\0{e}", 0.1, 10.5, {"bid": 1 / 3}, 1_800_000_000.123, 0, 0.0, 0.7),
    ]


def test_several_services_in_one_call_are_charged_one_after_the_other(redis_url: str) -> None:
    """A batch takes the lanes in turn and charges each for all that it got."""
    queue = Queue("q", backend=(backend := RedisBackend(redis_url)), strategy=OwnLRU())
    fill(queue, "ab", 10)

    assert Counter(lease.job.lane for lease in queue.claim_many(8)) == {"a": 4, "b": 4}
    assert places(backend) == {"a": 4.0, "b": 4.0}


def test_a_lane_stands_behind_the_others_until_it_is_answered(redis_url: str) -> None:
    """Served for the first time, the lane has the highest rank there is, and the answer puts it right."""
    queue = Queue("q", backend=(backend := RedisBackend(redis_url)), strategy=OwnLRU())
    queue.lane("b").update(weight=4.0)
    queue.lane("a").update(weight=0.5)
    fill(queue, "ba")
    picks(queue, 1)
    assert places(backend) == {"a": 0.0, "b": 4.0}

    in_between = claimed_and_looked_at(backend, queue)

    assert in_between == {"a": 4.0, "b": 4.0}
    assert places(backend) == {"a": 0.5, "b": 4.0}


def test_a_lane_stands_where_its_last_service_would_put_it(redis_url: str) -> None:
    """Later it is raised by as much as the last time, so that others who claim meanwhile choose as they should."""
    queue = Queue("q", backend=(backend := RedisBackend(redis_url)), strategy=OwnLRU())
    queue.lane("b").update(weight=4.0)
    queue.lane("a").update(weight=0.5)
    fill(queue, "ab")
    picks(queue, 2)
    assert places(backend) == {"a": 0.5, "b": 4.0}

    assert claimed_and_looked_at(backend, queue) == places(backend) == {"a": 1.0, "b": 4.0}


def claimed_and_looked_at(backend: RedisBackend, queue: Queue) -> dict[str, float]:
    """Claim a job; return the ranks as they were before the answer."""
    claim: Steps[Claim] = queue._operations.lanes.claim(1, 60.0, "me")
    answer = claim.send(backend.perform(next(claim)))
    in_between = places(backend)
    backend.perform(answer)
    return in_between


def test_a_batch_shares_as_single_claims_do(redis_url: str) -> None:
    """However many jobs are claimed at a time, weights count: also where a batch could serve every lane."""
    shares = []
    for batch in (1, 10):
        queue = Queue(f"by {batch}", backend=redis_url, strategy=OwnLRU())
        for lane, weight in (("a", 0.25), ("b", 1.0), ("c", 4.0)):
            queue.lane(lane).update(weight=weight)
        fill(queue, "abc", 200)
        shares.append(Counter(lease.job.lane for _ in range(200 // batch) for lease in queue.claim_many(batch)))

    assert sum(shares[0].values()) == sum(shares[1].values()) == 200
    assert all(abs(shares[0][lane] - shares[1][lane]) <= 2 for lane in "abc"), shares


@pytest.mark.parametrize("fails", [Dead, BackendUnavailable])
def test_a_client_that_never_answers_harms_nobody(redis_url: str, fails: type[Exception]) -> None:
    """Its lanes are served in their turn: no job is lost, none is doubled, and none waits for ever."""
    client = Client(redis_url)
    client.fails = fails
    doomed = Queue("q", backend=client, strategy=OwnLRU(), lease=3600.0)
    queue = Queue("q", backend=redis_url, strategy=OwnLRU(), lease=3600.0)
    taken = []
    for number in range(40):
        lane = "abcd"[number % 4]
        with suppress(Dead):
            doomed.enqueue(lane, number)
        if number % 3 == 0:
            try:
                taken.append(doomed.claim().job.payload)  # type: ignore[union-attr]
            except Dead:
                taken.append(None)
    left = []
    while lease := queue.claim():
        left.append((lease.job.lane, lease.job.payload))

    assert queue.stats().leased == 40
    assert len(left) == 40 - len(taken)
    assert len({payload for _, payload in left} | set(taken) - {None}) == len(left) + len(set(taken) - {None})
    if fails is BackendUnavailable:
        assert None not in taken, "the first call has done it, so the claim has its job"
    assert {lane for lane, _ in left[:4]} == set("abcd")


def test_an_answer_that_comes_late_changes_nothing(redis_url: str) -> None:
    """Who was asked last about a lane knows best; an older answer is dropped."""
    backend = RedisBackend(redis_url)
    queue = Queue("q", backend=backend, strategy=OwnLRU())
    fill(queue, "a")
    slow: Steps[Claim] = queue._operations.lanes.claim(1, 60.0, "me")
    late = slow.send(backend.perform(next(slow)))

    queue.claim()
    before = places(backend)
    backend.perform(late)

    assert places(backend) == before


def test_an_answer_for_an_earlier_strategy_changes_nothing(redis_url: str) -> None:
    """Once the queue has another strategy, the old one's ranks mean nothing."""
    backend = RedisBackend(redis_url)
    queue = Queue("q", backend=backend, strategy=OwnLRU())
    fill(queue, "ab")
    slow: Steps[Claim] = queue._operations.lanes.claim(1, 60.0, "me")
    late = slow.send(backend.perform(next(slow)))

    queue.set_strategy("bid")
    queue.enqueue("c", 1)
    before = places(backend)
    backend.perform(late)

    assert before == places(backend) == {"a": 0.0, "b": 0.0, "c": 0.0}


def test_an_answer_for_an_emptied_lane_is_its_tag(redis_url: str) -> None:
    """A lane that comes back pays for what it had."""
    queue = Queue("q", backend=(backend := RedisBackend(redis_url)), strategy=OwnLRU())
    queue.enqueue("a", 1, cost=7.0)
    queue.claim()
    assert places(backend) == {}

    queue.enqueue("a", 2)

    assert places(backend) == {"a": 7.0}


def test_failures_are_counted_on_the_server(redis_url: str) -> None:
    """What the client's strategy could not answer is counted with what twins could not."""

    class Broken(OwnLRU):
        def served(self, lane: Any, clock: Any, cost: float) -> float:
            return float("inf")

    queue = Queue("q", backend=(backend := RedisBackend(redis_url)), strategy=Broken())
    fill(queue, "ab")

    assert len(queue.claim_many(4)) == 4
    assert backend._connections.client().hget("{ranch:q}:meta", "strategy_errors") == b"4"
    assert places(backend) == {"a": 0.0, "b": 0.0}
