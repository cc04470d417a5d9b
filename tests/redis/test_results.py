"""Results on the server: each a key that goes by itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis as redis_py

from ranch import Queue, ResultUnknown
from ranch.testing.waiting import wait_until


@pytest.fixture
def queue(redis_url):
    """A queue on an empty server."""
    with Queue("q", backend=redis_url) as queue:
        yield queue


def test_a_result_goes_by_itself(redis_url, queue):
    """The server removes it, whether anybody claims or not; who has waited for it has not made it stay."""
    with redis_py.Redis.from_url(redis_url, decode_responses=True) as client:
        job = queue.enqueue("acme", 1, result_ttl=600)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(queue.result, job.id, 60.0)
            wait_until(lambda: int(client.info("clients")["blocked_clients"]) == 1)
            lease = queue.claim()
            assert lease
            lease.ack("done")
            assert waiting.result(60.0) == "done"

        key = f"{{ranch:q}}:result:{job.id}"
        assert client.llen(key) == 1
        assert 0 < client.pttl(key) <= 600_000
        client.pexpire(key, client.pttl(key) - 599_000)  # in less than a second
        wait_until(lambda: not client.exists(key))

        assert not [name for name in client.keys("*") if ":result:" in name]
    with pytest.raises(ResultUnknown):
        queue.result(job.id, 0)


def test_who_does_not_ask_pays_nothing(redis_url, queue):
    """Without a `result_ttl` no key is made, and the server is not asked for its time."""
    with redis_py.Redis.from_url(redis_url, decode_responses=True) as client:
        queue.enqueue("acme", 1)
        lease = queue.claim()
        assert lease
        client.config_resetstat()

        lease.ack("done")

        commands = set(client.info("commandstats"))
    assert not commands & {"cmdstat_rpush", "cmdstat_pexpire", "cmdstat_time"}
