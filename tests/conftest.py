from __future__ import annotations

import os
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

# By name, so that they are there before ranch is installed anew, too.
from ranch.testing.plugin import ranch_backend, ranch_clock, ranch_queue, ranch_redis  # noqa: F401
from ranch.testing.server import RedisServer, ServerMissing, find_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ranch import Queue
    from ranch.testing.server import GivenServer

# How long an example takes depends on what else the machine does, and pytest's timeout ends what
# hangs. Under CI Hypothesis takes a profile of its own, which also makes its choices repeatable.
settings.register_profile("laptop", deadline=None)
if not os.environ.get("CI"):
    settings.load_profile("laptop")


@pytest.fixture(scope="session")
def redis_binary() -> Path:
    """The program of a Redis server, for tests that start their own."""
    try:
        return find_server()
    except ServerMissing as exc:
        # Green for want of a server means nothing to those who decide by the result.
        if os.environ.get("CI"):
            raise
        pytest.skip(str(exc))


@pytest.fixture(scope="session")
def redis_server(ranch_redis: RedisServer | GivenServer) -> RedisServer | GivenServer:  # noqa: F811 - a fixture
    """
    The Redis server that tests share, one for each process that runs tests.

    Tests that hurt their server take `own_redis`.
    """
    return ranch_redis


@pytest.fixture
def redis_url(redis_server: RedisServer | GivenServer) -> str:
    """The address of an empty Redis."""
    redis_server.empty()
    return redis_server.url


@pytest.fixture
def redis_tcp_url(redis_server: RedisServer | GivenServer, redis_url: str) -> str:
    """The address of the same empty Redis for clients that speak TCP only, such as Celery's."""
    return redis_server.tcp_url


@pytest.fixture(params=["sqlite", "redis"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store that several processes can share, in real time."""
    if request.param == "redis":
        url: str = request.getfixturevalue("redis_url")
        return url
    return f"sqlite:///{tmp_path}/ranch.db"


@pytest.fixture
def fill() -> Callable[[Queue], None]:
    """Puts something of everything into a queue: ready, delayed, leased, dead, expiring, limited, held keys."""

    def fill(queue: Queue) -> None:
        queue.enqueue_many([(lane, lane) for lane in ("acme", "bulk", "rate", "dead")] * 2)
        queue.lane("rate").limit(rate="1/h", max_in_flight=5)
        leases = queue.claim_many(4)
        queue.bury([lease for lease in leases if lease.job.lane == "dead"], "spoilt")
        queue.enqueue("acme", "late", delay=500.0, expires=900.0, dedup_key="late")
        queue.enqueue("slow", "soon", expires=900.0)
        assert queue.lane("rate").read().blocked == "rate"
        assert queue.check() == []

    return fill


@pytest.fixture
def own_redis(redis_binary: Path) -> Iterator[RedisServer]:
    """A running Redis server for one test alone, which may kill it."""
    with RedisServer(redis_binary) as server:
        yield server


STACK = """
    from attrs import frozen
    from ranch.hooks import StrategyPlugin, hookimpl
    from ranch.typing import Strategy

    @frozen
    class Stack(Strategy):
        def enter(self, lane, clock):
            return -clock.tick

        def served(self, lane, clock, cost):
            return lane.tag

    @hookimpl
    def ranch_strategies():
        return [StrategyPlugin(name="stack", factory=Stack, summary="Last come, first served.")]
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """
    Install a distribution, version 1.2, with one plugin, for as long as the test runs.

    Without a source of its own it gives a strategy named stack.
    """

    def install(name: str, source: str = STACK) -> None:
        module = name.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(dedent(source))
        info = tmp_path / f"{module}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[ranch]\n{name}-plugin = {module}\n")

    monkeypatch.syspath_prepend(str(tmp_path))
    return install
