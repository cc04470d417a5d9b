"""Celery's messages as payloads of jobs, and back."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

from kombu import Message
from kombu.compression import compress

from ranch.exceptions import ConfigError, SerializationError
from ranch.hooks.manager import default_plugins


def readable(written: Any) -> list[Any]:
    """Return the serializers whose jobs an app reads: its own, and all that need no trust in the writer.

    So jobs that wait survive a change of the serializer.
    """
    found = [written]
    for record in default_plugins().serializers:
        # One that is not installed was not written with either.
        with suppress(ConfigError):
            if not record.trusted_only:
                found.append(record.factory())
    return found


class Settler(Protocol):
    """Whoever takes the broker's place when a message is settled."""

    def ack(self) -> None: ...

    def reject(self, *, requeue: bool) -> None: ...


class ClaimedMessage(Message):
    """A message that came from a lane. To settle it is to settle the job's lease."""

    settler: Settler

    def ack(self, multiple: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's signature
        self.settler.ack()

    def reject(self, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's signature
        self.settler.reject(requeue=requeue)

    def requeue(self) -> None:
        self.settler.reject(requeue=True)

    def ack_log_error(self, logger: Any, errors: Any, multiple: bool = False) -> None:  # noqa: FBT001, FBT002 - as above
        self.ack()

    def reject_log_error(self, logger: Any, errors: Any, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - as above
        self.reject(requeue)


def pack(
    body: str | bytes,
    *,
    content_type: str,
    content_encoding: str,
    headers: Mapping[str, Any],
    properties: Mapping[str, Any],
) -> dict[str, Any]:
    """Return a message, as it would have gone to the broker, as a payload that JSON can hold."""
    binary = not isinstance(body, str)
    return {
        "body": b64encode(body).decode() if not isinstance(body, str) else body,
        "binary": binary,
        "content_type": content_type,
        "content_encoding": content_encoding,
        "headers": headers,
        "properties": properties,
    }


def repack(message: Message) -> dict[str, Any]:
    """Return a message that a broker delivered as the payload of a job, with all that it had."""
    headers = message.headers
    body: Any = message.body
    if method := headers.get("compression"):
        # Kombu has undone it, and left the header.
        body, _ = compress(body, method)
    elif isinstance(body, bytes) and message.content_encoding == "utf-8":
        with suppress(UnicodeDecodeError):
            body = body.decode()
    return pack(
        body,
        content_type=message.content_type or "",
        content_encoding=message.content_encoding or "",
        headers=headers,
        properties=message.properties,
    )


def unpack(payload: Any, *, queue: str, tag: str, redelivered: bool, accept: Any) -> ClaimedMessage:
    """Return the message of a payload, as a broker would have delivered it.

    Args:
        payload: What `pack` returned.
        queue: Whose lane it was in. That is where it came from, by whatever exchange it was sent: so a retry goes there
            too, and not where only a broker can follow.
        tag: What stands for the delivery.
        redelivered: Whether it was delivered before.
        accept: Content types that may be decoded.

    Raises:
        SerializationError: It is no message.
    """
    try:
        return ClaimedMessage(
            # The stubs say str, and brokers deliver both.
            body=b64decode(payload["body"]) if payload["binary"] else payload["body"],  # type: ignore[arg-type]
            content_type=payload["content_type"],
            content_encoding=payload["content_encoding"],
            headers=payload["headers"],
            properties={**payload["properties"], "delivery_tag": tag},
            delivery_info={"exchange": "", "routing_key": queue, "redelivered": redelivered},
            delivery_tag=tag,
            postencode="utf-8",
            accept=accept,
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise SerializationError(f"the payload is no message to a Celery task: {exc!r}") from exc
