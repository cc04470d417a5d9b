"""Random histories in which the strategy changes, played on every backend at once: they never disagree."""

from __future__ import annotations

import shutil
import tempfile
from typing import ClassVar

import pytest
from attrs import frozen
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ranch import LeaseLost, Queue
from ranch.backends import ranking
from ranch.backends.memory import MemoryBackend
from ranch.backends.redis import RedisBackend, lanes
from ranch.backends.sqlite import SQLiteBackend
from ranch.hooks import StrategyPlugin, hookimpl
from ranch.hooks.manager import Plugins
from ranch.metadata import LaneMetadata
from ranch.queue import QueueLease
from ranch.strategies import WeightedLRU
from ranch.testing import FakeClock
from ranch.testing.server import GivenServer, RedisServer
from ranch.typing import Backend, Strategy, WeightFunction

LANES = st.sampled_from(["a", "b", "c", "d", "ü|{e}"])
COSTS = st.sampled_from([1.0, 0.5, 3.0])
PRIORITIES = st.integers(1, 6)
DELAYS = st.sampled_from([0.0, 0.0, 0.0, 0.001, 1.5, 90.0])
BIDS = st.sampled_from([None, None, 0, 4.5, -1.5])
#: Of lanes: some are no numbers, some the same number otherwise spelled.
DATA = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ["bid", "priority", "due in"], st.sampled_from([None, 0, 1, 1.0, 2.5, -3, "4", True, 10**400])
    ),
)


@frozen
class Due(Strategy):
    """The lane whose owner needs it soonest, and of those whose next job is the smallest."""

    reads: ClassVar[frozenset[str]] = frozenset({"data.due in", "head"})
    lua: ClassVar[str | None] = """
    local function enter(lane, clock)
      return (lane.data["due in"] or 1e6) + lane.cost / 16 + lane.priority / 64 + (lane.data.bid or 0)
    end
    local function served(lane, clock, cost) return enter(lane, clock) end
    """

    def enter(self, lane, clock):
        return lane.data.get("due in", 1e6) + lane.cost / 16 + lane.priority / 64 + lane.data.get("bid", 0)

    def served(self, lane, clock, cost):
        return self.enter(lane, clock)


@frozen
class NoTwin(WeightedLRU):
    """Weighted LRU without its twin."""

    lua = None


class OwnPlugin:
    @staticmethod
    @hookimpl
    def ranch_strategies() -> list[StrategyPlugin]:
        return [StrategyPlugin(name="no-twin", factory=NoTwin, summary="For these tests.")]


PLUGINS = Plugins([OwnPlugin])


