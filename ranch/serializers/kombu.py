"""Serializers from kombu's registry, the one that Celery uses."""

from __future__ import annotations

from typing import Any

from kombu import serialization
from kombu.exceptions import KombuError

from ranch.exceptions import SerializationError

registry: Any = serialization.registry  # type: ignore[attr-defined]  # missing in its stubs


class KombuSerializer:
    """One serializer of kombu's registry, by its name there. Reads no other content type than its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.content_type: str = registry.name_to_type[name]

    def dumps(self, payload: Any) -> bytes:
        try:
            _, encoding, data = registry.dumps(payload, self.name)
        except (KombuError, TypeError, ValueError) as exc:
            raise SerializationError(f"the payload does not serialize as {self.name}: {exc}") from exc
        return data if isinstance(data, bytes) else data.encode(encoding)

    def loads(self, body: bytes) -> Any:
        try:
            return registry.loads(body, self.content_type, "utf-8", accept={self.content_type})
        except (KombuError, TypeError, ValueError) as exc:
            raise SerializationError(f"the bytes are no {self.content_type}: {exc}") from exc
