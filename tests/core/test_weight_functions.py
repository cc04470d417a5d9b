"""What a weight function is promised, and what it can do no harm to, on every backend."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from ranch import AsyncQueue, BackendUnavailable, ConfigError, LaneMetadata, LeaseLost, Queue
from ranch.backends.memory import MemoryBackend
from ranch.hooks import StrategyPlugin, hookimpl
from ranch.hooks.manager import Plugins
from ranch.strategies import RoundRobin
from ranch.testing import FakeClock
from ranch.typing import Backend

#: Answers that are no weights, and what a warning says of each.
BAD = [
    (0, "not 0"),
    (-1.0, "not -1.0"),
    (float("nan"), "not nan"),
    (float("inf"), "not inf"),
    (10**400, "not 1000"),
    ("1", "not str '1'"),
    (None, "not NoneType None"),
    (True, "not bool True"),
    ([1.0], "not list [1.0]"),
    (ZeroDivisionError("no"), "ZeroDivisionError: no"),
    (KeyError("impact"), "KeyError: 'impact'"),
]


class Strange(RoundRobin):
    """A strategy of somebody else's."""


class Elsewhere:
    """A plugin that only some processes have."""

    @staticmethod
    @hookimpl
    def ranch_strategies() -> list[StrategyPlugin]:
        return [StrategyPlugin(name="elsewhere", factory=Strange, summary="As at home.")]


class Impact:
    """Weighs a lane by its custom data, and counts how often it was asked about which lane."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.shown: dict[str, LaneMetadata] = {}

    def __call__(self, lane_key: str, metadata: LaneMetadata) -> float:
        self.asked.append(lane_key)
        self.shown[lane_key] = metadata
        weight = metadata.custom_data.get("impact", metadata.weight)
        assert isinstance(weight, float)
        return weight


class Counted:
    """A backend that counts the steps it takes."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.steps = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def perform(self, step: Any) -> Any:
        self.steps += 1
        return self._backend.perform(step)

    def cost(self, action: Callable[[], object]) -> int:
        """Return how many steps something takes."""
        before = self.steps
        action()
        return self.steps - before


@pytest.fixture
def impact() -> Impact:
    """A weight function."""
    return Impact()


