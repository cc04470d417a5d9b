"""Servers in the states that servers get into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ranch.testing.proxy import FaultyProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ranch.testing.server import GivenServer, RedisServer


@pytest.fixture
def proxy(redis_server: RedisServer | GivenServer) -> Iterator[FaultyProxy]:
    """A network that can fail, before an empty Redis."""
    redis_server.empty()
    with FaultyProxy(redis_server.tcp_url) as proxy:
        yield proxy


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits looks for itself every five minutes only, with a `socket_timeout` of ten: bells wake it."""
    for module in ("ranch.backends.redis.clients", "ranch.operations.jobs"):
        monkeypatch.setattr(f"{module}.LONGEST_WAIT", 300.0)


@pytest.fixture
def refusals() -> Callable[[Any], int]:
    """Counts how often a server has refused a script or a login since its statistics were reset."""

    def count(client: Any) -> int:
        stats = client.info("commandstats")
        told = [stats.get(f"cmdstat_{command}", {}) for command in ("evalsha", "eval", "hello", "auth")]
        return sum(int(each.get("rejected_calls", 0)) + int(each.get("failed_calls", 0)) for each in told)

    return count