@pytest.fixture(autouse=True)
def _few_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are few lanes, so a change of the strategy takes several operations only if each moves one."""
    monkeypatch.setattr(ranking, "MOVES_PER_CALL", 1)
    monkeypatch.setattr(lanes, "MOVES_PER_CALL", 1)


class Histories(RuleBasedStateMachine):
    """The operations of a queue, each done on memory, SQLite and Redis."""

    strategy: object = "weighted-lru"
    weight_function: WeightFunction | None = None
    server: RedisServer | GivenServer

    def __init__(self) -> None:
        super().__init__()
        self.server.empty()
        self.clock = FakeClock()
        self.folder = tempfile.mkdtemp(prefix="ranch-")
        backends = self.open_backends()
        settings = {"strategy": self.strategy, "weight_function": self.weight_function, "weight_refresh": 0.0}
        self.queues, self.others = (
            [Queue("q", backend=backend, lease=20.0, plugins=PLUGINS, **settings) for backend in backends]
            for _ in range(2)
        )
        #: The leases got, good or lost by now: for each claimed job its lease on every backend.
        self.leases: list[tuple[QueueLease, ...]] = []
        self.acked = 0
        self.enqueued = 0

    def open_backends(self) -> list[Backend]:
        return [
            MemoryBackend(clock=self.clock),
            SQLiteBackend(f"sqlite:///{self.folder}/ranch.db", clock=self.clock),
            RedisBackend(self.server.url, clock=self.clock),
        ]

    def teardown(self) -> None:
        for queue in self.queues:
            queue.close()
        shutil.rmtree(self.folder)

    @rule(lane=LANES, priority=PRIORITIES, delay=DELAYS, cost=COSTS, bid=BIDS)
    def enqueue(self, lane: str, priority: int, delay: float, cost: float, bid: float | None) -> None:
        self.enqueued += 1
        options = {"priority": priority, "delay": delay, "cost": cost, "bid": bid}
        jobs = [q.enqueue(lane, self.enqueued, **options) for q in self.queues]
        assert jobs == [jobs[0]] * len(jobs)

    @rule(lanes=st.lists(LANES, min_size=1, max_size=12))
    def enqueue_many(self, lanes: list[str]) -> None:
        items = [(lane, self.enqueued + n) for n, lane in enumerate(lanes)]
        self.enqueued += len(items)
        jobs = [q.enqueue_many(items) for q in self.queues]
        assert jobs == [jobs[0]] * len(jobs)

    @rule(limit=st.integers(1, 6), other=st.booleans())
    def claim(self, limit: int, *, other: bool) -> None:
        waiting = self.queues[0].stats().pending
        claims = [q.claim_many(limit) for q in (self.others if other else self.queues)]
        seen = [[(lease.job, lease.job.payload, lease.token, lease.deadline) for lease in claim] for claim in claims]
        assert seen == [seen[0]] * len(seen)
        assert len(claims[0]) >= min(limit, waiting), "a job waits and a claim goes without"
        self.leases += zip(*claims, strict=True)

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), how=st.sampled_from(["ack", "ack", "release", "release later", "renew"]))
    def settle(self, data: st.DataObject, how: str) -> None:
        leases = data.draw(st.sampled_from(self.leases))
        results = []
        for lease in leases:
            try:
                if how == "ack":
                    lease.ack()
                elif how == "renew":
                    lease.renew(45.0)
                else:
                    lease.release(delay=2.5 if how == "release later" else 0.0)
            except LeaseLost:
                results.append("lost")
            else:
                results.append("done")
        assert results == [results[0]] * len(results)
        self.acked += how == "ack" and results[0] == "done"

    @rule(seconds=st.sampled_from([0.001, 1.0, 10.0, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(limit=st.integers(1, 4))
    def reclaim(self, limit: int) -> None:
        counts = [q.reclaim(limit) for q in self.queues]
        assert counts == [counts[0]] * len(counts)

    @rule(lane=LANES, weight=st.sampled_from([None, 0.5, 1.0, 2.0, 7.3]), data=DATA)
    def update(self, lane: str, weight: float | None, data: dict[str, object]) -> None:
        for queue in self.queues:
            queue.lane(lane).update(weight=weight, data=data, tags=dict.fromkeys(data, "set"))

    @rule()
    def refresh_weights(self) -> None:
        counts = [queue.refresh_weights() for queue in self.queues]
        assert counts == [counts[0]] * len(counts)

    @rule(strategy=st.sampled_from(["weighted-lru", "round-robin", "bid"]))
    def set_strategy(self, strategy: str) -> None:
        choices = [queue.set_strategy(strategy) for queue in self.queues]
        assert choices == [queue.read_strategy() for queue in self.others] == [choices[0]] * len(choices)

    @invariant()
    def all_agree_and_nothing_is_lost(self) -> None:
        stats = [queue.stats() for queue in self.queues]
        assert stats == [stats[0]] * len(stats)
        lanes = [queue.lanes() for queue in self.queues]
        assert lanes == [lanes[0]] * len(lanes)
        now = stats[0]
        assert now.pending + now.delayed + now.leased + now.acked == now.enqueued == self.enqueued
        assert now.acked == self.acked
        for name in ("pending", "delayed", "leased", "claimed", "reclaimed"):
            assert sum(getattr(lane.stats, name) for lane in lanes[0]) == getattr(now, name)


class WithoutTwin(Histories):
    """The same on Redis alone, with strategies that only the client knows."""

    def open_backends(self) -> list[Backend]:
        return [RedisBackend(self.server.url, clock=self.clock)]

    @rule(strategy=st.sampled_from(["weighted-lru", "no-twin"]))
    def set_strategy(self, strategy: str) -> None:
        for queue in self.queues:
            queue.set_strategy(strategy)


def play(
    histories: type[Histories],
    strategy: object,
    server: RedisServer | GivenServer,
    examples: int,
    function: WeightFunction | None = None,
) -> None:
    """Play random histories until one fails."""

    class Case(histories.TestCase):  # type: ignore[name-defined, misc]  # made by Hypothesis
        settings = settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        )

    histories.strategy, histories.server = strategy, server
    # A plain function would be taken for a method.
    histories.weight_function = None if function is None else staticmethod(function)  # type: ignore[assignment]
    Case("runTest").runTest()


@pytest.mark.parametrize("strategy", ["weighted-lru", {"name": "bid", "ageing": 0.05}, Due()], ids=str)
def test_backends_make_the_same_picks(strategy: object, redis_server: RedisServer | GivenServer) -> None:
    """Memory, SQLite and Redis agree on every pick, number and refusal, and a second process follows each change."""
    play(Histories, strategy, redis_server, examples=40)


def by_all_there_is(lane_key: str, metadata: LaneMetadata) -> float:
    """Weigh a lane by everything that a function is shown, and fail now and then."""
    bid = metadata.data.get("bid") or 0.0
    return (
        metadata.weight + bid / 2 + len(metadata.tags) + metadata.pending + 2 * metadata.delayed + metadata.leased / 4
    )


def test_backends_show_the_same_to_a_weight_function(redis_server: RedisServer | GivenServer) -> None:
    """So their picks are the same where weights follow from everything that lanes have."""
    play(Histories, "weighted-lru", redis_server, examples=30, function=by_all_there_is)


def test_without_a_twin_nothing_is_lost(redis_server: RedisServer | GivenServer) -> None:
    """A strategy that only the client knows loses no job either, and leaves none waiting while somebody asks."""
    play(WithoutTwin, NoTwin(), redis_server, examples=40)
