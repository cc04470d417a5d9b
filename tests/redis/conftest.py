"""Servers in the states that servers get into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ranch.testing.proxy import FaultyProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ranch.testing.server import GivenServer, RedisServer


@pytest.fixture
def proxy(redis_server: RedisServer | GivenServer) -> Iterator[FaultyProxy]:
    """A network that can fail, before an empty Redis."""
    redis_server.empty()
    with FaultyProxy(redis_server.tcp_url) as proxy:
        yield proxy
