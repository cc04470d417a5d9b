"""Publishing: a message that names a lane is stored in the lane instead of being sent to the broker."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from kombu import serialization
from kombu.compression import compress

from ranch.celery.calls import task_of
from ranch.celery.delivery import Delivery, deliver, leave, moment_of
from ranch.celery.internals.app import Sender, WrappedSenderAMQP, is_broadcast, routed_queue, send_returns
from ranch.celery.message import pack
from ranch.celery.naming import LANE_HEADER
from ranch.celery.options import JOB_HEADER, LaneOptions
from ranch.exceptions import ConfigError, InvalidJob
from ranch.queue import Queue

if TYPE_CHECKING:
    from ranch.celery.embedding import Ranch

#: Waits for the jobs of a chord, where the result backend does not: it is no tenant's work, and looks again and again.
CHORD_UNLOCK: Final = "celery.chord_unlock"


class LaneProducer:
    """Stands in for the kombu producer of one call: what is published first is the task's message.

    So Celery builds the message whole, and its signals see it.
    What is published later, the event ``task-sent``, is the broker's.
    """

    def __init__(self, producer: Any, take: Callable[..., None]) -> None:
        self._producer = producer
        self._take: Callable[..., None] | None = take

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)

    def publish(self, body: Any, **options: Any) -> None:
        """Call `take` with the message, unless it has taken one: then publish."""
        if self._take is None:
            self._producer.publish(body, **options)
        else:
            self._take(body, **options)
            self._take = None


def _packed(
    body: Any,
    *,
    serializer: str,
    compression: str | None = None,
    headers: dict[str, Any],
    expiration: float | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Do with a message what kombu's Producer.publish does before it goes to a channel."""
    data: str | bytes
    content_type, content_encoding, data = serialization.dumps(body, serializer)
    if compression:
        data, compressed_by = compress(data, compression)
        headers = {**headers, "compression": compressed_by}
    properties = {name: value for name, value in options.items() if value is not None and name not in _NOT_SENT}
    properties.setdefault("priority", 0)
    if expiration is not None:
        properties["expiration"] = str(int(expiration * 1000))
    return pack(
        data,
        content_type=content_type,
        content_encoding=content_encoding,
        headers=headers,
        properties=properties,
    )


#: Options of kombu's Producer.publish that say where or how to send a message, and are no properties of it.
_NOT_SENT: Final = frozenset(
    {"confirm_timeout", "declare", "exchange", "immediate", "mandatory", "retry", "routing_key", "timeout"}
)


class RanchAMQP(WrappedSenderAMQP):
    """The app's AMQP class with lanes. An app that has an AMQP class of its own lets it inherit from this one."""

    def wrap_sender(self, native: Sender) -> Sender:
        """Return a sender that stores what has a lane and sends what has none."""
        from ranch.celery.embedding import Ranch

        ranch = Ranch(self.app)

        def send_task_message(
            producer: Any, name: str, message: Any, *, headers: dict[str, Any] | None = None, **options: Any
        ) -> Any:
            headers = headers or {}
            said = LaneOptions.pop(options, headers)
            lane = ranch.naming.lane(name, message, headers, options, said.lane)
            if lane is None:
                return native(producer, name, message, headers=headers, **options)
            headers = {**headers, LANE_HEADER: lane}
            if name == CHORD_UNLOCK or is_broadcast(self.app, options):
                # What it sends inherits the lane: the chord's body, and whatever a broadcast task does.
                return native(producer, name, message, headers=headers, **options)
            if said.job:
                headers[JOB_HEADER] = said.job
            queue = _queue(ranch, name, message, options)
            _check(name, message, lane, said)
            retry = self.app.conf.task_publish_retry if options.get("retry") is None else options["retry"]

            def take(body: Any, *, retry_policy: dict[str, Any], **published: Any) -> None:
                published["serializer"] = published["serializer"] or producer.serializer
                delivery = Delivery(
                    queue=queue,
                    lane=lane,
                    payload=_packed(body, **published),
                    job=said.job,
                    change=said.change,
                    eta=moment_of(published["headers"], "eta"),
                    expires=moment_of(published["headers"], "expires"),
                    retry_policy=retry_policy if retry else None,
                    to_broker=ranch.way_round(partial(producer.publish, body, retry_policy=retry_policy, **published)),
                )
                # A group lends its producer to each of its sends.
                if not (message.headers["group"] and leave(producer, delivery)):
                    for job in deliver([delivery]):
                        if job.duplicate and send_returns(first := task_of(queue.name, job)):
                            ranch.endings.tell_duplicate(queue.name, delivery.payload, first)

            return native(LaneProducer(producer, take), name, message, headers=headers, **options)

        return send_task_message


def _queue(ranch: Ranch, task: str, message: Any, options: dict[str, Any]) -> Queue:
    if not message.headers:
        raise ConfigError(
            f"a message to {task} cannot name a lane: app.conf.task_protocol is 1, and it takes protocol 2"
        )
    name = routed_queue(ranch.app, options)
    if name is None:
        raise InvalidJob(
            f"a message to {task} that names a lane needs a queue: it is routed to exchange "
            f"{options['exchange']!r}, and where that leads only the broker knows"
        )
    return ranch.queue(name)


def _check(task: str, message: Any, lane: str, said: LaneOptions) -> None:
    """Find what cannot be in the options of a message, and of what the worker sends when its task has ended.

    There an error would be the task's, after it has run.
    """
    if said.job or said.change:
        said.check(lane)
    _, _, embedded = message.body
    if said.job.get("dedup_key") is not None and (message.headers["group"] or any(embedded.values())):
        raise InvalidJob(_NOBODY_GOES_ON.format(f"a message to {task}"))
    last, *chained = embedded["chain"] or [None]
    callbacks, body = embedded["callbacks"] or [], [embedded["chord"]] if embedded["chord"] else []
    # Celery sends one callback by itself, and several as a group.
    keyless = [*chained, *(callbacks if len(callbacks) > 1 else ()), *body]
    for signature in keyless:
        if signature["options"].get("dedup_key") is not None:
            raise InvalidJob(_NOBODY_GOES_ON.format(f"a signature of {signature['task']} after {task}"))
    for signature in filter(None, (last, *chained, *callbacks, *(embedded["errbacks"] or ()), *body)):
        options = dict(signature["options"])
        further = LaneOptions.pop(options, options.get("headers") or {})
        try:
            further.check(lane if further.lane is None else further.lane)
        except InvalidJob as exc:
            raise InvalidJob(f"a signature of {signature['task']} after {task}: {exc}") from exc


_NOBODY_GOES_ON: Final = (
    "{} has a dedup_key and is part of a group, a chain or a chord, or has a link: a duplicate does not run, and "
    "nobody would go on where it was to end. Leave out one of the two; the last task of a chain may have one"
)