@pytest.fixture
def process_time(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The time by which this process says how long ago it looked at a lane."""
    clock = FakeClock()
    monkeypatch.setattr("ranch.weigher.monotonic", clock)
    monkeypatch.setattr("ranch.seldom.monotonic", clock)
    monkeypatch.setattr("ranch.times.monotonic", clock)
    return clock


@pytest.fixture
def counted(backend: Backend) -> Counted:
    """The backend, with its steps counted."""
    return Counted(backend)


@pytest.fixture
def queue(counted: Counted, impact: Impact, process_time: FakeClock) -> Queue:
    """A queue whose lanes weigh what `impact` says."""
    return Queue("mail", backend=counted, weight_function=impact)


def claims(queue: Queue, jobs: int) -> dict[str, int]:
    """Claim so many jobs, and count them by lane."""
    lanes = [lease.job.lane for lease in queue.claim_many(jobs)]
    return {lane: lanes.count(lane) for lane in sorted(set(lanes))}


def test_a_change_of_data_acts_on_the_standing_backlog(queue: Queue) -> None:
    """The weight follows from the new data at once, and with it the share."""
    queue.enqueue_many([(lane, None) for lane in "ab" for _ in range(100)])
    assert claims(queue, 20) == {"a": 10, "b": 10}

    queue.lane("a").update(data={"impact": 0.25})

    assert claims(queue, 50) == {"a": 40, "b": 10}


def test_a_function_is_shown_all_there_is(queue: Queue, impact: Impact) -> None:
    """Weight, tags, data and numbers, with the change that it is asked about in them."""
    queue.enqueue_many([("a", None)] * 5)
    queue.enqueue("a", None, delay=60)
    queue.claim_many(2)
    queue.lane("a").update(tags={"plan": "gold", "old": "x"}, data={"impact": 3.0, "gone": 1})
    queue.lane("a").update(weight=2.0, tags={"old": None}, data={"gone": None})

    seen = impact.shown["a"]
    assert (seen.weight, seen.tags, seen.data) == (2.0, {"plan": "gold"}, {"impact": 3.0})
    assert (seen.pending, seen.delayed, seen.leased, seen.mean_time) == (3, 1, 2, None)
    assert seen.custom_data is seen.data


def test_both_weights_are_kept(queue: Queue) -> None:
    """What was set is never overwritten, and what counts stands beside it."""
    lane = queue.lane("a")
    lane.update(data={"impact": 3.0})
    lane.update(weight=0.5)
    assert (lane.read().weight, lane.read().effective_weight) == (0.5, 3.0)

    lane.update(data={"impact": None})
    assert (lane.read().weight, lane.read().effective_weight) == (0.5, 0.5)
    (read,) = queue.lanes()
    assert read == lane.read()
    assert queue.lane("new").read().effective_weight == 1.0


def test_without_a_function_what_is_set_counts(backend: Backend, queue: Queue, process_time: FakeClock) -> None:
    """Whoever sets a weight and knows no function sets what counts, until a process with one looks."""
    queue.lane("a").update(data={"impact": 3.0})
    plain = Queue("mail", backend=backend)

    plain.lane("a").update(tags={"plan": "gold"})
    assert plain.lane("a").read().effective_weight == 3.0
    plain.lane("a").update(weight=2.0)
    assert plain.lane("a").read().effective_weight == plain.lane("a").read().weight == 2.0
    plain.enqueue("a", None)
    process_time.advance(1.0)
    queue.claim()
    assert (plain.lane("a").read().weight, plain.lane("a").read().effective_weight) == (2.0, 3.0)


def test_static_takes_back_what_a_function_left(backend: Backend, queue: Queue) -> None:
    """A function can be taken away again."""
    queue.lane("a").update(data={"impact": 3.0})
    queue.enqueue("a", None)
    static = Queue("mail", backend=backend, weight_function="static")

    assert static.refresh_weights() == 1
    assert static.lane("a").read().effective_weight == 1.0


def test_a_hot_lane_is_asked_about_once_a_second(queue: Queue, impact: Impact, process_time: FakeClock) -> None:
    """However often it is served; and a lane that is not served, never."""
    queue.enqueue_many([(lane, None) for lane in "ab" for _ in range(100)])
    for _ in range(50):
        queue.claim()
        process_time.advance(0.01)
    assert sorted(impact.asked) == ["a", "b"]

    process_time.advance(0.51)
    queue.claim_many(50)
    assert sorted(impact.asked) == ["a", "a", "b", "b"]


def test_a_lane_just_changed_is_not_asked_about_again(queue: Queue, impact: Impact) -> None:
    """The look at a change counts as one."""
    queue.lane("a").update(data={"impact": 2.0})
    queue.enqueue("a", None)
    queue.claim()

    assert impact.asked == ["a"]


def test_a_pick_asks_about_the_lanes_it_serves_only(queue: Queue, impact: Impact) -> None:
    """Never about every lane."""
    queue.enqueue_many([(f"lane{number}", None) for number in range(200)])
    queue.claim_many(3)

    assert len(impact.asked) == 3


def test_what_it_costs_is_what_is_said(backend: Backend, counted: Counted, queue: Queue) -> None:
    """Round trips: none at all for a queue without a function, and a few for one with it."""
    plain = Queue("plain", backend=counted)
    for each in (plain, queue):
        each.enqueue_many([(lane, None) for lane in "ab" for _ in range(20)])
    queue.lane("b").update(data={"impact": 2.0})

    assert [counted.cost(plain.claim) for _ in range(4)] == [1, 1, 1, 1]
    assert counted.cost(lambda: plain.lane("a").update(weight=2.0)) == 1
    assert counted.cost(plain.refresh_weights) == 0
    # The first is served from lane a, which is looked at, and needs no write.
    assert [counted.cost(queue.claim) for _ in range(4)] == [2, 1, 1, 1]
    assert counted.cost(lambda: queue.lane("a").update(data={"impact": 0.5})) == 2
    assert counted.cost(queue.refresh_weights) == 2
    Queue("mail", backend=backend).lane("a").update(data={"impact": 7.0})
    assert counted.cost(queue.refresh_weights) == 3


def test_processes_of_one_function_do_not_fight(counted: Counted, queue: Queue, impact: Impact) -> None:
    """Each asks for itself, and none writes what is there already."""
    other = Queue("mail", backend=counted, weight_function=impact, weight_refresh=0)
    queue.lane("a").update(data={"impact": 2.0})
    queue.enqueue_many([("a", None)] * 20)
    steps = counted.cost(lambda: [other.claim() for _ in range(10)])

    assert (len(impact.asked), steps) == (11, 20)


def test_a_refresh_asks_about_the_backlog(queue: Queue, impact: Impact, counted: Counted) -> None:
    """About each lane with a backlog once, in pages, and about no other."""
    queue.enqueue_many([(f"lane{number}", None) for number in range(1100)])
    queue.enqueue("later", None, delay=60)
    queue.lane("idle").update(weight=2.0)
    impact.asked.clear()
    counted.steps = 0

    assert queue.refresh_weights() == 0
    assert sorted(impact.asked) == sorted(f"lane{number}" for number in range(1100))
    # Keys, and pages of them; Redis, which must not be held up, takes smaller ones.
    assert counted.steps == 3 if type(queue.backend._backend).__name__ != "RedisBackend" else counted.steps < 30


def test_a_refresh_tells_how_many_changed(queue: Queue, backend: Backend) -> None:
    """As when something that the function reads has changed behind its back."""
    queue.enqueue_many([(lane, None) for lane in "abc"])
    plain = Queue("mail", backend=backend)
    plain.lane("a").update(data={"impact": 2.0})
    plain.lane("b").update(data={"impact": 1.0})

    assert [queue.refresh_weights(), queue.refresh_weights()] == [1, 0]
    assert queue.lane("a").read().effective_weight == 2.0


@pytest.mark.parametrize(("answer", "said"), BAD, ids=[said for _, said in BAD])
def test_what_is_no_weight_harms_nobody(
    backend: Backend, answer: object, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The lane weighs what was set, a warning names function, lane and value, it is counted, and others go on."""
    caplog.set_level("WARNING", "ranch")

    def flawed(lane_key: str, metadata: LaneMetadata) -> Any:
        if lane_key == "sound":
            return 0.25
        if isinstance(answer, Exception):
            raise answer
        return answer

    queue = Queue("mail", backend=backend, weight_function=flawed)
    queue.lane("bad").update(weight=3.0)
    queue.enqueue_many([(lane, None) for lane in ("bad", "sound")])

    assert claims(queue, 2) == {"bad": 1, "sound": 1}
    assert [queue.lane(key).read().effective_weight for key in ("bad", "sound")] == [3.0, 0.25]
    assert queue.weight_errors == 1
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    for words in ("flawed", "'bad'", said):
        assert words in record.message
    assert bool(record.exc_info) == isinstance(answer, Exception)


def test_warnings_come_once_a_second(process_time: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    """A function that always fails does not fill the log; all its faults are counted."""
    caplog.set_level("WARNING", "ranch")
    queue = Queue("mail", backend="memory://", weight_function=lambda *_: 0)
    for number in range(50):
        queue.lane(str(number)).update(weight=1.0)
        process_time.advance(0.05)

    assert queue.weight_errors == 50
    assert len(caplog.records) == 3
    assert "(19 more since the last such line)" in caplog.records[-1].message


def test_leases_arrive_though_weights_do_not(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """If the store goes away between the claim and the look, the claim is the caller's all the same."""
    caplog.set_level("WARNING", "ranch")
    queue.enqueue("a", "hello")

    def away(keys: object) -> Any:
        raise BackendUnavailable
        yield

    monkeypatch.setattr(queue._operations.lanes, "read", away)
    lease = queue.claim()

    assert lease is not None
    assert lease.job.payload == "hello"
    assert "weights of 1 lanes stay as they are" in caplog.text


async def test_an_awaited_queue_weighs_the_same(backend: Backend, impact: Impact) -> None:
    """By the same arguments, at the same moments."""
    async with AsyncQueue("mail", backend=backend, weight_function=impact, weight_refresh=60) as queue:
        await queue.enqueue_many([(lane, None) for lane in "ab" for _ in range(20)])
        await queue.lane("a").update(data={"impact": 0.5})
        await queue.claim_many(10)

        assert (await queue.lane("a").read()).effective_weight == 0.5
        assert impact.asked == ["a", "b"]
        assert (await queue.refresh_weights(), queue.weight_errors) == (0, 0)
        assert impact.asked == ["a", "b", "a", "b"]


def test_what_was_looked_at_is_forgotten_again(process_time: FakeClock, impact: Impact) -> None:
    """A process that serves ever new lanes does not grow with them."""
    queue = Queue("mail", backend="memory://", weight_function=impact)
    for second in range(5):
        queue.enqueue_many([(f"{second} {number}", None) for number in range(1000)])
        queue.claim_many(1000)
        process_time.advance(1.0)

    assert len(impact.asked) == 5000
    assert len(queue._operations.weigher._looked_at) <= 2000


class Slow:
    """Weighs a lane by the time its jobs take."""

    reads = frozenset({"mean_time"})

    def __call__(self, lane_key: str, metadata: LaneMetadata) -> float:
        return 1.0 if metadata.mean_time is None else metadata.mean_time


def test_the_time_that_jobs_take_is_shown_to_who_reads_it(backend: Backend, process_time: FakeClock) -> None:
    """The mean of some last jobs, from claim to ack, which all processes see."""
    queue = Queue("mail", backend=backend, weight_function=Slow())
    queue.enqueue_many([("a", None)] * 60)
    for seconds in (4.0, 4.0, 2.0):
        lease = queue.claim()
        process_time.advance(seconds)
        lease.ack()
    queue.claim()
    assert queue.lane("a").read().mean_time == pytest.approx(3.75)
    assert queue.lane("a").read().effective_weight == queue.lane("a").read().mean_time

    for _ in range(40):
        lease = queue.claim()
        process_time.advance(1.0)
        lease.ack()
    assert queue.lane("a").read().mean_time == pytest.approx(1.0, abs=0.1)
    assert Queue("mail", backend=backend).lane("a").read().mean_time == queue.lane("a").read().mean_time


def test_a_job_given_back_or_lost_took_no_time(process_time: FakeClock, clock: FakeClock) -> None:
    """Only what was acked counts; and what was never settled is forgotten in the end."""
    queue = Queue("mail", backend=MemoryBackend(clock=clock), weight_function=Slow(), lease=1.0)
    queue.enqueue_many([("a", n) for n in range(12_000)])
    queue.claim().release()
    lost = queue.claim()
    clock.advance(5)
    queue.reclaim()
    with pytest.raises(LeaseLost):
        lost.ack()
    process_time.advance(5)
    queue.claim_many(11_990)

    assert queue.lane("a").read().mean_time is None
    assert len(queue._operations.weigher.times._watch._began) <= 10_000


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("tga", ["unknown weight function 'tga', did you mean 'tag'?", "bid (ranch-scheduler "]),
        ({"name": "tag", "tga": "plan"}, ["unknown key 'tga', did you mean 'tag'?"]),
        ({"name": "bid", "lowest": 0}, ["'lowest' must be a finite number > 0"]),
        ({"name": "bid", "lowest": 2.0, "highest": 1.0}, ["'highest' must be at least 'lowest'"]),
        ({"lowest": 1.0}, ["a weight function needs a 'name'"]),
        (7, ["a weight function is a name, a mapping with one, or an object, not 7"]),
        (Impact, ["not <class"]),
    ],
    ids=str,
)
def test_a_wrong_function_is_explained(spec: Any, said: list[str]) -> None:
    """When the queue is made, before anything is opened."""
    with pytest.raises(ConfigError) as error:
        Queue("q", backend="memory://", weight_function=spec)

    for words in said:
        assert words in str(error.value)


@pytest.mark.parametrize("refresh", [-1, float("nan"), "1"])
def test_a_wrong_refresh_is_explained(refresh: Any) -> None:
    """It is a number of seconds."""
    with pytest.raises(ConfigError, match="weight_refresh"):
        Queue("q", backend="memory://", weight_function="static", weight_refresh=refresh)


def test_a_strange_strategy_in_between_costs_no_lease(shared_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """The queue has got one that this process has not installed, when a weight is to be kept: the job is claimed."""
    with Queue("mail", backend=shared_url, plugins=Plugins([Elsewhere])) as elsewhere:

        def change(_lane: str, _metadata: LaneMetadata) -> float:
            elsewhere.set_strategy("elsewhere")
            return 7.0

        with Queue("mail", backend=shared_url, weight_function=change) as queue:
            queue.enqueue("acme", 1)
            assert [lease.job.lane for lease in queue.claim_many(2)] == ["acme"]
    assert "the weights of 1 lanes stay as they are, for now" in caplog.text
