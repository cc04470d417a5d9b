"""What all that listen to a queue's events have in common: the times of its jobs."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from ranch.forks import BeginsAnew
from ranch.hooks import hookimpl
from ranch.hooks.details import Claimed, Failed, Finished, Ran, Released
from ranch.model import Lease
from ranch.times import Stopwatch


class Listener(BeginsAnew):
    """A plugin that is told how long jobs have waited, and how long they have run, in this process.

    A job *waits* from when it was ready to its first claim, by the backend's clock. It *runs* from a claim until it is
    acked or has failed, by this process's clock; in a Celery worker, while its task runs.

    Any thread may tell it. A forked child begins anew, with none of its parent's numbers.
    """

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._watch = Stopwatch()

    def waited(self, queue: str, lane: str, seconds: float) -> None:
        """Take note of how long a job has waited."""

    def took(self, queue: str, lane: str, seconds: float) -> None:
        """Take note of how long a job has run."""

    @hookimpl
    def ranch_claimed(self, details: Claimed) -> None:
        """Tell of jobs that waited, and measure how long they run."""
        if not details.timed:
            self._watch.begin(details.leases)
        for lease in details.leases:
            if lease.job.attempts == 1:
                self.waited(details.queue, lease.job.lane, max(0.0, details.at - lease.job.due_at))

    @hookimpl
    def ranch_ran(self, details: Ran) -> None:
        """Tell of a job that ran."""
        self.took(details.queue, details.lease.job.lane, details.seconds)

    @hookimpl
    def ranch_finished(self, details: Finished) -> None:
        """Tell of jobs that ran."""
        self._end(details.queue, details.leases)

    @hookimpl
    def ranch_failed(self, details: Failed) -> None:
        """Tell of jobs that ran."""
        self._end(details.queue, details.leases)

    @hookimpl
    def ranch_released(self, details: Released) -> None:
        """Forget jobs that did not run to their end."""
        for _ in self._watch.end(details.leases):
            pass

    def _end(self, queue: str, leases: Iterable[Lease]) -> None:
        for lease, seconds in self._watch.end(leases):
            self.took(queue, lease.job.lane, seconds)
