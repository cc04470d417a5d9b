"""What a selection of lanes leaves on the server, and what it asks of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis as redis_py

from ranch import Queue, Selection
from ranch.testing.waiting import wait_until

TAG = "{ranch:q}"


@pytest.fixture
def queue(redis_url):
    """An empty queue."""
    with Queue("q", backend=redis_url) as queue:
        yield queue


@pytest.fixture
def server(redis_url):
    """Its server."""
    with redis_py.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


def scripts(server):
    """Return how many scripts were run since the numbers were last reset."""
    stats = server.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("eval", "evalsha"))


def test_names_are_sent_once(queue, server):
    """Claims name them by their digest; who sends them is told that they are missing, by another who has not sent them,
    and again when they are gone.
    """
    chosen = Selection.of([f"lane{number}" for number in range(1_000)])
    queue.claim()
    queue.claim(lanes=chosen)
    assert server.hlen(f"{TAG}:lanes:{chosen.digest}") == 1_000
    assert 3_590_000 < server.pttl(f"{TAG}:lanes:{chosen.digest}") <= 3_600_000
    server.config_resetstat()
    queue.claim(lanes=chosen)
    assert scripts(server) == 1

    server.delete(f"{TAG}:lanes:{chosen.digest}")
    queue.enqueue("lane7", 1)
    server.config_resetstat()
    lease = queue.claim(lanes=chosen)
    assert lease
    assert lease.job.lane == "lane7"
    assert 3 <= scripts(server) <= 4


def test_names_in_use_stay(queue, server):
    """Each claim sees to it that they do not expire."""
    chosen = Selection.of(["a"])
    queue.claim(lanes=chosen)
    server.pexpire(f"{TAG}:lanes:{chosen.digest}", 1_000)
    queue.claim(lanes=chosen)
    assert server.pttl(f"{TAG}:lanes:{chosen.digest}") > 3_000_000


def test_patterns_are_not_stored(queue, server):
    """But while somebody waits for what fits them."""
    queue.claim(lanes=["eu-*"])
    assert server.keys(f"{TAG}:lanes:*") == []
    assert server.zcard(f"{TAG}:bells") == 1


def test_all_that_belongs_to_a_selection_expires(queue, server):
    """Its names, its virtual time, its bell, and that somebody listens."""
    queue.enqueue_many([("a", 1), ("a", 2)])
    queue.claim(lanes=["a"])
    queue.claim_many(5, lanes=["a"])
    queue.claim(lanes=["a"])
    queue.enqueue("a", 3)
    queue.claim(lanes=["b-*"])
    keys = [key for key in server.keys("*") if key.startswith((f"{TAG}:lanes:", f"{TAG}:bell:", f"{TAG}:bells"))]
    assert len(keys) == 4
    assert all(server.pttl(key) > 0 for key in keys)


def test_only_those_who_want_the_lane_are_rung(queue, server):
    """By name or by pattern, once; and those who want any lane as ever."""
    names, patterns = Selection.of(["a", "b"]), Selection.of(["b*"])
    for chosen in (names, patterns):
        queue.claim(lanes=chosen)

    def rung():
        bells = {"names": names.digest, "patterns": patterns.digest}
        return {name for name, digest in bells.items() if server.delete(f"{TAG}:bell:{digest}")}

    server.delete(f"{TAG}:bell")
    queue.enqueue("c", 1)
    assert (rung(), server.llen(f"{TAG}:bell")) == (set(), 1)
    queue.enqueue("a", 1)
    assert rung() == {"names"}
    queue.enqueue("b", 1)
    assert rung() == {"patterns"}
    queue.claim_many(5)
    for chosen in (names, patterns):
        queue.claim(lanes=chosen)
    queue.enqueue("b", 1)
    assert rung() == {"names", "patterns"}


@pytest.mark.parametrize("chosen", ["lane", "pattern-*"])
def test_many_lanes_and_listeners_hold_up_nobody(queue, server, chosen):
    """Each selection is read once in a call, and after so many comparisons all are woken, to look for themselves."""
    for number in range(100):
        queue.claim(lanes=[f"{number}-{each}-{chosen}" for each in range(20)])
    server.config_resetstat()
    queue.enqueue_many([(f"few-{number}", 1) for number in range(4)])
    assert server.zcard(f"{TAG}:bells") == 100
    assert server.info("commandstats")["cmdstat_zrangebyscore"]["calls"] == 1

    server.config_resetstat()
    queue.enqueue_many([(f"many-{number}", 1) for number in range(200)])
    assert len(server.keys(f"{TAG}:bell:*")) == 100
    assert server.info("commandstats").get("cmdstat_hexists", {"calls": 0})["calls"] <= 10_000


@pytest.fixture
def woken(patient, redis_url):
    """The same queue for those who wait until they are woken."""
    with Queue("q", backend=f"{redis_url}&socket_timeout=600") as queue:
        yield queue


def test_who_finds_something_wakes_the_next(woken, server):
    """Several wait for the same lanes, and are woken one after the other while there is something for them."""
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(woken.claim, lanes=["a"], wait=300.0) for _ in range(3)]
        wait_until(lambda: server.info("clients")["blocked_clients"] == 3)
        woken.enqueue_many([("a", number) for number in range(3)])
        assert sorted(each.result(60.0).job.payload for each in waiting) == [0, 1, 2]


def test_a_wake_up_for_a_limit_reaches_them(woken, server):
    """A place that gets free in a capped lane or queue, and a delayed job, are no lanes that come in."""
    for cap in (woken.lane("a").limit, woken.limit):
        cap(max_in_flight=1)
        woken.enqueue_many([("a", 1), ("a", 2)])
        held = woken.claim()
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(woken.claim, lanes=["a"], wait=300.0)
            wait_until(lambda: server.info("clients")["blocked_clients"] == 1)
            held.ack()
            waiting.result(60.0).ack()
        cap(max_in_flight=None)
