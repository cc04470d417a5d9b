"""What a queue holds once it is empty again; ``python -m benchmarks.emptied`` measures it at full size."""

from __future__ import annotations

import redis

from benchmarks.emptied import fill_and_empty
from ranch.backends.redis.keys import Keys


def test_a_queue_that_is_empty_again_holds_its_own_row_and_no_more(own_redis):
    """After thousands of jobs in hundreds of lanes: the bell, and what the queue has counted, of times as well."""
    keys = Keys("ranch:", "q")

    found = fill_and_empty(own_redis.url, jobs=10_000, lanes=1_000)

    assert found.keys == [keys.bell, keys.meta, keys.times_prefix]
    with redis.Redis.from_url(own_redis.url) as client:
        assert sum(client.memory_usage(key) for key in found.keys) < found.peak / 100
