"""Messages of apps without ranch that name a lane."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
import redis
from celery import Celery
from celery.exceptions import TaskRevokedError

from ranch import Queue, QueueFull
from ranch.celery import Ranch
from ranch.celery.message import repack, unpack
from ranch.testing.server import RedisServer
from ranch.testing.waiting import wait_until
from tests.celery.app import Journal
from tests.celery.workers import SOON, CeleryWorker

LANE = {"ranch-lane": "acme"}


@pytest.fixture
def foreign(settings: dict[str, Any]) -> Iterator[Celery]:
    """An app that knows the broker and nothing of ranch."""
    app = Celery("foreign", broker=settings["broker_url"], backend=settings["result_backend"], set_as_current=False)
    yield app
    app.close()


@pytest.mark.parametrize("pool", ["prefork", "solo", "threads"])
def test_a_foreign_message_waits_in_its_lane(
    app: Celery, foreign: Celery, settings: dict[str, Any], tmp_path: Path, *, journal: Journal, pool: str
) -> None:
    """It names the lane in its headers; the worker that gets it files it, and it has its turn among other lanes."""
    for number in range(20):
        app.tasks["run"].lru_delay("bulk", f"bulk-{number}")
    results = [foreign.send_task("run", (f"foreign-{number}",), headers=LANE) for number in range(2)]
    plain = foreign.send_task("run", ("plain",))
    with CeleryWorker(tmp_path, settings, pool=pool, concurrency=1):
        assert [result.get(timeout=SOON) for result in results] == ["foreign-0", "foreign-1"]
        assert plain.get(timeout=SOON) == "plain"
        wait_until(lambda: Ranch(app).queue().stats().acked == 22)
    entries = {entry["word"]: entry for entry in journal.entries()}
    assert entries["foreign-0"]["lane"] == "acme"
    assert entries["foreign-0"]["id"] == results[0].id
    assert journal.words().index("foreign-1") < 12
    stats = Ranch(app).queue().lane("acme").stats
    assert stats.acked == 2
    with redis.Redis.from_url(settings["broker_url"]) as client:
        assert client.hlen("unacked") == 0


OPTIONS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "compression": {"compression": "zlib"},
    "pickle": {"serializer": "pickle"},
    "priority": {"priority": 3},
    "eta": {"eta": datetime.now(timezone.utc) + timedelta(days=1)},
    "headers": {"headers": {"traceparent": "00-1-2-3", "nested": {"a": [1, None, "é"]}}},
    "limits": {"time_limit": 3, "soft_time_limit": 2, "ignore_result": True, "shadow": "other"},
    "reply": {"reply_to": "me", "user_id": "guest", "delivery_mode": 1},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
@pytest.mark.parametrize("settings", ["redis"], indirect=True)
def test_a_message_keeps_all_that_it_had(foreign: Celery, options: dict[str, Any]) -> None:
    """Headers, properties and body are what they were on the broker."""
    headers = {**options.get("headers", {}), **LANE}
    foreign.send_task("anything", ("ü",), {"n": 1}, queue="odd", **{**options, "headers": headers})
    with foreign.connection_for_read() as connection, connection.channel() as channel:
        sent = channel.basic_get("odd", no_ack=True)
    payload = json.loads(json.dumps(repack(sent)))
    copy = unpack(payload, queue="odd", tag="tag", redelivered=False, accept=None)
    assert copy.body == sent.body
    assert copy.headers == sent.headers
    assert {**copy.properties, "delivery_tag": ANY} == sent.properties
    assert copy.delivery_info == {"exchange": "", "routing_key": "odd", "redelivered": False}
    assert (copy.content_type, copy.content_encoding) == (sent.content_type, sent.content_encoding)


@pytest.mark.parametrize("settings", ["redis"], indirect=True)
def test_a_foreign_eta_is_the_stores_to_keep(
    app: Celery, foreign: Celery, settings: dict[str, Any], tmp_path: Path
) -> None:
    """No worker holds the message until then."""
    queue = Ranch(app).queue()
    with CeleryWorker(tmp_path, settings, concurrency=1):
        foreign.send_task("run", headers=LANE, countdown=3600)
        wait_until(lambda: queue.stats().delayed == 1)


@pytest.mark.parametrize("settings", ["redis"], indirect=True)
def test_a_bad_lane_is_told_of(
    app: Celery, foreign: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal
) -> None:
    """The task runs, in no lane: its app cannot be told, and a message is not to be lost."""
    with CeleryWorker(tmp_path, settings, concurrency=1) as worker:
        assert foreign.send_task("run", headers={"ranch-lane": ""}).get(timeout=SOON) == "run"
        assert "task run runs in no lane" in worker.log


@pytest.mark.parametrize("settings", ["redis"], indirect=True)
def test_a_full_lane_takes_what_the_broker_had_accepted(
    app: Celery, foreign: Celery, settings: dict[str, Any], tmp_path: Path, *, journal: Journal
) -> None:
    """Nobody could tell its sender: none is lost, they run in their order, and they hold no other lane up."""
    queue = Ranch(app).queue()
    queue.lane("acme").limit(max_pending=2)
    with CeleryWorker(tmp_path, settings, concurrency=1) as worker:
        gated = app.tasks["gated"].lru_delay("gate", "gate")
        wait_until(journal.words)
        # More than the worker prefetches.
        results = [foreign.send_task("run", (f"acme-{n}",), headers=LANE) for n in range(30)]
        wait_until(lambda: waiting(queue, "acme") == 30)
        other = foreign.send_task("run", ("other",), headers={"ranch-lane": "other"})
        wait_until(lambda: waiting(queue, "other") == 1)
        with pytest.raises(QueueFull):
            app.tasks["run"].lru_delay("acme")
        journal.open_gate()
        assert [result.get(timeout=SOON) for result in [gated, other, *results]][1] == "other"
        assert worker.log.count("lane 'acme' is full with 2 jobs, and takes task") == 28
    words = journal.words()[1:]
    assert words.index("other") < 3
    words.remove("other")
    assert words == [f"acme-{n}" for n in range(30)]


@pytest.mark.parametrize("settings", ["redis"], indirect=True)
def test_the_oldest_make_room_if_they_are_to(
    app: Celery, foreign: Celery, settings: dict[str, Any], tmp_path: Path, *, journal: Journal
) -> None:
    """The limit's own rule holds for what the broker brings, too, and their results say what became of them."""
    queue = Ranch(app).queue()
    queue.lane("acme").limit(max_pending=2, overflow="drop-oldest")
    with CeleryWorker(tmp_path, settings, concurrency=1):
        app.tasks["gated"].lru_delay("gate", "gate")
        wait_until(journal.words)
        results = [foreign.send_task("run", (f"acme-{n}",), headers=LANE) for n in range(4)]
        for result in results[:2]:
            with pytest.raises(TaskRevokedError):
                result.get(timeout=SOON)
        journal.open_gate()
        assert [result.get(timeout=SOON) for result in results[2:]] == ["acme-2", "acme-3"]
    assert journal.words() == ["gate", "acme-2", "acme-3"]


