"""A queue's strategy: written down by the first, agreed on by all, and changed while it runs."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ranch import ConfigError, Queue, StrategyMismatch
from ranch.choice import StrategyChoice
from ranch.hooks.manager import Plugins
from ranch.strategies import Bid
from ranch.testing.backend.processes import process
from ranch.testing.unshipped import NoTwin, Unshipped
from ranch.testing.waiting import wait_until
from ranch.typing import Backend

LANES = 100


PLUGINS = Plugins([Unshipped])


def lanes_of(leases: list[Any]) -> list[str]:
    """Name the lanes of leases."""
    return [lease.job.lane for lease in leases]


def test_the_first_writes_down_its_strategy(backend: Backend) -> None:
    """Before the first job a queue has none; then it has that of whoever came first."""
    queue = Queue("q", backend=backend, strategy={"name": "bid", "ageing": 0.5})
    assert (queue.claim(), queue.read_strategy()) == (None, None)

    queue.enqueue("a", 1)

    assert queue.read_strategy() == StrategyChoice("bid", {"ageing": 0.5}, generation=0)
    assert Queue("other", backend=backend).read_strategy() is None


@pytest.mark.parametrize(
    ("one", "same"),
    [("bid", Bid()), ("bid", {"name": "bid", "ageing": 0.0}), (Bid(ageing=2), {"name": "bid", "ageing": 2.0})],
    ids=["object", "default said", "object with options"],
)
def test_one_strategy_said_in_two_ways_is_one(backend: Backend, one: Any, same: Any) -> None:
    """A name, a mapping and an object of a plugin's class are the same if they say the same."""
    Queue("q", backend=backend, strategy=one).enqueue("a", 1)

    assert Queue("q", backend=backend, strategy=same).claim() is not None


def test_who_comes_with_another_strategy_is_told(backend: Backend) -> None:
    """Whatever would rank a lane is refused, with both strategies named, and changes nothing."""
    queue = Queue("q", backend=backend)
    queue.enqueue_many([("a", 1), ("b", 2)])
    lease = queue.claim()
    assert lease is not None
    before = (queue.stats(), queue.lanes())
    wrong = Queue("q", backend=backend, strategy={"name": "bid", "ageing": 0.5})

    for attempt in (
        lambda: wrong.enqueue("a", 3),
        lambda: wrong.claim(wait=5.0),
        lambda: wrong.release([lease]),
        wrong.reclaim,
        lambda: wrong.cancel(lease.job.id),
        lambda: wrong.dead.retry([lease.job.id]),
        lambda: wrong.lane("a").update(weight=2.0),
    ):
        with pytest.raises(StrategyMismatch, match=r"served by 'weighted-lru', .* told 'bid' \(ageing=0.5\)") as caught:
            attempt()
        assert isinstance(caught.value, ConfigError)

    assert (queue.stats(), queue.lanes()) == before
    wrong.renew([lease])
    wrong.ack([lease])
    assert wrong.stats().acked == 1


def test_a_strategy_of_no_plugin_is_known_by_its_class(backend: Backend) -> None:
    """An object may be given; the store knows it by the name of its class and its fields."""
    Queue("q", backend=backend, strategy=NoTwin()).enqueue("a", 1)

    with pytest.raises(StrategyMismatch, match=r"served by 'ranch\.testing\.unshipped\.NoTwin'"):
        Queue("q", backend=backend).claim()


