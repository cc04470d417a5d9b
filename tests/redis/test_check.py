"""A store that was broken by hand: each fault is found, named and mended, and the queue works again."""

from __future__ import annotations

import pytest
import redis

from ranch import Policy, Queue
from ranch.backends.redis.keys import Keys
from ranch.hooks.manager import Plugins
from ranch.testing.server import RedisServer
from ranch.testing.unshipped import NoTwin, Unshipped

KEYS = Keys("ranch:", "q")


@pytest.fixture
def client(redis_url):
    """A plain client."""
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture(params=["weighted-lru", "no twin"])
def queue(request, redis_url, fill):
    """A queue in which something of everything is."""
    strategy, plugins = (NoTwin(), Plugins([Unshipped])) if request.param == "no twin" else (request.param, None)
    with Queue("q", backend=redis_url, strategy=strategy, plugins=plugins, lease=600.0) as queue:
        fill(queue)
        yield queue


def first(client, index):
    """The first of an index."""
    return client.zrange(index, 0, 0)[0]


def ready(client, lane):
    """The id of a lane's first job."""
    return first(client, KEYS.pending_prefix + lane)


def timer(client, kind):
    """A timer of a kind."""
    return next(name for name in client.zrange(KEYS.timers, 0, -1) if name.startswith(kind))


#: How a store is broken, and what that is called.
HARMS = {
    "job loses its place": (
        lambda client: client.zrem(KEYS.pending_prefix + "acme", ready(client, "acme")),
        "job in no place",
    ),
    "lease is lost": (lambda client: client.zrem(KEYS.timers, timer(client, b"l")), "job in no place"),
    "delayed job is lost": (lambda client: client.zrem(KEYS.timers, timer(client, b"d")), "job in no place"),
    "dead job is in no place": (lambda client: client.zrem(KEYS.dead, first(client, KEYS.dead)), "job in no place"),
    "job is ready and delayed": (
        lambda client: client.zadd(KEYS.timers, {b"d" + ready(client, "bulk"): 1}),
        "job in two places",
    ),
    "job is ready and leased": (
        lambda client: client.zadd(KEYS.timers, {b"l" + ready(client, "bulk") + b"0@nobody": 1e13}),
        "job in two places",
    ),
    "job is ready and dead": (lambda client: client.zadd(KEYS.dead, {ready(client, "bulk"): 1}), "job in two places"),
    "record is lost": (lambda client: client.hdel(KEYS.jobs, ready(client, "bulk")), "place without a job"),
    "leased record is lost": (
        lambda client: client.hdel(KEYS.jobs, timer(client, b"l")[1:12]),
        "timer without a reason",
    ),
    "dead record is lost": (
        lambda client: client.hdel(KEYS.jobs, first(client, KEYS.dead)),
        "letter without a dead job",
    ),
    "reason is lost": (lambda client: client.delete(KEYS.letters), "dead job without a letter"),
    "key is held by nobody": (lambda client: client.hset(KEYS.dedup, "key", "fffffffffff"), "dedup key without a job"),
    "expiry is not seen to": (
        lambda client: client.zrem(KEYS.timers, timer(client, b"e")),
        "job without the timer of its expiry",
    ),
    "lane is unknown": (lambda client: client.srem(KEYS.lanes, "bulk"), "job without its lane's row"),
    "row is lost": (lambda client: client.delete(KEYS.lane_prefix + "slow"), "job without its lane's row"),
    "lane left the index": (lambda client: client.delete(KEYS.ready), "lane that does not wait"),
    "lane is in the index twice": (
        lambda client: client.zadd(KEYS.ready, {"0" * 13 + "bulk": -1}),
        "lane that waits without jobs",
    ),
    "empty lane waits": (
        lambda client: client.zadd(KEYS.ready, {"0" * 13 + "nobody": -1}),
        "lane that waits without jobs",
    ),
    "blocked lane waits": (
        lambda client: client.zadd(KEYS.ready, {client.hget(KEYS.lane_prefix + "rate", "order") + b"rate": -1}),
        "lane that waits without jobs",
    ),
    "nobody looks at the blocked lane": (
        lambda client: client.zrem(KEYS.timers, b"rrate"),
        "lane that is not looked at again",
    ),
    "lane is blocked by nothing": (
        lambda client: client.hset(KEYS.lane_prefix + "bulk", "blocked", "max_in_flight"),
        "lane that is not looked at again",
    ),
    "nobody looks whether it is idle": (
        lambda client: client.zrem(KEYS.timers, b"ibulk"),
        "lane without the timer of its idleness",
    ),
    "lane counts a lease too many": (
        lambda client: client.hincrby(KEYS.lane_prefix + "acme", "claimed", 1),
        "numbers of a lane",
    ),
    "lane counts a job too few": (
        lambda client: client.hincrby(KEYS.lane_prefix + "acme", "enqueued", -1),
        "numbers of a lane",
    ),
    "lane counts too many letters": (
        lambda client: client.hincrby(KEYS.lane_prefix + "dead", "dead", 3),
        "numbers of a lane",
    ),
    "queue counts too many leases": (lambda client: client.hincrby(KEYS.meta, "claimed", 2), "numbers of the queue"),
    "queue counts too many delayed": (lambda client: client.hincrby(KEYS.meta, "delayed", 1), "numbers of the queue"),
    "queue counts a limited lane too few": (
        lambda client: client.hincrby(KEYS.meta, "limited", -1),
        "numbers of the queue",
    ),
    "queue counts a blocked lane too many": (
        lambda client: client.hincrby(KEYS.meta, "blocked", 1),
        "numbers of the queue",
    ),
}


