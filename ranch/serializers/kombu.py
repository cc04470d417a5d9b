"""Serializers from kombu's registry, the one that Celery uses."""

from __future__ import annotations

from typing import Any

from kombu import serialization
from kombu.exceptions import KombuError

from ranch.exceptions import ConfigError, SerializationError

registry: Any = serialization.registry  # type: ignore[attr-defined]  # missing in its stubs


class KombuSerializer:
    """One serializer of kombu's registry, by its name there."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.content_type: str = registry.name_to_type[name]
        try:
            registry.dumps(None, name)
        except KombuError as exc:  # kombu keeps the names of serializers whose package is missing
            raise ConfigError(f"{name} is not installed: pip install 'ranch-scheduler[{name}]'", where=name) from exc

    def dumps(self, payload: Any) -> bytes:
        try:
            _, encoding, data = registry.dumps(payload, self.name)
        except Exception as exc:
            # Whatever an object's own reduction raises: it is the payload that does not serialize.
            raise SerializationError(f"the payload does not serialize as {self.name}: {exc}") from exc
        return data if isinstance(data, bytes) else data.encode(encoding)

    def loads(self, body: bytes) -> Any:
        if not body:  # which kombu would hand back as it is
            raise SerializationError(f"no bytes at all are no {self.content_type}")
        try:
            return registry.loads(body, self.content_type, "utf-8", accept={self.content_type})
        except Exception as exc:
            # Bytes from elsewhere can make a decoder raise anything.
            raise SerializationError(f"the bytes are no {self.content_type}: {exc}") from exc

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"
