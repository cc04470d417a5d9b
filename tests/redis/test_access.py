"""What a user of Redis has to be allowed: exactly what the documentation says."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from ranch import AsyncQueue, Queue
from ranch.backends.redis import RedisBackend
from ranch.backends.redis.scripts import LUA
from ranch.exceptions import BackendError, ResultNotReady
from ranch.testing.server import RedisServer
from ranch.testing.topologies import ClusterServers, WatchedServers
from ranch.testing.waiting import wait_until

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "redis-in-production.md"
_RULE = re.search(r"^ACL SETUSER worker (on .*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)[1]
RULE = _RULE.replace(">password", ">secret").split()
_CALL = re.compile(r"""\bcall\(\s*"([A-Z]+)\"""")
#: What Redis is asked outside of scripts, in `lanes` and by redis-py.
OUTSIDE = {"evalsha", "eval", "blmove", "blpop", "hmget", "ping", "info"}


@pytest.fixture(scope="module")
def guarded(redis_binary):
    """A server with users."""
    with RedisServer(redis_binary) as server:
        yield server


@pytest.fixture
def admin(guarded):
    """An administrator."""
    guarded.empty()
    with redis.Redis.from_url(guarded.url) as client:
        client.execute_command("ACL", "SETUSER", "worker", "reset", *RULE)
        yield client


