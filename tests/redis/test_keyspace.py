"""What lies where on the server, after each command, looked at with plain commands."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest
import redis as redis_py

from ranch.answers import Return
from ranch.backends.redis import MAX_ENQUEUE, RedisBackend
from ranch.backends.redis.keys import Keys
from ranch.backends.redis.records import CONTENT_TYPES, pack, unpack
from ranch.backends.redis.runners import Call
from ranch.choice import StrategyChoice
from ranch.exceptions import BackendError, InvalidJob
from ranch.letters import Death
from ranch.model import LaneUpdate, NewJob
from ranch.policy import Policy
from ranch.steps import drive
from ranch.strategies import WeightedLRU
from ranch.testing.server import RedisServer
from ranch.testing.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_800_000_000.0
TAG = "{ranch:q}"


def job(lane: str = "a", **fields: Any) -> NewJob:
    """A job of which only the lane matters, and what else is given."""
    return NewJob(lane=lane, **{"body": b"x", "content_type": "application/json", **fields})


class Desk:
    """The lanes of one queue, and the server they are in."""

    def __init__(self, url: str) -> None:
        self.backend = RedisBackend(url, clock=lambda: NOW)
        # Lanes are not looked at whether they are idle: nothing but what a test is about stands in the timers.
        self.lanes = self.backend.lanes("q", WeightedLRU(), policy=Policy(lane_ttl=None))
        self.redis = redis_py.Redis.from_url(url, decode_responses=True)

    def __call__(self, operation: str, *args: Any, **options: Any) -> Any:
        return drive(self.backend, getattr(self.lanes, operation)(*args, **options))

    @property
    def keys(self) -> set[str]:
        return {key.removeprefix(TAG) for key in self.redis.keys("*")}


@pytest.fixture
def desk(redis_url: str) -> Desk:
    """The lanes of an empty queue."""
    return Desk(redis_url)


def test_enqueue_stores_record_lane_and_ring(desk: Desk) -> None:
    """A ready job has a record, a place in its lane, and its lane one in the index; the bell rings once."""
    desk("enqueue", [job(), job(priority=4)])

    assert desk.keys == {":meta", ":ready", ":jobs", ":lanes", ":bell", ":lane:a", ":pending:a"}
    assert desk.redis.zrange(f"{TAG}:pending:a", 0, -1, withscores=True) == [
        ("00000000002", NOW * 1000 - 480_000),
        ("00000000001", NOW * 1000 - 180_000),
    ]
    assert desk.redis.zrange(f"{TAG}:ready", 0, -1, withscores=True) == [("0000000000001a", 0.0)]
    assert desk.redis.llen(f"{TAG}:bell") == 1
    strategy = StrategyChoice.of(WeightedLRU()).text
    assert desk.redis.hgetall(f"{TAG}:meta") == {"last_id": "2", "tick": "1", "layout": "6", "strategy": strategy}
    assert desk.redis.hgetall(f"{TAG}:lane:a") == {"tag": "0", "order": "0000000000001", "enqueued": "2"}


def test_a_delayed_job_waits_in_the_timers(desk: Desk) -> None:
    """A delayed job is no reason for its lane to be served."""
    desk("enqueue", [job(delay=1.5)])

    assert desk.keys == {":meta", ":jobs", ":lanes", ":bell", ":timers", ":lane:a"}
    assert desk.redis.zrange(f"{TAG}:timers", 0, -1, withscores=True) == [("d00000000001", NOW * 1000 + 1500)]


def test_only_the_next_timer_rings(desk: Desk) -> None:
    """Who waits for a later time need not know of a still later one."""
    desk("enqueue", [job(delay=5)])
    desk.redis.delete(f"{TAG}:bell")

    desk("enqueue", [job(delay=9)])
    rung_by_later = desk.redis.llen(f"{TAG}:bell")
    desk("enqueue", [job(delay=1)])

    assert (rung_by_later, desk.redis.llen(f"{TAG}:bell")) == (0, 1)


def test_claim_moves_the_job_to_the_timers(desk: Desk) -> None:
    """A lease is a timer that bears its token; the lane left empty is out of the index, its row stays."""
    desk("enqueue", [job()])

    (lease,) = desk("claim", 1, 30.0, "me").leases

    assert desk.redis.zrange(f"{TAG}:timers", 0, -1, withscores=True) == [
        (f"l{lease.job.id}{lease.token}", NOW * 1000 + 30_000)
    ]
    assert desk.keys == {":meta", ":jobs", ":lanes", ":bell", ":timers", ":lane:a"}
    assert desk.redis.hget(f"{TAG}:lane:a", "order") == f"{2**48 + 2:013x}"


def test_claim_passes_the_bell_on_while_lanes_are_ready(desk: Desk) -> None:
    """Whoever was woken wakes the next, and nobody is woken for nothing."""
    desk("enqueue", [job(), job("b")])
    desk.redis.delete(f"{TAG}:bell")

    desk("claim", 1, 30.0, "me")
    after_first = desk.redis.llen(f"{TAG}:bell")
    desk.redis.delete(f"{TAG}:bell")
    desk("claim", 1, 30.0, "me")

    assert (after_first, desk.redis.llen(f"{TAG}:bell")) == (1, 0)


def test_a_claim_reads_each_row_once(desk: Desk) -> None:
    """What the claim needs of the queue, its strategy among it, comes with one command, and of the lane likewise."""
    desk("enqueue", [job(), job()])
    desk.redis.config_resetstat()

    desk("claim", 1, 30.0, "me")

    calls = {command: stats["calls"] for command, stats in desk.redis.info("commandstats").items()}
    assert (calls["cmdstat_hmget"], calls["cmdstat_hset"], calls["cmdstat_hget"]) == (2, 2, 1)


def test_ack_leaves_rows_only(desk: Desk) -> None:
    """When all is done, nothing is left but what was counted."""
    desk("enqueue", [job(), job("b")])

    lost = desk("ack", desk("claim", 5, 30.0, "me").leases)

    assert lost == []
    assert desk.keys == {":meta", ":lanes", ":bell", ":lane:a", ":lane:b"}


def test_release_counts_the_attempt_in_the_record(desk: Desk) -> None:
    """A job given back knows how often it was claimed."""
    desk("enqueue", [job()])

    desk("release", desk("claim", 1, 30.0, "me").leases, 0.0)

    assert [lease.job.attempts for lease in desk("claim", 1, 30.0, "me").leases] == [2]
    assert desk.redis.zcard(f"{TAG}:pending:a") == 0


def test_defaults_are_not_stored(desk: Desk) -> None:
    """Of a lane that was only named, nothing is kept but its key; what is set to None goes."""
    desk("update", [LaneUpdate(key="a"), LaneUpdate(key="b", tags={"t": "v"}, data={"n": [1]}, weight=2.5)])
    stored = desk.redis.hgetall(f"{TAG}:lane:b")
    desk("update", [LaneUpdate(key="b", tags={"t": None}, data={"n": None})])

    assert desk.redis.smembers(f"{TAG}:lanes") == {"a", "b"}
    assert stored == {"weight": "2.5", "tag:t": "v", "data:n": "[1]"}
    assert desk.redis.hgetall(f"{TAG}:lane:b") == {"weight": "2.5"}


def test_the_weight_that_was_set_is_stored_if_another_counts(desk: Desk) -> None:
    """Lanes that no weight function has weighed pay nothing for it."""
    row = f"{TAG}:lane:b"
    desk("update", [LaneUpdate(key="b", effective_weight=2.0)])
    assert desk.redis.hgetall(row) == {"weight": "2.0", "set_weight": "1.0"}
    desk("update", [LaneUpdate(key="b", weight=3.0, effective_weight=0.5)])
    assert desk.redis.hgetall(row) == {"weight": "0.5", "set_weight": "3.0"}
    desk("update", [LaneUpdate(key="b", effective_weight=0.7, mean_time=1.5)])
    assert desk.redis.hgetall(row) == {"weight": "0.7", "set_weight": "3.0", "mean_time": "1.5"}
    desk("update", [LaneUpdate(key="b", weight=4.0)])
    assert desk.redis.hgetall(row) == {"weight": "4.0", "mean_time": "1.5"}


def test_backlogged_lanes_are_named_in_pages(desk: Desk) -> None:
    """Those with pending jobs, whatever else there is, and by their tags."""
    desk("update", [LaneUpdate(key=f"{number:04}", tags={"odd": str(number % 2)}) for number in range(1300)])
    desk("enqueue", [job(f"{number:04}") for number in range(1200)])

    assert desk("keys", backlogged=True) == [f"{number:04}" for number in range(1200)]
    assert desk("keys", ("odd", "1"), backlogged=True) == [f"{number:04}" for number in range(1, 1200, 2)]


def test_an_unused_queue_takes_no_room(desk: Desk) -> None:
    """Asking leaves no trace."""
    assert desk("claim", 3, 30.0, "me").leases == []
    assert (desk("reclaim", 3), desk("keys"), desk("ack", [])) == (Return(ended=[], due=[]), [], [])
    assert desk("stats").lanes == 0
    assert desk("read", ["a"])[0].stats.pending == 0
    assert desk.keys == set()


def test_a_newer_layout_is_refused(desk: Desk) -> None:
    """An older ranch does not touch what a newer one wrote."""
    desk("enqueue", [job()])
    desk.redis.hset(f"{TAG}:meta", "layout", 99)

    for operation, args in (("enqueue", [[job()]]), ("claim", [1, 30.0, "me"])):
        with pytest.raises(BackendError, match="layout 99"):
            desk(operation, *args)
    assert desk.redis.zcard(f"{TAG}:pending:a") == 1


def test_many_jobs_in_one_enqueue(desk: Desk) -> None:
    """The most that one enqueue takes goes in; one more and none does. A claim of many is many calls."""
    jobs = [job(f"lane-{number % 250}") for number in range(MAX_ENQUEUE)]

    with pytest.raises(InvalidJob, match="at most 10000 jobs, not 10001"):
        desk("enqueue", [*jobs, job()])
    ids = [done.id for done in desk("enqueue", jobs).jobs]
    leases = desk("claim", 450, 30.0, "me").leases

    assert len(set(ids)) == MAX_ENQUEUE
    assert [lease.job.id for lease in leases] == ids[:450]
    assert (desk("ack", leases), desk("renew", leases, 1.0)[1]) == ([], leases)
    assert len(desk("keys")) == 250


def test_lanes_are_named_page_by_page(desk: Desk) -> None:
    """More lanes than one page holds are all named, and those with a tag."""
    desk("update", [LaneUpdate(key=f"{number:04}", tags={"odd": str(number % 2)}) for number in range(1200)])

    assert desk("keys") == [f"{number:04}" for number in range(1200)]
    assert desk("keys", ("odd", "1")) == [f"{number:04}" for number in range(1, 1200, 2)]


@pytest.mark.parametrize("content_type", [*CONTENT_TYPES[1:], "text/x-own", ""])
def test_records_give_back_what_they_were_given(content_type: str) -> None:
    """Every field of a job comes out as it went in, whatever its content type."""
    new = job("ä" * 128, body=b"\0\xff", content_type=content_type, cost=0.1, priority=6, lease=2.5, dedup_key="ü")

    read = unpack("1", bytes(18) + pack(new))

    assert (read.lane, read.body, read.content_type) == (new.lane, new.body, new.content_type)
    assert (read.cost, read.priority, read.attempts, read.failures) == (0.1, 6, 0, 0)
    assert (read.bid, read.lease, read.dedup_key, read.expires_at) == (None, 2.5, "ü", None)


@pytest.mark.parametrize(("field", "size"), [({"bid": 1.0}, 8), ({"lease": 1.0}, 6), ({"dedup_key": "k"}, 3)])
def test_a_record_grows_by_what_there_is(field: dict[str, Any], size: int) -> None:
    """A job without a bid, a lease time or a dedup_key takes no room for one."""
    plain = job("abc", body=b"12345")
    bidding = job("abc", body=b"12345", bid=-2.5)

    assert len(pack(plain)) == 18 + 3 + 1 + 5
    assert len(pack(job("abc", body=b"12345", **field))) == len(pack(plain)) + size
    read = unpack("1", bytes(18) + pack(bidding))
    assert (read.lane, read.body, read.bid, read.priority) == ("abc", b"12345", -2.5, 3)


@pytest.mark.parametrize(
    ("queue", "tag"), [("q", "{ranch:q}"), ("}", "{ranch:%7D}"), ("a}b%", "{ranch:a%7Db%25}"), ("{x", "{ranch:{x}")]
)
def test_hash_tags_end_where_they_should(queue: str, tag: str) -> None:
    """A brace in a name neither ends the tag too soon nor makes two queues one."""
    keys = Keys("ranch:", queue)

    assert keys.tag == tag
    assert all(key.startswith(f"{tag}:") for key in keys.named(("meta", "ready", "lane_prefix", "pending_prefix")))


def test_a_call_is_a_value(desk: Desk) -> None:
    """What an operation asks can be looked at without a server."""
    call: Call = next(desk.lanes.claim(3, 1.5, "me"))

    assert call.words()[:3] == ("EVALSHA", call.command.sha, 14)
    assert call.keys[0] == f"{TAG}:meta"
    assert call.args == (int(NOW * 1000), StrategyChoice.of(WeightedLRU()).text, 32, 3, 1500, "me", 32, "")


def test_all_keys_have_one_hash_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a cluster that checks each key of a script, every command works: see `Keys`."""
    words: Callable[..., Any] = Call.words

    def strict(call: Call, how: str = "EVALSHA") -> tuple[Any, ...]:
        # With this line the server checks all keys, declared or not; without it, a single node does not care.
        name, script, *rest = words(call, "EVAL")
        return (name, f"#!lua\n{script}", *rest) if not isinstance(call.command, str) else words(call)

    with socket.create_server(("127.0.0.1", 0)) as bus:
        # Its own choice is its port plus 10,000, which may be none.
        options = ("--cluster-enabled", "yes", "--cluster-port", str(bus.getsockname()[1]))
    with RedisServer(options=options) as server:
        client = redis_py.Redis.from_url(server.tcp_url)
        client.execute_command("CLUSTER", "ADDSLOTS", *range(16384))
        wait_until(lambda: "cluster_state:ok" in str(client.execute_command("CLUSTER", "INFO")))
        monkeypatch.setattr(Call, "words", strict)
        desk = Desk.__new__(Desk)
        desk.backend = RedisBackend.from_client(client)
        desk.lanes = desk.backend.lanes("q}", WeightedLRU())

        desk("update", [LaneUpdate(key="b", weight=2.0, tags={"t": "v"})])
        desk("enqueue", [job("a"), job("b"), job("{c}", delay=0.001)])
        one, *_ = leases = desk("claim", 3, 30.0, "me").leases
        desk("renew", [one], 5.0)
        desk("release", [one], 0.0)
        desk("bury", leases[1:], Death(error="no"))
        desk("letters", "", 5)
        desk("revive", [leases[1].job.id])
        desk("forget", [lease.job.id for lease in leases])
        desk("reclaim", 5)
        desk("update", [LaneUpdate(key="e", limits={"max_in_flight": 1, "max_pending": 1, "overflow": "drop-oldest"})])
        desk("enqueue", [job("e", dedup_key="k"), job("e", dedup_key="k"), job("e", expires=5.0), job("f", delay=9.0)])
        desk("limit", {"max_in_flight": 100})
        for lane in ("a", "e"):
            desk("standing", lane)
        for stored in desk("jobs", "", 100).jobs:
            desk("find", stored.job.id)
        desk("ack", desk("claim", 100, 30.0, "me").leases)
        desk("cancel", [stored.job.id for stored in desk("jobs", "", 100).jobs])
        assert desk("stats").pending == desk("stats").delayed == 0
        desk("enqueue", [job("a"), job("c")])
        desk("wait", 0.01, 0)

        desk("enqueue", [job("d")])
        desk("set_strategy", StrategyChoice("own"))
        stats = desk("stats")
        desk.lanes = desk.backend.lanes("q}", WeightedLRU(), StrategyChoice("own"))
        desk("reclaim", 5)

        assert desk("stats").backlogged == stats.backlogged >= 2
        assert desk("read_strategy") == StrategyChoice("own", generation=1)
        assert desk("keys", ("t", "v")) == ["b"]
        assert [lane.key for lane in desk("read", ["a", "b"])] == ["a", "b"]
        assert desk("stats").lanes == 7
        client.close()


def test_a_ring_is_one_token(desk: Desk) -> None:
    """However often the bell is rung, one waiter is woken."""
    desk("ring")
    desk("ring")
    assert sum(desk.redis.llen(key) for key in desk.redis.keys("*")) == 1
