"""Servers that restart, load, are busy, full, or have become a replica."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import redis

from ranch import LeaseLost, Queue
from ranch.backends.redis import RedisBackend
from ranch.exceptions import BackendError, BackendUnavailable
from ranch.steps import drive
from ranch.testing.proxy import FaultyProxy
from ranch.testing.server import RedisServer, ServerFailed
from ranch.testing.waiting import wait_until


@pytest.fixture(scope="module")
def harmed(redis_binary):
    """A server that the tests of this module may do harm to, one after the other."""
    allowed = ["--enable-debug-command", "local", "--enable-protected-configs", "local"]
    try:
        server = RedisServer(redis_binary, allowed).start()
    except ServerFailed:  # before Redis 7 nobody had to allow it
        server = RedisServer(redis_binary).start()
    yield server
    server.stop()


@pytest.fixture
def client(harmed):
    """A client of an administrator; what it has set is set back after the test."""
    harmed.empty()
    with redis.Redis.from_url(harmed.url) as client:
        before = {name: client.config_get(name)[name] for name in ("maxmemory", "maxmemory-policy", "dir", "save")}
        yield client
        client.replicaof("NO", "ONE")
        client.config_set("min-replicas-to-write", 0)
        for name, value in before.items():
            client.config_set(name, value)


@pytest.fixture
def queue(harmed, client):
    """A queue whose calls are made once only."""
    with Queue("q", backend=RedisBackend(harmed.url, retries=0), lease=30.0) as queue:
        yield queue


def test_a_server_that_restarts_in_the_middle_of_work(redis_binary):
    """With a file that it syncs before it answers no job is lost, and whoever works goes on when it is back."""
    jobs = {(part, number) for part in (0, 1) for number in range(100)}
    sent, done = set(), set()
    deadline = time.monotonic() + 90.0
    with RedisServer(redis_binary, ["--appendonly", "yes", "--appendfsync", "always"]) as server:

        def produce(part):
            with Queue("q", backend=RedisBackend(server.url, retries=100)) as queue:
                for number in range(100):
                    queue.enqueue(f"lane{part}", [part, number])
                    sent.add((part, number))

        def consume():
            with Queue("q", backend=RedisBackend(server.url, retries=100), lease=1.0) as queue:
                while done != jobs and time.monotonic() < deadline:
                    for lease in queue.claim_many(5, wait=0.2):
                        done.add(tuple(lease.job.payload))
                        with suppress(LeaseLost):  # the answer to the first attempt was lost
                            lease.ack()

        with ThreadPoolExecutor(3) as pool:
            work = [pool.submit(produce, 0), pool.submit(produce, 1), pool.submit(consume)]
            for mark in (50, 120):
                wait_until(lambda mark=mark: len(sent) > mark)
                server.kill()
                server.start()
            for each in work:
                each.result(90.0)

    assert done == sent == jobs


def test_a_server_that_loads_its_data(redis_binary):
    """It says so, which is to say that it will be back; nothing is taken for empty meanwhile."""
    with RedisServer(redis_binary) as server:
        queue = Queue("q", backend=RedisBackend(server.url, retries=0))
        queue.enqueue_many((f"lane{number}", number) for number in range(1000))
        with redis.Redis.from_url(server.url) as client:
            client.save()
        server.kill()
        # It takes its time for each key, until somebody has seen it, and answers after each few.
        server.options = ["--key-load-delay", "20000", "--loading-process-events-interval-bytes", "1024"]

        def is_loading():
            try:
                queue.stats()
            except BackendUnavailable as exc:
                return "loading" in str(exc)

        def see_it_load():
            wait_until(is_loading)
            with redis.Redis.from_url(server.url) as client:
                client.config_set("key-load-delay", 0)

        with ThreadPoolExecutor(1) as pool:
            seen = pool.submit(see_it_load)
            server.start()  # which returns when it has loaded
            seen.result()
        assert queue.stats().pending == 1000
        queue.close()


def test_a_server_that_has_become_a_replica(queue, client, redis_server):
    """It takes no changes; when it is a primary again the work goes on."""
    queue.enqueue("a", 1)
    client.replicaof("127.0.0.1", 1)

    with pytest.raises(BackendUnavailable, match="is a replica, and takes no changes"):
        queue.enqueue("a", 2)
    client.replicaof("NO", "ONE")

    assert queue.enqueue("a", 2).id
    assert queue.stats().pending == 2


@pytest.mark.parametrize("options", ["", "?max_connections=2"])
def test_a_name_that_leads_to_another_server_after_a_fail_over(harmed, client, redis_url, redis_server, options):
    """Old connections lead to the old primary, which takes no changes: they are given up for new ones."""
    with FaultyProxy(harmed.tcp_url) as name, Queue("q", backend=name.url + options) as queue:
        queue.enqueue("a", "on the old primary")
        client.replicaof("127.0.0.1", 1)
        name.lead_to(redis_server.tcp_url)

        queue.enqueue("a", "on the new primary")

        assert queue.claim().job.payload == "on the new primary"


def test_too_few_replicas(queue, client):
    """A primary that may not take changes alone says so, and the call may do later."""
    queue.enqueue("a", 1)
    client.config_set("min-replicas-to-write", 1)

    with pytest.raises(BackendUnavailable, match="has too few replicas"):
        queue.enqueue("a", 2)
    client.config_set("min-replicas-to-write", 0)

    assert (queue.stats().enqueued, queue.check()) == (1, [])


def test_a_server_that_cannot_write_to_its_disk(queue, client, tmp_path):
    """It takes no changes until it can."""
    gone = tmp_path / "gone"
    gone.mkdir()
    client.config_set("dir", str(gone))
    gone.rmdir()
    client.config_set("save", "3600 1")
    queue.enqueue("a", 1)
    client.bgsave()
    wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")

    with pytest.raises(BackendUnavailable, match="cannot write to its disk"):
        queue.enqueue("a", 2)
    client.config_set("save", "")

    assert queue.stats().pending == 1


def test_a_server_that_is_busy_with_a_script(queue, client):
    """Somebody's script that does not end stops everybody; it passes when an administrator ends it."""
    queue.enqueue("a", 1)
    client.config_set("lua-time-limit", 50)

    def loop():
        with redis.Redis.from_url(client_url) as other, pytest.raises(redis.ResponseError, match="killed"):
            other.eval("while true do end", 0)

    client_url = "unix://" + client.connection_pool.connection_kwargs["path"]
    script = threading.Thread(target=loop)
    script.start()

    def said():
        try:
            queue.stats()
        except BackendUnavailable as exc:
            return "busy with a script" in str(exc)

    wait_until(said)
    client.script_kill()
    script.join()

    assert queue.stats().pending == 1


