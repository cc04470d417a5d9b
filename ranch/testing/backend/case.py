"""What the author of a backend gives, and what the tests make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ranch.limits import Limits, checked_limits
from ranch.model import Lease, NewJob
from ranch.policy import DEFAULT, Policy
from ranch.queue import Queue
from ranch.steps import drive
from ranch.strategies import WeightedLRU
from ranch.testing.clock import FakeClock
from ranch.testing.counts import check_counts
from ranch.typing import Backend, Strategy


class DrivenLanes:
    """The `Lanes` of a queue, with each operation driven: it returns its result, not its steps.

    In these tests the body of a job is its name.
    """

    def __init__(
        self, backend: Backend, queue: str = "mail", strategy: Strategy | None = None, policy: Policy = DEFAULT
    ) -> None:
        self._backend = backend
        self._lanes = backend.lanes(queue, strategy or WeightedLRU(), policy=policy)

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return partial(self._drive, getattr(self._lanes, operation))

    def _drive(self, operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return drive(self._backend, operation(*args, **kwargs))

    def put(self, lane: str, *names: str, **options: Any) -> list[str]:
        """Enqueue jobs of these names in one batch, and return their ids."""
        jobs = [NewJob(lane=lane, body=name.encode(), content_type="text/plain", **options) for name in names]
        return [job.id for job in self.enqueue(jobs).jobs]

    def limit(self, changes: Mapping[str, Any]) -> Limits:
        """Change the limits of the queue, and return them."""
        limits: Limits = self._drive(self._lanes.limit, checked_limits(changes))
        return limits

    def take(self, limit: int = 100, lease: float = 30.0, owner: str = "me") -> list[Lease]:
        """Claim jobs, and return their leases."""
        return list(self.claim(limit, lease, owner).leases)

    def names(self, limit: int = 100) -> list[str]:
        """Claim jobs, and return their names."""
        return [lease.job.body.decode() for lease in self.take(limit)]

    def lose(self, clock: FakeClock, limit: int = 100) -> None:
        """Claim jobs, and let their leases expire; whoever calls next finds them so."""
        self.take(limit, lease=1.0)
        clock.advance(1.0)

    def check(self) -> None:
        """Check that the numbers of the queue and of its lanes add up."""
        check_counts(self.stats(), self.read(self.keys()))


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
    def lanes(self, backend: Backend) -> Iterator[DrivenLanes]:
        """The lanes of an empty queue, whose numbers have to add up in the end."""
        lanes = DrivenLanes(backend)
        yield lanes
        lanes.check()

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
