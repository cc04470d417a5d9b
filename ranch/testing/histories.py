"""One random history, played on several backends at once, by two processes: they never disagree on anything."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from attrs import evolve
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from hypothesis.strategies import SearchStrategy

from ranch.answers import Claim, Outcome, Receipt
from ranch.exceptions import QueueFull
from ranch.hooks.manager import Plugins
from ranch.letters import Death
from ranch.limits import NONE, Limits, checked_limits
from ranch.model import LaneUpdate, Lease, NewJob
from ranch.policy import DEFAULT, Policy
from ranch.queue import Queue
from ranch.selection import Selection
from ranch.steps import Steps, drive
from ranch.testing.arguments import LANES, LIMITS, OPTIONS, SELECTIONS, TAGS
from ranch.testing.clock import FakeClock
from ranch.testing.counts import check_counts
from ranch.testing.openers import Opener
from ranch.testing.recurring import Recurring
from ranch.typing import TIMERS_PER_CALL, Strategy, WeightFunction

#: With which things end while a history lasts.
SHORT: Final = Policy(max_reclaims=1, lane_ttl=20.0, max_dead=2, dead_ttl=30.0)
#: How leases are settled or renewed.
SETTLINGS: Final[Mapping[str, tuple[Any, ...]]] = {
    "release": ("release", 0.0),
    "release later": ("release", 2.5),
    "fail": ("release", 0.0),
    "fail later": ("release", 1.5),
    "bury": ("bury", Death(error="ü", traceback="…")),
    "renew": ("renew", 45.0),
}
DONE: Final = Outcome(how="done", body=b"\0\xff", content_type="text/plain")


class Histories(Recurring):
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
        #: The leases got, good or lost by now.
        self.leases: list[Lease] = []
        #: All jobs that were ever stored.
        self.ids: list[str] = []
        self.acked = 0
        #: When jobs were claimed since the rate was set, by lane; of the queue under None.
        self.paces: defaultdict[str | None, list[float]] = defaultdict(list)

    def teardown(self) -> None:
        """However a history ends, the stores are consistent then."""
        faults = [queue.check() for queue in self.queues]
        for backend in self.backends:
            backend.close()
        assert not any(faults), faults

    def each(self, act: Callable[[Queue], Steps[Any]], queues: Sequence[Queue] = ()) -> Any:
        """Do the same on every backend, and return what all of them answer, or refuse."""
        answers = []
        for queue in queues or self.queues:
            try:
                answers.append(drive(queue.backend, act(queue)))
            except QueueFull as exc:
                answers.append(exc.args)
        assert answers == [answers[0]] * len(answers)
        return answers[0]

    def lanes(self, operation: str, *args: Any, **kwargs: Any) -> Any:
        """Do an operation of `Lanes` on every backend."""
        return self.each(lambda queue: getattr(queue._operations.lanes, operation)(*args, **kwargs))

    @initialize(draw=st.data(), policy=st.sampled_from([DEFAULT, SHORT]))
    def begin(self, draw: st.DataObject, policy: Policy) -> None:
        strategy = draw.draw(st.sampled_from(self.strategies))
        function = draw.draw(st.sampled_from(self.weight_functions))
        options: dict[str, Any] = {"strategy": strategy, "weight_function": function, "weight_refresh": 0.0}
        options |= {"plugins": self.plugins, "policy": policy}
        self.queues, self.others = (
            [Queue("q", backend=backend, lease=20.0, **options) for backend in self.backends] for _ in range(2)
        )

    @rule(lanes=st.lists(LANES, min_size=1, max_size=3), options=OPTIONS, draw=st.data())
    def enqueue(self, lanes: list[str], options: dict[str, Any], draw: st.DataObject) -> None:
        cost, bid = draw.draw(self.costs), draw.draw(self.bids)
        options = {"body": b"0", "content_type": "application/json", "cost": cost, "bid": bid, **options}
        self.store([NewJob(lane=lane, **options) for lane in lanes])

    def store(self, new: list[NewJob]) -> None:
        receipt = self.lanes("enqueue", new)
        if isinstance(receipt, Receipt):
            self.ids += [job.id for job in receipt.jobs if not job.duplicate]

    @rule(lanes=st.lists(LANES, min_size=1, max_size=12))
    def enqueue_many(self, lanes: list[str]) -> None:
        self.store([NewJob(lane=lane, body=b"1", content_type="application/json") for lane in lanes])

    @rule(limit=st.integers(1, 6), other=st.booleans(), chosen=SELECTIONS)
    def claim(self, limit: int, chosen: Sequence[Selection], *, other: bool) -> None:
        waiting = self.count_eligible(chosen)
        queues = self.others if other else ()
        claim = self.firing(
            lambda: self.each(lambda queue: _without_tick(queue._operations.take(limit, selections=chosen)), queues)
        )
        # Of selected lanes it may take fewer, while others are ranked anew.
        least = min(1 if chosen else limit, waiting)
        assert len(claim.leases) >= least or len(claim.ended) >= TIMERS_PER_CALL, "one goes without"
        self.leases += claim.leases
        turns = [[lease.job.lane in selection for selection in chosen].index(True) for lease in claim.leases if chosen]
        assert turns == sorted(turns), "stolen before its time"
        for lease in claim.leases:
            assert lease.job.expires_at is None or lease.job.expires_at > self.clock()
        lanes = {lane.key: lane for lane in self.lanes("read", sorted({lease.job.lane for lease in claim.leases}))}
        claimed = Counter(lease.job.lane for lease in claim.leases)
        for key, count in claimed.items():
            self.check_caps(key, lanes[key].limits, lanes[key].stats.leased, count)
        if claimed:
            self.check_caps(None, self.lanes("limit", {}), self.queues[0].stats().leased, claimed.total())

    def count_eligible(self, chosen: Sequence[Selection]) -> int:
        """Count jobs of which it is sure that the next claim may have them."""
        queue = self.queues[0]
        if queue.limits() != NONE:
            return 0
        free = {lane.key for lane in queue.lanes() if lane.limits == NONE and _selects(chosen, lane.key)}
        ready = (stored.job for stored in queue.jobs() if stored.state == "ready")
        return sum(job.lane in free and not (job.expires_at or math.inf) <= self.clock() for job in ready)

    def check_caps(self, key: str | None, limits: Limits, leased: int, claimed: int) -> None:
        assert not limits.paused
        assert limits.max_in_flight is None or leased <= limits.max_in_flight
        if limits.rate:
            times = self.paces[key]
            times += [self.clock()] * claimed
            lately = sum(time > self.clock() - limits.rate.per for time in times)
            assert lately <= limits.rate.jobs + limits.rate.burst - 1

    @precondition(lambda self: self.leases)
    @rule(draw=st.data(), how=st.sampled_from(["ack", "ack", "ack", *SETTLINGS]))
    def settle(self, draw: st.DataObject, how: str) -> None:
        leases = draw.draw(st.lists(st.sampled_from(self.leases), min_size=1, max_size=3, unique_by=id))
        if how == "ack":
            results = {lease.token: DONE for lease in leases}
            self.acked += len(leases) - len(self.lanes("ack", leases, results))
        else:
            operation, *args = SETTLINGS[how]
            self.lanes(operation, leases, *args, **({"failed": True} if how.startswith("fail") else {}))

    @precondition(lambda self: self.ids)
    @rule(draw=st.data(), operation=st.sampled_from(["cancel", "cancel", "revive", "forget"]))
    def interfere(self, draw: st.DataObject, operation: str) -> None:
        self.lanes(operation, draw.draw(st.lists(st.sampled_from(self.ids), min_size=1, max_size=4)))

    @rule(lane=LANES, draw=st.data())
    def update(self, lane: str, draw: st.DataObject) -> None:
        weight, data, tags = draw.draw(st.none() | self.weights), draw.draw(self.data), draw.draw(self.tags)
        for queue in self.queues:
            queue.lane(lane).update(weight=weight, data=data, tags=tags)

    @rule(lane=LANES, limits=LIMITS)
    def limit_lane(self, lane: str, limits: dict[str, Any]) -> None:
        self.lanes("update", [LaneUpdate(key=lane, limits=limits)])
        if "rate" in limits:
            self.paces[lane] = []

    @rule(limits=LIMITS)
    def limit_queue(self, limits: dict[str, Any]) -> None:
        self.lanes("limit", checked_limits({name: value for name, value in limits.items() if name != "overflow"}))
        if "rate" in limits:
            self.paces[None] = []

    @rule()
    def refresh_weights(self) -> None:
        self.each(lambda queue: queue._operations.refresh_weights())

    @precondition(lambda self: len(self.strategies) > 1)
    @rule(draw=st.data())
    def set_strategy(self, draw: st.DataObject) -> None:
        strategy = draw.draw(st.sampled_from(self.strategies))
        choice = self.each(lambda queue: queue._operations.set_strategy(strategy))
        assert self.each(lambda queue: queue._operations.read_strategy(), self.others) == choice

    @rule(lane=LANES, draw=st.data())
    def look(self, lane: str, draw: st.DataObject) -> None:
        self.lanes("standing", lane)
        self.lanes("jobs", "", 100, lane)
        self.lanes("letters", "", 2)
        self.lanes("keys", backlogged=True)
        if self.ids:
            job_id = draw.draw(st.sampled_from(self.ids))
            self.lanes("find", job_id)
            self.lanes("letter", job_id)
            self.lanes("outcome", job_id)
        stored = [sorted((found.job.id, found.state) for found in queue.jobs()) for queue in self.queues]
        assert stored == [stored[0]] * len(stored)

    @invariant()
    def all_agree_and_nothing_is_lost(self) -> None:
        stats, lanes = self.lanes("stats"), self.each(lambda queue: queue._operations.read_lanes(None))
        check_counts(stats, lanes)
        assert (stats.enqueued, stats.acked) == (len(self.ids) + self.fired, self.acked)


def _selects(chosen: Sequence[Selection], lane: str) -> bool:
    return not chosen or any(lane in selection for selection in chosen)


def _without_tick(steps: Steps[Claim]) -> Steps[Claim]:
    claim = yield from steps
    return evolve(claim, tick=0)


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
            max_examples=examples, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
