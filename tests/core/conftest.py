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
