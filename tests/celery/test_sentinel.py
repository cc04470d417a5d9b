"""A broker that Sentinels watch, which is the store as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from ranch.celery import Ranch
from ranch.testing.topologies import SERVICE, WatchedServers, catch_up
from tests.celery.workers import SOON, CeleryWorker


@pytest.fixture
def watched(redis_binary: Path) -> Iterator[WatchedServers]:
    """A primary with a replica and a Sentinel, as new."""
    with WatchedServers(redis_binary) as servers:
        yield servers


def test_lanes_follow_the_primary(watched: WatchedServers, tmp_path: Path, new_app: Callable[..., Celery]) -> None:
    """An app that names no store has its jobs where its broker is, and they run after the primary was lost, too."""
    (tmp_path / "results").mkdir()
    url, options = f"sentinel://127.0.0.1:{watched.sentinel.port}/0", {"master_name": SERVICE}
    settings: dict[str, Any] = {
        "broker_url": f"{url};{url}",
        "broker_transport_options": options,
        "result_backend": f"file://{tmp_path}/results",
    }
    app = new_app(**settings)
    run, queue = app.tasks["run"], Ranch(app).queue()
    with CeleryWorker(tmp_path, settings, concurrency=1):
        assert run.lru_delay("acme", "first").get(timeout=SOON, interval=0.02) == "first"
        assert run.delay("plain").get(timeout=SOON, interval=0.02) == "plain"
        queue.lane("acme").pause()
        waiting = run.lru_delay("acme", "waiting")
        assert queue.stats().pending == 1
        catch_up(watched.replica, watched.primary)
        watched.primary.kill()
        watched.wait_for_failover()
        queue.lane("acme").resume()
        assert waiting.get(timeout=SOON, interval=0.02) == "waiting"
        assert run.lru_delay("acme", "after").get(timeout=SOON, interval=0.02) == "after"
    Ranch(app).backend.close()
    app.close()
