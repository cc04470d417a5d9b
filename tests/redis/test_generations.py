"""What a change of the strategy leaves on the server, and for how long."""

from __future__ import annotations

from ranch.choice import StrategyChoice
from ranch.strategies import WeightedLRU
from tests.redis.test_keyspace import TAG, Desk, job


def test_a_set_strategy_leaves_an_index_behind_until_it_is_empty(redis_url: str) -> None:
    """The old index is renamed, not copied; lanes leave it with the next operations, and then it is gone."""
    desk = Desk(redis_url)
    desk("enqueue", [job(f"lane{number}") for number in range(40)])

    desk("set_strategy", StrategyChoice("own"))
    keys = desk.keys
    desk.lanes = desk.backend.lanes("q", WeightedLRU(), StrategyChoice("own"))
    desk("enqueue", [job("lane39")])
    moved = [desk.redis.zcard(f"{TAG}:{index}") for index in ("ready", "stale:0")]
    stale = desk.redis.hget(f"{TAG}:meta", "stale")
    desk("reclaim", 1)

    assert {":stale:0"} <= keys
    assert ":ready" not in keys
    assert (moved, stale) == ([32, 8], "0")
    assert ":stale:0" not in desk.keys
    assert desk.redis.zcard(f"{TAG}:ready") == 40
    assert not desk.redis.hexists(f"{TAG}:meta", "stale")
    assert desk.redis.hget(f"{TAG}:lane:lane39", "generation") == "1"
