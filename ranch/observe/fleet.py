"""The numbers of a fleet: each process leaves its own in the store, and whoever asks adds them up."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Final
from uuid import uuid4

from ranch.aqueue import AsyncQueue
from ranch.exceptions import RanchError
from ranch.observe.histogram import Histogram
from ranch.observe.meter import Meter, Metrics, success_rate
from ranch.queue import Queue

log = logging.getLogger("ranch")

#: The queue in whose lanes the numbers are: one lane for each process and queue, and never a job.
QUEUE: Final = "ranch-metrics"
_TAG: Final = "queue"


class FleetMeter:
    """A queue's numbers over all processes that share theirs.

    Each of them has a `Meter`, and leaves what it has measured in the store while it is started: in its own lane of the
    queue ``ranch-metrics``, one round trip each time. What a process has left counts until it has said nothing for
    `keep` seconds. Start it in the process that works: a fork takes the thread of its parent not along.

    Args:
        meter: That the queue's plugins have among them.
        queue: Whose numbers they are.
        every: Seconds between two times that it leaves them.
        keep: Seconds.
    """

    def __init__(
        self, meter: Meter, queue: Queue | AsyncQueue, *, every: float = 10.0, keep: float = 7 * 86400.0
    ) -> None:
        self._meter, self._name, self._every, self._keep = meter, queue.name, every, keep
        self._watched = Queue(queue.name, backend=queue.backend)
        self._shared = Queue(QUEUE, backend=queue.backend)
        self._key = uuid4().hex
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Leave the numbers of this process, now and again, from a thread of its own; and clear what is outdated."""
        if self._thread is None:
            self._ended.clear()
            self._thread = threading.Thread(target=self._run, daemon=True, name="ranch-fleet-meter")
            self._thread.start()

    def stop(self) -> None:
        """Leave them once more, and no more then."""
        self._ended.set()
        if self._thread:
            self._thread.join()
            self._thread = None

    def __enter__(self) -> FleetMeter:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def leave(self) -> None:
        """Leave the numbers of this process as they are now. One round trip."""
        data = {**self._meter.numbers(self._name), "at": time.time()}
        self._shared.lane(self._key).update(tags={_TAG: self._name}, data=data)

    def metrics(self) -> Metrics:
        """Return the numbers of all processes. Two round trips, and one more for each 1,000 processes."""
        stats = self._watched.stats()
        left = self._shared.lanes(tag=(_TAG, self._name))
        said: dict[str, dict[str, Any]] = {lane.key: dict(lane.data) for lane in left}
        said[self._key] = {**self._meter.numbers(self._name), "at": time.time()}
        alive = [numbers for numbers in said.values() if self._is_fresh(numbers)]
        return Metrics(
            enqueued=stats.enqueued,
            processed=stats.acked,
            failed=stats.failed,
            retried=sum(numbers["retried"] for numbers in alive),
            success_rate=success_rate(stats.acked, stats.failed),
            process_time=Histogram.sum(numbers["process_time"] for numbers in alive).summary(),
            wait_time=Histogram.sum(numbers["wait_time"] for numbers in alive).summary(),
        )

    def _is_fresh(self, numbers: dict[str, Any]) -> bool:
        return bool(time.time() - numbers.get("at", 0.0) < self._keep)

    def _run(self) -> None:
        self._safely(self._clear)
        while not self._ended.wait(self._every):
            self._safely(self.leave)
        self._safely(self.leave)

    def _clear(self) -> None:
        for lane in self._shared.lanes(tag=(_TAG, self._name)):
            if not self._is_fresh(dict(lane.data)):
                # An idle lane without tags and data is forgotten.
                lane_of = self._shared.lane(lane.key)
                lane_of.update(tags={_TAG: None}, data=dict.fromkeys(lane.data))

    def _safely(self, step: Any) -> None:
        try:
            step()
        except RanchError as exc:
            log.warning("the numbers of queue %r could not be left in the store: %s", self._name, exc)
