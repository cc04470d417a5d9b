"""Moving out: what waits in lanes goes to the broker, as plain messages."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from celery import Celery
from celery.utils.log import get_logger

from ranch.celery.calls import message_of
from ranch.celery.embedding import Ranch
from ranch.celery.message import unpack
from ranch.celery.naming import LANE_HEADER
from ranch.celery.options import JOB_HEADER
from ranch.exceptions import SerializationError
from ranch.letters import CANNOT_DECODE
from ranch.model import Job
from ranch.operations.core import chunks
from ranch.steps import drive

log = get_logger(__name__)

#: How many jobs are sent before the store is told.
_PAGE: Final = 100


def drain(app: Celery, queue: str) -> int:
    """Send all jobs of a queue that wait to the broker, each as the message that plain Celery would have sent.

    Those that can be claimed are claimed, sent, and acked. The others, which are delayed, or held back by a limit, are
    sent, and then removed. So none is lost, and those sent last are there twice if this is killed between the two; and
    so is one that a worker claims in just that moment. What is leased goes on in its lane, and what comes in meanwhile
    may stay.

    Returns:
        How many were sent. Two round trips for each 100, and what the broker takes.

    Raises:
        kombu.exceptions.OperationalError: The broker cannot be reached. What was not sent waits in its lane as before.
    """
    lanes, sent = Ranch(app).queue(queue), 0
    while leases := lanes.claim_many(_PAGE):
        messages = []
        for lease in leases:
            try:
                messages.append((lease, _message(app, queue, lease.job)))
            except SerializationError as exc:
                lanes.bury([lease], CANNOT_DECODE, error=exc)
        gone = 0
        try:
            for _ in _sent(app, queue, [message for _, message in messages]):
                gone += 1
        finally:
            # The others are there for the next attempt at once, and not when their leases are over.
            lanes.ack([lease for lease, _ in messages[:gone]])
            lanes.release([lease for lease, _ in messages[gone:]])
        sent += gone
    waiting = [stored.job for stored in lanes.jobs() if stored.state in {"ready", "delayed"}]
    for page in chunks(waiting, _PAGE):
        sent += _move(app, queue, page)
    return sent


def _move(app: Celery, queue: str, jobs: Sequence[Job]) -> int:
    """Send jobs that cannot be claimed."""
    messages = {}
    for job in jobs:
        try:
            messages[job.id] = _message(app, queue, job)
        except SerializationError as exc:
            log.warning("job %s stays in lane %r: %s", job.id, job.lane, exc)
    operations, sent = Ranch(app).operations(queue), []
    try:
        for job_id, _ in zip(messages, _sent(app, queue, messages.values()), strict=True):
            sent.append(job_id)
    finally:
        # No event: these are to run.
        gone = {job.id for job in drive(operations.backend, operations.lanes.cancel(sent))}
        for job_id in set(sent) - gone:
            log.warning("job %s was claimed as it was sent: it runs twice", job_id)
    return len(sent)


def _message(app: Celery, queue: str, job: Job) -> Mapping[str, Any]:
    """Return a job's payload as a message.

    Raises:
        SerializationError: It is none.
    """
    message: Mapping[str, Any] = message_of(app, queue, job)
    unpack(message, queue=queue, tag=job.id, redelivered=False, accept=None)
    return message


def _sent(app: Celery, queue: str, messages: Iterable[Mapping[str, Any]]) -> Iterator[None]:
    """Send messages, and tell after each that it was."""
    with app.producer_or_acquire() as producer:
        for message in messages:
            properties = dict(message["properties"])
            if (expiration := properties.pop("expiration", None)) is not None:
                properties["expiration"] = int(expiration) / 1000
            producer.publish(
                b64decode(message["body"]) if message["binary"] else message["body"],
                content_type=message["content_type"],
                content_encoding=message["content_encoding"],
                # With its lane's name, the worker that receives it would put it into the lane again.
                headers={name: value for name, value in message["headers"].items() if name not in _OURS},
                exchange="",
                routing_key=queue,
                declare=[app.amqp.queues[queue]],
                retry=True,
                **properties,
            )
            yield


_OURS: Final = (LANE_HEADER, JOB_HEADER)