def test_all_follow_a_change(backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
    """After a change every process goes by the new strategy with its next operation, and says so once."""
    one, two = (Queue("q", backend=backend) for _ in range(2))
    for lane, bid in (("a", 1), ("b", 5), ("c", 3)):
        one.lane(lane).update(data={"bid": bid})
        one.enqueue_many([(lane, n) for n in range(4)])
    assert lanes_of(two.claim_many(3)) == ["a", "b", "c"]

    with caplog.at_level(logging.INFO, "ranch"):
        assert one.set_strategy("bid") == StrategyChoice("bid", {}, generation=1)
        picked = lanes_of(two.claim_many(4)) + lanes_of(two.claim_many(1)) + lanes_of(one.claim_many(4))

    assert picked == ["b", "b", "b", "c", "c", "c", "a", "a", "a"]
    assert [record.message for record in caplog.records] == [
        "queue 'q' was given the strategy 'bid', and this process follows"
    ]
    # Whoever comes later follows too, whatever it was configured with.
    late = Queue("q", backend=backend, strategy="round-robin")
    late.enqueue("a", 1)
    assert lanes_of(late.claim_many(1)) == ["a"]
    assert late.read_strategy() == StrategyChoice("bid", {}, generation=1)


def test_set_again_is_no_change(backend: Backend) -> None:
    """Setting what is set keeps all ranks; setting what was there from the start makes the others follow."""
    queue = Queue("q", backend=backend)
    queue.enqueue("a", 1)

    assert [queue.set_strategy(name).generation for name in ("weighted-lru", "weighted-lru", "bid", "bid")] == [
        1,
        1,
        2,
        2,
    ]


def test_lanes_move_bit_by_bit_and_keep_their_order(backend: Backend) -> None:
    """No call ranks more than 32 lanes anew; none is lost meanwhile, and they are served in their old order."""
    queue = Queue("q", backend=backend)
    names = [f"lane{n:03}" for n in range(LANES)]
    queue.enqueue_many([(name, 1) for name in names])
    queue.enqueue_many([(name, 2) for name in names])

    queue.set_strategy("round-robin")
    assert queue.stats().backlogged == LANES
    first = lanes_of(queue.claim_many(1))
    queue.enqueue("late", 3)  # moves more, and comes behind those
    rest = lanes_of(queue.claim_many(2 * LANES + 5))

    # lane000 was served when 32 were moved, and `late` came when 64 were.
    order = [*names[:32], "lane000", *names[32:64], "late", *names[64:]]
    assert (first + rest)[: len(order)] == order
    assert sorted(first + rest) == sorted([*names, *names, "late"])
    assert queue.stats().pending == 0


@pytest.mark.parametrize("limit", [1, 7, 50, 400])
def test_a_claim_gets_all_there_is_however_often_the_strategy_changed(backend: Backend, limit: int) -> None:
    """Lanes of any earlier strategy are found: no place stays free while a job is ready."""
    queue = Queue("q", backend=backend, plugins=PLUGINS)
    jobs = 0
    for strategy in ("bid", "no-twin", "round-robin", "weighted-lru", "no-twin", "bid"):
        queue.enqueue_many([(f"{strategy}{n}", n) for n in range(60)])
        queue.set_strategy(strategy)
        jobs += 60
    served: list[Any] = []

    while leases := queue.claim_many(limit):
        assert len(leases) == min(limit, jobs - len(served))
        served += leases

    assert len({lease.job.id for lease in served}) == len(served) == jobs
    assert queue.stats().backlogged == 0


def test_old_ranks_mean_nothing_to_the_new_strategy(backend: Backend) -> None:
    """Virtual time and tags start anew: a lane that idled under the old numbers has no advantage, and no debt."""
    queue = Queue("q", backend=backend, strategy={"name": "bid", "ageing": 1.0})
    queue.enqueue_many([("idle", 0), *(("busy", n) for n in range(20))])
    assert len(queue.claim_many(8)) == 8  # ranks are times in seconds now

    queue.set_strategy("weighted-lru")
    queue.enqueue_many([("idle", n) for n in range(10)] + [("new", n) for n in range(10)])
    picked = lanes_of(queue.claim_many(15))

    assert {lane: picked.count(lane) for lane in ("busy", "idle", "new")} == {"busy": 5, "idle": 5, "new": 5}


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        ("bidd", "did you mean 'bid'"),
        ({"name": "bid", "ageing": -1}, "ageing"),
        (NoTwin(), r"cannot be served by 'ranch\.testing\.unshipped\.NoTwin' here: unknown strategy"),
    ],
    ids=["unknown", "wrong option", "of no plugin"],
)
def test_what_nobody_could_follow_is_refused(backend: Backend, strategy: Any, said: str) -> None:
    """A strategy that cannot be looked up by name is not set."""
    queue = Queue("q", backend=backend)
    queue.enqueue("a", 1)

    with pytest.raises(ConfigError, match=said):
        queue.set_strategy(strategy)

    assert queue.read_strategy() == StrategyChoice("weighted-lru")


def test_who_cannot_follow_says_why(backend: Backend) -> None:
    """A process without the plugin of the new strategy is told its name, and changes nothing."""
    without = Queue("q", backend=backend)
    without.enqueue("a", 1)
    Queue("q", backend=backend, plugins=PLUGINS).set_strategy("no-twin")

    for _ in range(2):
        with pytest.raises(
            ConfigError, match=r"queue 'q' cannot be served by 'no-twin' here: unknown strategy 'no-twin'"
        ):
            without.claim()
    assert without.stats().pending == 1


def test_processes_follow_under_load(shared_url: str, tmp_path: Path) -> None:
    """Four workers run 10,000 jobs while the strategy changes: each job runs exactly once."""
    jobs, changes = 10_000, ("bid", "round-robin", {"name": "bid", "ageing": 0.1}, "weighted-lru", "round-robin", "bid")
    queue = Queue("fleet", backend=shared_url)
    for start in range(0, jobs, 1000):
        queue.enqueue_many([(f"lane{n % 200}", n) for n in range(start, start + 1000)])
    outputs = [tmp_path / f"worker{n}" for n in range(4)]
    with ExitStack() as stack:
        for output in outputs:
            stack.enter_context(process("work", shared_url, output=output))
        for number, strategy in enumerate(changes, start=1):
            wait_until(lambda number=number: queue.stats().acked > number * 1200, timeout=100, interval=0.02)
            assert queue.set_strategy(strategy).generation == number
        wait_until(lambda: queue.stats().acked == jobs, timeout=100, interval=0.05)

    ran = [int(line) for output in outputs for line in output.read_text().splitlines()]
    assert sorted(ran) == list(range(jobs))
    stats = queue.stats()
    assert (stats.pending, stats.leased, stats.reclaimed, stats.backlogged) == (0, 0, 0, 0)
