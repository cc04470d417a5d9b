"""A queue's backend, once for each that ships: a promise is kept on all of them or it is none."""

from __future__ import annotations

import pytest

from ranch.testing import FakeClock
from ranch.typing import Backend


@pytest.fixture
def clock(ranch_clock: FakeClock) -> FakeClock:
    """The time of `backend`."""
    return ranch_clock


@pytest.fixture
def backend(ranch_backend: Backend) -> Backend:
    """An empty backend whose time is `clock`."""
    return ranch_backend


@pytest.fixture(params=["sqlite", "redis"])
def shared_url(request: pytest.FixtureRequest, tmp_path: object) -> str:
    """The URL of an empty store that several processes can share, in real time."""
    if request.param == "redis":
        url: str = request.getfixturevalue("redis_url")
        return url
    return f"sqlite:///{tmp_path}/ranch.db"