@pytest.mark.parametrize(("harm", "kind"), HARMS.values(), ids=HARMS)
def test_a_fault_is_found_and_mended(queue, client, harm, kind):
    """It is named, nothing is changed by looking, and once mended every job that is left can be claimed."""
    harm(client)
    before = client.dump(KEYS.meta)

    found = queue.check()
    assert kind in {fault.kind for fault in found}
    assert not any(fault.mended for fault in found)
    assert client.dump(KEYS.meta) == before

    mended = queue.check(repair=True)
    assert mended
    assert all(fault.mended for fault in mended)
    assert queue.check() == []

    waiting = {stored.job.id for stored in queue.jobs() if stored.state in {"ready", "delayed"}}
    queue.lane("rate").limit(rate=None)
    delayed = {stored.job.id for stored in queue.jobs() if stored.state == "delayed" and stored.at > 1e9 + 400}
    claimed = set()
    while leases := queue.claim_many(10):
        claimed |= {lease.job.id for lease in leases}
        queue.ack(leases)
    late = {stored.job.id for stored in queue.jobs() if stored.state == "delayed"}
    assert claimed | late == waiting
    assert late <= delayed
    assert queue.check() == []


def test_lanes_of_an_earlier_strategy_are_looked_at_too(queue, client):
    """In the index in which they are left."""
    queue.set_strategy("bid")
    queue.set_strategy("lottery")
    assert queue.check() == []

    (stale,) = [key for key in client.scan_iter(KEYS.stale_prefix + "*") if client.zcard(key)] or [KEYS.ready]
    client.zpopmin(stale)

    assert [fault.kind for fault in queue.check()] == ["lane that does not wait"]


def test_without_a_time_to_live_no_lane_needs_its_timer(redis_url):
    """As the policy of whoever looks says."""
    with Queue("q", backend=redis_url, policy=Policy(lane_ttl=None)) as queue:
        queue.enqueue("acme", 1)
        assert queue.check() == []


def test_many_pages(redis_binary):
    """Of thousands of jobs and lanes each is looked at."""
    with RedisServer(redis_binary) as server, Queue("q", backend=server.url) as queue:
        queue.enqueue_many([(f"lane {number % 700}", number) for number in range(3000)])
        queue.claim_many(500)
        queue.enqueue_many([("late", number) for number in range(600)], delay=60.0)
        assert queue.check() == []
        with redis.Redis.from_url(server.url) as client:
            lost = [name for name in client.zrange(KEYS.timers, 0, -1) if name.startswith(b"l")][:450]
            client.zrem(KEYS.timers, *lost)
        assert sum(fault.kind == "job in no place" for fault in queue.check()) == 450
        queue.check(repair=True)
        assert queue.check() == []
        assert queue.stats().leased == 50


def test_many_small_lanes_are_looked_at_together(redis_url, client):
    """A look costs a script for each 200 things, not one for each lane; and long lanes are read to their end."""
    with Queue("q", backend=redis_url) as queue:
        queue.enqueue_many([(f"lane-{number}", 1) for number in range(2_000)])
        queue.enqueue_many([("long", number) for number in range(1_000)])
        client.config_resetstat()
        assert queue.check() == []
        # Lanes twice, the index, ready jobs, jobs, timers.
        assert client.info("commandstats")["cmdstat_evalsha"]["calls"] < 1.5 * (2 * 10 + 10 + 15 + 15 + 10)
        last = client.zrange(KEYS.pending_prefix + "long", -1, -1)[0]
        client.hdel(KEYS.jobs, last, ready(client, "lane-7"))
        found = {fault.about for fault in queue.check() if fault.kind == "place without a job"}
        assert found == {last.decode(), ready(client, "lane-7").decode()}
        queue.check(repair=True)
        assert queue.check() == []
