"""What the author of a backend gives, and what the tests make of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ranch.queue import Queue
from ranch.testing.clock import FakeClock
from ranch.typing import Backend


class BackendCase:
    """A backend under test."""

    #: An empty folder, for a store that is a file.
    tmp_path: Path

    def open(self, clock: FakeClock) -> Backend:
        """Return an empty backend whose time is `clock`. Called several times in a test: each is to be empty."""
        raise NotImplementedError("a BackendSuite needs a method `open`")

    def open_shared(self) -> str | None:
        """Return the URL of an empty store that several processes can share, in real time.

        By default None: they cannot.
        """
        return None

    @pytest.fixture(autouse=True)
    def _keep_folder(self, tmp_path: Path) -> None:
        self.tmp_path = tmp_path

    @pytest.fixture
    def clock(self) -> FakeClock:
        """The time of `backend`."""
        return FakeClock()

    @pytest.fixture
    def backend(self, clock: FakeClock) -> Iterator[Backend]:
        """An empty backend whose time is `clock`."""
        backend = self.open(clock)
        yield backend
        backend.close()

    @pytest.fixture
    def queue(self, backend: Backend) -> Queue:
        """An empty queue under the default strategy."""
        return Queue("mail", backend=backend, lease=30.0)

    @pytest.fixture
    def shared_url(self) -> str:
        """The URL of an empty store that several processes can share, in real time."""
        url = self.open_shared()
        if url is None:
            pytest.skip("processes cannot share this store: `open_shared` gives no URL")
        return url


def claimed(queue: Queue, limit: int = 100) -> list[object]:
    """Claim up to `limit` jobs and return their payloads."""
    return [lease.job.payload for lease in queue.claim_many(limit)]
