"""The gateway: messages that the broker brought, and that name a lane, go into the lane."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from attrs import evolve
from celery.utils.log import get_logger

from ranch.celery.calls import task_of
from ranch.celery.delivery import Delivery, deliver, moment_of
from ranch.celery.embedding import Ranch
from ranch.celery.internals import flow
from ranch.celery.message import repack
from ranch.celery.naming import LANE_HEADER
from ranch.celery.options import LaneOptions
from ranch.celery.publish import CHORD_UNLOCK
from ranch.exceptions import BackendError, QueueFull, RanchError

log = get_logger(__name__)

#: What the worker does with a message that names no lane.
Handle: TypeAlias = Callable[[Any], None]

#: Seconds between attempts while the store is away.
PAUSE: Final = 1.0


class Gateway:
    """Files messages of apps without ranch, in whatever language, which name a lane in the header ``ranch-lane``.

    The broker's message is acknowledged once the store has it, so it is never lost, and filed twice if the worker is
    killed between the two. While the store is away it is kept, unacknowledged, or run in no lane
    if `Config.on_backend_down` leaves messages to the broker. Where no more jobs may wait it is let in all the same,
    with a warning, for it was accepted when it was sent; the lane's oldest make room if its limit says so.
    """

    def __init__(self, ranch: Ranch) -> None:
        self._ranch = ranch
        self._consumer: Any = None
        self._kept: deque[tuple[Any, Handle]] = deque()
        self._again_at = 0.0

    def start(self, consumer: Any) -> None:
        """See the messages that the worker receives from now on."""
        self._consumer = consumer
        flow.filter_messages(consumer, self._receive)

    def retry(self) -> None:
        """Try again what the store could not take, in the order it came."""
        while self._kept and time.monotonic() >= self._again_at:
            self._file(*self._kept.popleft())

    def forget(self) -> None:
        """Drop what is kept: the connection to the broker was lost, and it delivers all again."""
        self._kept.clear()

    def _receive(self, message: Any, handle: Handle) -> None:
        headers = message.headers or {}
        if LANE_HEADER not in headers or headers.get("task") in {None, CHORD_UNLOCK}:
            handle(message)
        elif self._kept:
            self._kept.append((message, handle))
        else:
            self._file(message, handle)

    def _file(self, message: Any, handle: Handle) -> None:
        queue = flow.source_queue(self._consumer, message)
        if queue is None:
            # Each worker gets a copy, and is to run it.
            handle(message)
            return
        lane = message.headers[LANE_HEADER]
        try:
            self._deliver(self._delivery(queue, lane, message))
        except BackendError as exc:
            if self._ranch.config.on_backend_down == "broker":
                handle(message)
                return
            log.error("cannot file a message into lane %r, next attempt in %.0f s: %s", lane, PAUSE, exc)  # noqa: TRY400
            self._again_at = time.monotonic() + PAUSE
            self._kept.appendleft((message, handle))
        except (RanchError, TypeError, ValueError) as exc:
            log.error("task %s runs in no lane: %s", message.headers["task"], exc)  # noqa: TRY400 - no traceback
            handle(message)
        else:
            self._consumer.call_soon(message.ack_log_error, log, self._consumer.connection_errors)

    def _deliver(self, delivery: Delivery) -> None:
        try:
            jobs = deliver([delivery])
        except QueueFull as exc:
            # Kept with the broker, it would take the place of messages that others wait for.
            what = f"lane {exc.lane!r}" if exc.lane else f"queue {delivery.queue.name!r}"
            log.warning("%s is full with %d jobs, and takes task %s all the same", what, exc.limit, delivery.task_id)
            jobs = deliver([evolve(delivery, always=True)])
        for job in jobs:
            if job.duplicate:
                name = delivery.queue.name
                self._ranch.endings.tell_duplicate(name, delivery.payload, task_of(name, job))

    def _delivery(self, queue: str, lane: str, message: Any) -> Delivery:
        return Delivery(
            queue=self._ranch.queue(queue),
            lane=lane,
            payload=repack(message),
            job=LaneOptions.pop({}, message.headers).job,
            change={},
            eta=moment_of(message.headers, "eta"),
            expires=moment_of(message.headers, "expires"),
            # Here a worker would wait, and others have to.
            retry_policy=None,
            to_broker=None,
        )