@pytest.mark.parametrize("settings", ["redis"], indirect=True)
def test_a_duplicate_of_the_broker_is_told_of(
    app: Celery, foreign: Celery, settings: dict[str, Any], tmp_path: Path, *, journal: Journal
) -> None:
    """It is not filed, and its result, for which its sender waits, says so."""
    headers = {**LANE, "ranch-job": {"dedup_key": "report"}}
    with CeleryWorker(tmp_path, settings, concurrency=1):
        first = app.tasks["late"].apply_async(("first",), lane="acme", dedup_key="report")
        with pytest.raises(TaskRevokedError, match=f"duplicate of {first.id}"):
            foreign.send_task("run", headers=headers).get(timeout=SOON)
        journal.open_gate()
        assert first.get(timeout=SOON) == "first"
        wait_until(lambda: Ranch(app).queue().stats().leased == 0)
        assert foreign.send_task("run", headers=headers).get(timeout=SOON) == "run"


def test_a_message_is_kept_while_the_store_is_away(
    own_redis: RedisServer, redis_tcp_url: str, tmp_path: Path, new_app: Callable[..., Celery], journal: Journal
) -> None:
    """And filed as soon as it is back; until then the broker has it, too."""
    settings = {
        "broker_url": redis_tcp_url,
        "result_backend": redis_tcp_url,
        "ranch": {"backend": own_redis.tcp_url},
    }
    app = new_app(**settings)
    foreign = Celery("foreign", broker=redis_tcp_url, backend=redis_tcp_url, set_as_current=False)
    with CeleryWorker(tmp_path, settings, concurrency=1) as worker, redis.Redis.from_url(redis_tcp_url) as client:
        app.tasks["run"].lru_delay("acme", "before").get(timeout=SOON)
        own_redis.kill()
        results = [foreign.send_task("run", (word,), headers=LANE) for word in ("first", "second")]
        wait_until(lambda: "cannot file a message into lane 'acme'" in worker.log)
        wait_until(lambda: client.hlen("unacked") == 2)
        own_redis.start()
        assert [result.get(timeout=2 * SOON) for result in results] == ["first", "second"]
        wait_until(lambda: client.hlen("unacked") == 0)
    assert journal.words() == ["before", "first", "second"]
    foreign.close()


def waiting(queue: Queue, lane: str) -> int:
    """How many jobs wait in a lane, those included that come in with the next claim."""
    stats = queue.lane(lane).stats
    return stats.pending + stats.delayed
