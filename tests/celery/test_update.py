"""Settings that change while workers run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from ranch import BackendUnavailable, ConfigError
from ranch.celery import Ranch
from ranch.testing.server import RedisServer
from ranch.testing.waiting import wait_until
from tests.celery.app import Journal
from tests.celery.workers import CeleryWorker, ranch_says


def test_a_running_worker_obeys(app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal) -> None:
    """It shares its places anew, and serves lanes by another strategy; the process that said so does as well."""
    gated, run = app.tasks["gated"], app.tasks["run"]
    with CeleryWorker(tmp_path, settings, pool="threads", concurrency=1) as worker:
        gated.lru_delay("first", "first")
        wait_until(journal.words)
        Ranch(app).update(share=1.0, strategy="bid")
        wait_until(lambda: "the share of jobs in lanes is 1.0 from now on" in worker.log)
        for _ in range(10):
            run.delay("P")
        for number in range(5):
            run.apply_async((f"low {number}",), lane="low", bid=1)
            run.apply_async((f"high {number}",), lane="high", bid=10_000)
        wait_until(lambda: ranch_says(app)["plain messages held"] >= 2)
        wait_until(lambda: not ranch_says(app)["queues"]["celery"]["waiting"])
        journal.open_gate()
        wait_until(lambda: len(journal.words()) == 21)
    words = journal.words()[1:]
    assert words[:5] == [f"high {number}" for number in range(5)]
    assert words[5:10] == [f"low {number}" for number in range(5)]
    assert Ranch(app).config.share == 1.0


def test_single_queues_may_change(memory_app: Celery) -> None:
    """Others keep theirs, and so does what is not named."""
    ranch = Ranch(memory_app, lease=5, strategies={"ads": "bid"})
    memory_app.amqp.queues.add("ads")
    for queue in ("celery", "ads", "mail"):
        ranch.queue(queue).enqueue("acme", 1)
    ranch.update(strategies={"mail": "round-robin", "ads": {"name": "bid", "ageing": 0.5}})
    chosen = {queue: ranch.queue(queue).read_strategy() for queue in ("celery", "ads", "mail")}
    assert {queue: (choice and choice.name) for queue, choice in chosen.items()} == {
        "celery": "weighted-lru",
        "ads": "bid",
        "mail": "round-robin",
    }
    assert chosen["ads"]
    assert chosen["ads"].options["ageing"] == 0.5
    assert ranch.config.lease == 5


def test_what_is_not_named_stays(memory_app: Celery) -> None:
    """A queue that has a strategy of its own keeps it, whichever others are changed."""
    ranch = Ranch(memory_app, strategies={"ads": "bid"})
    ranch.update(strategies={"mail": "round-robin"})
    ranch.update(strategy="lottery")
    assert {queue: str(ranch.config.strategy_of(queue)) for queue in ("celery", "ads", "mail")} == {
        "celery": "lottery",
        "ads": "bid",
        "mail": "round-robin",
    }


def test_it_is_the_store_that_is_told(own_redis: RedisServer, new_app: Callable[..., Celery]) -> None:
    """What another process has set is set back, and what did not reach the store is no change here either."""
    settings = {"broker_url": "memory://", "ranch": {"backend": own_redis.url}}
    here, elsewhere = Ranch(new_app(**settings)), Ranch(new_app(**settings))
    elsewhere.update(strategy="bid")
    here.update(strategy="weighted-lru")
    assert elsewhere.queue().read_strategy().name == "weighted-lru"

    own_redis.kill()
    with pytest.raises(BackendUnavailable):
        here.update(strategy="bid")
    assert here.config.strategy == "weighted-lru"
    own_redis.start()
    wait_until(lambda: _is_done(here, "bid"))
    assert elsewhere.queue().read_strategy().name == "bid"


def _is_done(ranch: Ranch, strategy: str) -> bool:
    """Change the strategy, if the store is back."""
    try:
        ranch.update(strategy=strategy)
    except BackendUnavailable:
        return False
    return True


@pytest.mark.parametrize("change", [{"share": 2}, {"strategy": "bidd"}, {"strategies": {"celery": "bidd"}}], ids=str)
def test_a_wrong_change_changes_nothing(memory_app: Celery, change: dict[str, Any]) -> None:
    """It is found before anything is told or stored."""
    ranch = Ranch(memory_app)
    before = ranch.config
    with pytest.raises(ConfigError, match=r"Ranch\.update"):
        ranch.update(**{"strategy": "round-robin", **change})
    assert ranch.config == before
    assert ranch.queue().read_strategy() is None


def test_other_settings_stay(memory_app: Celery) -> None:
    """What cannot change while workers run is no argument."""
    with pytest.raises(TypeError):
        Ranch(memory_app).update(backend="memory://")