def test_a_full_server_stores_nothing_by_halves(harmed, queue, client):
    """Each operation is done or refused, as a whole: what is refused has changed nothing."""
    for lane in ("a", "b"):
        queue.enqueue_many([(lane, number) for number in range(5)])
    queue.enqueue("later", 1, delay=0.001)
    queue.lane("a").update(weight=2.0, tags={"plan": "free"}, data={"n": 1})
    leases = queue.claim_many(4, lease=0.001)
    held = queue.claim_many(3)
    client.config_set("maxmemory", 1)
    operations = {
        "enqueue": lambda: queue.enqueue("a", 1),
        "enqueue with a delay": lambda: queue.enqueue("c", 1, delay=60.0),
        "update": lambda: queue.lane("d").update(weight=3.0, tags={"plan": "paid"}),
        "set_strategy": lambda: queue.set_strategy("round-robin"),
        "release": held[0].release,
        "release with a delay": lambda: held[1].release(delay=5.0),
        "renew": held[2].renew,
        "reclaim": queue.reclaim,
        "claim": queue.claim,
        "ack": held[2].ack,
    }
    refused = {}

    for name, operation in operations.items():
        before = client.execute_command("DEBUG", "DIGEST")
        try:
            operation()
        except BackendError as exc:
            refused[name] = str(exc)
            assert client.execute_command("DEBUG", "DIGEST") == before, name

    assert {"enqueue", "enqueue with a delay", "update"} <= refused.keys()
    assert all("out of memory, and nothing was stored" in said for said in refused.values())
    # What works on what is there goes on: a worker whose leases could not be renewed would lose them.
    assert not refused.keys() & {"claim", "ack", "reclaim", "renew", "release", "release with a delay"}
    client.config_set("maxmemory", 0)
    stats = queue.stats()
    assert stats.pending + stats.delayed + stats.leased + stats.acked == stats.enqueued == 11
    assert len(leases) == 4


