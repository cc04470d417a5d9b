"""Publishing: a message that names a lane is stored in the lane instead of being sent to the broker."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Final

from celery.utils.time import maybe_iso8601, maybe_make_aware
from kombu import serialization
from kombu.compression import compress

from ranch.celery.internals import Sender, WrappedSenderAMQP, routed_queue
from ranch.celery.message import pack
from ranch.exceptions import ConfigError, InvalidJob
from ranch.model import checked_key
from ranch.queue import Queue

#: The header that names a message's lane. Celery keeps it over a retry, as it does all headers it does not know.
LANE_HEADER: Final = "ranch-lane"


class LaneProducer:
    """Stands in for the kombu producer of one call: what is published first is the task's message.

    So Celery builds the message whole, and its signals see it.
    What is published later, the event ``task-sent``, is the broker's.
    """

    def __init__(self, producer: Any, queue: Queue, lane: str) -> None:
        self._producer = producer
        self._queue = queue
        self._lane = lane
        self._stored = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)

    def publish(
        self,
        body: Any,
        *,
        exchange: Any = "",
        routing_key: str | None = None,
        serializer: str | None = None,
        compression: str | None = None,
        headers: dict[str, Any] | None = None,
        expiration: float | None = None,
        **options: Any,
    ) -> None:
        """Store the message; the second one and all that follow are published.

        Raises:
            BackendUnavailable: The store cannot be reached; nothing was stored.
        """
        if self._stored:
            self._producer.publish(
                body,
                exchange=exchange,
                routing_key=routing_key,
                serializer=serializer,
                compression=compression,
                headers=headers,
                expiration=expiration,
                **options,
            )
            return
        headers = headers or {}
        data: str | bytes
        # From here on what kombu's Producer.publish does with a message before it goes to a channel.
        content_type, content_encoding, data = serialization.dumps(body, serializer or self._producer.serializer)
        if compression:
            data, headers["compression"] = compress(data, compression)
        properties = {name: value for name, value in options.items() if value is not None and name not in _NOT_SENT}
        properties.setdefault("priority", 0)
        if expiration is not None:
            properties["expiration"] = str(int(expiration * 1000))
        payload = pack(
            data,
            content_type=content_type,
            content_encoding=content_encoding,
            headers=headers,
            properties=properties,
            delivery_info={"exchange": getattr(exchange, "name", exchange), "routing_key": routing_key},
        )
        self._queue.enqueue(self._lane, payload, delay=self._delay(headers.get("eta")))
        self._stored = True

    @staticmethod
    def _delay(eta: str | None) -> float:
        if not eta or (at := maybe_iso8601(eta)) is None:
            return 0.0
        # As the worker reads it: without a zone it is UTC.
        due: datetime = maybe_make_aware(at)
        return max(0.0, (due - datetime.now(timezone.utc)).total_seconds())


#: Options of kombu's Producer.publish that say how to send a message, and are no properties of it.
_NOT_SENT: Final = frozenset(
    {"confirm_timeout", "declare", "immediate", "mandatory", "retry", "retry_policy", "timeout"}
)


class RanchAMQP(WrappedSenderAMQP):
    """The app's AMQP class with lanes. An app that has an AMQP class of its own lets it inherit from this one."""

    def wrap_sender(self, native: Sender) -> Sender:
        """Return a sender that stores what names a lane and sends what does not."""

        def send_task_message(
            producer: Any,
            name: str,
            message: Any,
            *,
            lane: str | None = None,
            headers: dict[str, Any] | None = None,
            **options: Any,
        ) -> Any:
            if lane is None:
                lane = (headers or {}).get(LANE_HEADER)
            if lane is None:
                return native(producer, name, message, headers=headers, **options)
            lane = checked_key(lane)
            queue = self._queue(name, message, options)
            return native(
                LaneProducer(producer, queue, lane),
                name,
                message,
                headers={**(headers or {}), LANE_HEADER: lane},
                **options,
            )

        return send_task_message

    def _queue(self, task: str, message: Any, options: dict[str, Any]) -> Queue:
        from ranch.celery.embedding import Ranch

        if not message.headers:
            raise ConfigError(
                f"a message to {task} cannot name a lane: app.conf.task_protocol is 1, and it takes protocol 2"
            )
        name = routed_queue(self.app, options)
        if name is None:
            raise InvalidJob(
                f"a message to {task} that names a lane needs a queue: it is routed to exchange "
                f"{options['exchange']!r}, and where that leads only the broker knows"
            )
        return Ranch(self.app).queue(name)