def needs(what):
    """Return what the page says a user needs beside the rule."""
    line = re.search(rf"^- .*{what}.*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)[0]
    return re.findall(r"\+[a-z|]+", line.partition(";")[0])


def url_of(guarded, user="worker", password="secret"):
    """The server's address for a user."""
    return urlsplit(guarded.tcp_url)._replace(netloc=f"{user}:{password}@127.0.0.1:{guarded.port}").geturl()


def do_all(backend):
    """Do all that there is to do in a queue."""
    queue = Queue("q", backend=backend, lease=30.0)
    queue.enqueue_many([("a", 1), ("b", 2), ("c", 3)])
    asked = queue.enqueue("a", 3, delay=0.001, result_ttl=60)
    queue.lane("a").update(weight=2.0, tags={"plan": "free"}, data={"n": 1})
    queue.lane("a").update(weight=1.0, tags={"plan": None})
    first, second = queue.claim_many(2, lease=0.001)
    wait_until(lambda: queue.reclaim() == 2)
    first, second = queue.claim_many(2)
    first.ack()
    queue.renew([second])
    second.release()
    queue.set_strategy("round-robin")
    third = queue.claim(wait=1.0)
    third.release(delay=0.001)
    wait_until(lambda: queue.reclaim() or queue.stats().delayed == 0)
    assert {lane.key for lane in queue.lanes()} == {"a", "b", "c"}
    assert queue.read_strategy().name == "round-robin"
    with pytest.raises(ResultNotReady):
        queue.result(asked.id, 0.1)
    queue.ack(queue.claim_many(10), results={asked.id: "done"})
    assert queue.result(asked.id) == "done"
    assert queue.claim(wait=0.1) is None
    queue.refresh_weights()
    assert queue.stats().acked == 4


def test_the_rule_in_the_documentation_suffices(guarded, admin):
    """For all that a queue does."""
    backend = RedisBackend(url_of(guarded), health_check_interval=1)
    do_all(backend)
    backend.close()


async def test_the_rule_suffices_when_awaited(guarded, admin):
    """For the clients of asyncio too."""
    async with AsyncQueue("q", backend=url_of(guarded)) as queue:
        await queue.enqueue("a", 1)

        assert (await queue.claim(wait=1.0)).job.payload == 1


def test_the_rule_names_what_the_scripts_call_and_no_more():
    """Each command in a script is allowed, and each that is allowed is called.

    A script that is stopped at a command leaves half of its work done.
    """
    called = {name.lower() for file in LUA.rglob("*.lua") for name in _CALL.findall(file.read_text(encoding="utf-8"))}
    allowed = {word[1:] for word in RULE if re.fullmatch(r"\+[a-z|]+", word)}

    assert allowed == called | OUTSIDE


def test_the_rule_leaves_the_rest_alone(guarded, admin):
    """Neither other keys, nor other commands."""
    with redis.Redis.from_url(url_of(guarded)) as client:
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.hget("{other:q}:meta", "x")
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.flushdb()
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.config_get("*")


def test_a_command_that_is_not_allowed_is_named(guarded, admin, refusals):
    """The error says whose fault it is not. It is tried once; what was done before stays, and can be mended."""
    with Queue("q", backend=url_of(guarded)) as queue:
        queue.enqueue("a", 1)
        admin.execute_command("ACL", "SETUSER", "worker", "-zadd")
        admin.config_resetstat()

        with pytest.raises(BackendError, match="does not let this user"):
            queue.enqueue("b", 2)

        assert refusals(admin) == 1
        admin.execute_command("ACL", "SETUSER", "worker", "+zadd")
        assert queue.check(repair=True)
        assert queue.check() == []
        assert [lease.job.payload for lease in queue.claim_many(10)] == [1, 2]


def test_any_character_may_stand_in_a_password(guarded, admin):
    """Written as in any URL."""
    admin.execute_command("ACL", "SETUSER", "worker", ">p@ss/:ü")

    with Queue("q", backend=url_of(guarded, password="p%40ss%2F%3A%C3%BC")) as queue:
        assert queue.enqueue("a", 1).id


def test_another_database_needs_select(guarded, admin):
    """As the page says: with it all goes, without it nothing."""
    url = url_of(guarded)[: -len("0")] + "3"
    with Queue("q", backend=url) as queue:
        with pytest.raises(BackendError, match="select"):
            queue.enqueue("a", 1)
        admin.execute_command("ACL", "SETUSER", "worker", "+select")

        assert queue.enqueue("a", 1).id


def test_a_cluster_needs_what_the_page_says(redis_binary):
    """The rule with that suffices, and without it does not."""
    with ClusterServers(redis_binary) as cluster:
        url = f"redis+cluster://worker:secret@127.0.0.1:{cluster.nodes[0].port}"
        for client in cluster.clients:
            client.execute_command("ACL", "SETUSER", "worker", "reset", *RULE)
        with pytest.raises(BackendError), Queue("q", backend=RedisBackend(url, retries=0)) as queue:
            queue.stats()

        for client in cluster.clients:
            client.execute_command("ACL", "SETUSER", "worker", *needs("In a cluster"))
        backend = RedisBackend(url)
        do_all(backend)
        backend.close()


def test_a_sentinel_needs_what_the_page_says(redis_binary):
    """Its own user, who is named beside the servers'."""
    with WatchedServers(redis_binary) as servers:
        with redis.Redis.from_url(servers.primary.url) as primary, redis.Redis.from_url(servers.sentinel.url) as one:
            primary.execute_command("ACL", "SETUSER", "worker", "reset", *RULE)
            one.execute_command("ACL", "SETUSER", "looker", "reset", "on", ">told", *needs("A Sentinel's own user"))
        url = servers.url.replace("//", "//worker:secret@") + "?sentinel_username=looker&sentinel_password="

        backend = RedisBackend(url + "told")
        do_all(backend)
        backend.close()
        with pytest.raises(BackendError), Queue("q", backend=RedisBackend(url + "guess", retries=0)) as queue:
            queue.stats()


def test_keys_that_are_not_allowed_are_an_error(guarded, admin):
    """A queue under another prefix is not this user's."""
    backend = RedisBackend(url_of(guarded), prefix="theirs:")

    with Queue("q", backend=backend) as queue, pytest.raises(BackendError, match="does not let this user"):
        queue.enqueue("a", 1)


def test_who_may_not_ask_how_keys_are_dropped_works_all_the_same(guarded, admin):
    """The warning is a service, and no condition."""
    admin.execute_command("ACL", "SETUSER", "worker", "-info")

    with Queue("q", backend=url_of(guarded)) as queue:
        assert queue.enqueue("a", 1).id


def test_a_wrong_password_is_an_error_at_once(guarded, admin, refusals):
    """Not an absence that may pass, so it is tried once."""
    admin.config_resetstat()
    with Queue("q", backend=url_of(guarded, password="guess")) as queue, pytest.raises(BackendError) as caught:
        queue.stats()

    assert "lets us not in" in str(caught.value)
    assert type(caught.value) is BackendError
    assert refusals(admin) == 1