@pytest.mark.parametrize(
    ("lanes", "taken"),
    [(["lane-00150", "lane-00250"], "lane-00250"), (["lane-00200"], "lane-00200"), (["*-00270"], "lane-00270")],
    ids=["names", "names that it does not know", "patterns"],
)
def test_a_full_server_goes_on_where_lanes_are_selected(queue, client, lanes, taken):
    """What is known of a selection is small, and is written down in a claim, which no worker can do without."""
    queue.enqueue_many([(f"lane-{number:05}", number) for number in range(300)])
    queue.claim(lanes=["lane-00150", "lane-00250"]).release()
    client.config_set("maxmemory", 1)

    assert queue.claim(lanes=lanes).job.lane == taken
    assert queue.claim(lanes=["none"]) is None


def test_a_full_server_goes_on_where_many_lanes_are_looked_at(queue, client):
    """A claim that goes on where another has stopped looking needs no room either."""
    queue.enqueue_many([(f"lane-{number:05}", number) for number in range(10_500)])
    client.config_set("maxmemory", 1)

    assert queue.claim(lanes=["none-*"]) is None
    assert queue.claim(lanes=["*-10400"]).job.lane == "lane-10400"


def test_a_full_server_lets_nobody_wait_for_a_result(queue, client):
    """But keeps it, and tells it to who asks then."""
    job = queue.enqueue("a", 1, result_ttl=60.0)
    lease = queue.claim()
    client.config_set("maxmemory", 1)

    with pytest.raises(BackendError, match="out of memory"):
        queue.result(job.id, timeout=10.0)
    queue.ack([lease], results={job.id: "well"})
    assert queue.result(job.id, timeout=10.0) == "well"


def test_what_a_full_server_lets_out(queue, client):
    """Jobs that are there end in each way that there is, and whoever waits is woken."""
    queue.enqueue_many([("a", number) for number in range(10)])
    buried, failed, revived, forgotten, leased = queue.claim_many(5)
    for lease in (revived, forgotten):
        lease.bury("it is enough")
    ready = next(queue.jobs(lane="a")).job
    client.config_set("maxmemory", 1)

    buried.bury("it is enough")
    failed.fail("not now")
    assert [queue.cancel(job_id) for job_id in (ready.id, leased.job.id, "00000abcdef")] == [True, False, False]
    assert len(queue.dead.retry([revived.job.id])) == 1
    assert queue.dead.purge([forgotten.job.id]) == 1
    client.delete("{ranch:q}:bell")
    drive(queue.backend, queue._operations.lanes.ring())
    assert client.llen("{ranch:q}:bell") == 1


@pytest.mark.parametrize(
    ("policy", "maxmemory", "lines"),
    [
        ("allkeys-lru", "100mb", 1),
        ("allkeys-random", "100mb", 1),
        ("allkeys-lru", "0", 0),
        ("volatile-lru", "100mb", 0),
        ("noeviction", "100mb", 0),
    ],
)
def test_a_server_that_would_drop_jobs_is_warned_of_once(client, caplog, policy, maxmemory, lines):
    """At the first use, in the log, and only if jobs could be dropped: no key of a queue expires."""
    client.config_set("maxmemory", maxmemory)
    client.config_set("maxmemory-policy", policy)
    queue = Queue("q", backend=RedisBackend.from_client(client))

    with caplog.at_level(logging.WARNING, "ranch"):
        queue.stats()
        queue.stats()

    said = f"maxmemory-policy is {policy}), and with them jobs: set maxmemory-policy to noeviction"
    assert [said in record.getMessage() for record in caplog.records] == [True] * lines
