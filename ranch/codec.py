"""What a queue writes, and what it agrees to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from ranch.exceptions import SerializationError
from ranch.typing import Serializer


@frozen
class Codec:
    """One serializer to write with, and those to read with by their content types.

    Bytes of any other content type are refused before one of them is looked at.
    """

    serializer: Serializer
    accepted: Mapping[str, Serializer]

    @property
    def content_type(self) -> str:
        """Of what is written."""
        return self.serializer.content_type

    def dumps(self, payload: Any) -> bytes:
        """Return a payload as bytes."""
        return _written(self.serializer, payload)

    def dumps_like(self, payload: Any, content_type: str) -> tuple[bytes, str]:
        """Return a payload as bytes, and of which type they are: the given one, if that is read here."""
        serializer = self.accepted.get(content_type, self.serializer)
        return _written(serializer, payload), serializer.content_type

    def loads(self, body: bytes, content_type: str) -> Any:
        """Return the payload that was written.

        Raises:
            SerializationError: The content type is not accepted, or the bytes are not of it.
        """
        if content_type not in self.accepted:
            accepted = ", ".join(sorted(self.accepted)) or "nothing"
            raise SerializationError(
                f"the payload is {content_type}, and this queue accepts {accepted}: "
                "name its serializer in `accept` if you trust who wrote it"
            )
        return self.accepted[content_type].loads(body)


def _written(serializer: Serializer, payload: Any) -> bytes:
    try:
        body: object = serializer.dumps(payload)
    except SerializationError:
        raise
    except Exception as exc:
        raise SerializationError(f"the payload does not serialize as {serializer.content_type}: {exc}") from exc
    if not isinstance(body, bytes):
        raise SerializationError(f"a serializer makes bytes, and that of {serializer.content_type} made {body!r:.80}")
    return body
