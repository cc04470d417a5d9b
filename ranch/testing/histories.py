"""One random history, played on several backends at once, by two processes: they never disagree on anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import SearchStrategy

from ranch.exceptions import LeaseLost
from ranch.handles import QueueLease
from ranch.hooks.manager import Plugins
from ranch.queue import Queue
from ranch.testing.clock import FakeClock
from ranch.testing.openers import Opener
from ranch.typing import Strategy, WeightFunction

LANES: Final = st.sampled_from(["a", "b", "c", "d", "ü|{e}"])
PRIORITIES: Final = st.integers(1, 6)
DELAYS: Final = st.sampled_from([0.0, 0.0, 0.0, 0.001, 1.5, 90.0])
TAGS: Final = st.fixed_dictionaries(
    {}, optional={"tier": st.sampled_from(["gold", "ü", None]), "team": st.sampled_from(["red", None])}
)


class Histories(RuleBasedStateMachine):
    """The operations of a queue, each done on every backend; subclasses say which, and what is drawn."""

    openers: Sequence[Opener]
    #: With which the queue may begin; and where there are several, what it may be set to while it runs.
    strategies: Sequence[Strategy]
    #: Which know the strategies by name; None for those that are installed.
    plugins: Plugins | None
    weights: SearchStrategy[float]
    costs: SearchStrategy[float]
    bids: SearchStrategy[float | None]
    data: SearchStrategy[Mapping[str, Any]]
    tags: SearchStrategy[Mapping[str, str | None]]
    #: In a list, for a plain function would be taken for a method.
    weight_functions: Sequence[WeightFunction | None]

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.backends = [opener(self.clock) for opener in self.openers]
        self.queues: list[Queue] = []
        #: The same queues, opened once more, as a second process would: what the first sets, they have to follow.
        self.others: list[Queue] = []
        #: The leases got, good or lost by now: for each claimed job its lease on every backend.
        self.leases: list[tuple[QueueLease, ...]] = []
        self.acked = 0
        self.enqueued = 0

    def teardown(self) -> None:
        for backend in self.backends:
            backend.close()

    @initialize(draw=st.data())
    def begin(self, draw: st.DataObject) -> None:
        strategy = draw.draw(st.sampled_from(self.strategies))
        function = draw.draw(st.sampled_from(self.weight_functions))
        options: dict[str, Any] = {"strategy": strategy, "weight_function": function, "weight_refresh": 0.0}
        self.queues, self.others = (
            [Queue("q", backend=backend, lease=20.0, plugins=self.plugins, **options) for backend in self.backends]
            for _ in range(2)
        )

    @rule(lane=LANES, priority=PRIORITIES, delay=DELAYS, draw=st.data())
    def enqueue(self, lane: str, priority: int, delay: float, draw: st.DataObject) -> None:
        cost, bid = draw.draw(self.costs), draw.draw(self.bids)
        self.enqueued += 1
        options: dict[str, Any] = {"priority": priority, "delay": delay, "cost": cost, "bid": bid}
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
    @rule(draw=st.data(), how=st.sampled_from(["ack", "ack", "release", "release later", "renew"]))
    def settle(self, draw: st.DataObject, how: str) -> None:
        leases = draw.draw(st.sampled_from(self.leases))
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

    @rule(lane=LANES, draw=st.data())
    def update(self, lane: str, draw: st.DataObject) -> None:
        weight, data, tags = draw.draw(st.none() | self.weights), draw.draw(self.data), draw.draw(self.tags)
        for queue in self.queues:
            queue.lane(lane).update(weight=weight, data=data, tags=tags)

    @rule()
    def refresh_weights(self) -> None:
        counts = [queue.refresh_weights() for queue in self.queues]
        assert counts == [counts[0]] * len(counts)

    @precondition(lambda self: len(self.strategies) > 1)
    @rule(draw=st.data())
    def set_strategy(self, draw: st.DataObject) -> None:
        strategy = draw.draw(st.sampled_from(self.strategies))
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


def check_agreement(
    openers: Sequence[Opener],
    strategies: Sequence[Strategy],
    *,
    weights: SearchStrategy[float],
    costs: SearchStrategy[float],
    bids: SearchStrategy[float | None],
    data: SearchStrategy[Mapping[str, Any]],
    examples: int,
    tags: SearchStrategy[Mapping[str, str | None]] = TAGS,
    weight_function: WeightFunction | None = None,
    plugins: Plugins | None = None,
) -> None:
    """Play random histories under one strategy, or under several that are set in turn, which `plugins` know by name.

    On a single backend there is nobody to differ from, and the rest is checked.

    Raises:
        AssertionError: The backends differ in a pick, a number or a refusal, a job was lost on all of them, or a claim
            went without while one waited.
    """
    drawn = {
        "openers": openers,
        "strategies": strategies,
        "weights": weights,
        "costs": costs,
        "bids": bids,
        "data": data,
        "tags": tags,
        "weight_functions": [weight_function],
        "plugins": plugins,
    }
    run_state_machine_as_test(
        type("Histories", (Histories,), drawn),
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
