"""The seam about bytes: what a serializer must be."""

from __future__ import annotations

from typing import Any, Protocol


class Serializer(Protocol):
    """How payloads become bytes."""

    #: What the bytes are, as a media type; stored beside them.
    content_type: str

    def dumps(self, payload: Any) -> bytes: ...

    def loads(self, body: bytes) -> Any: ...
