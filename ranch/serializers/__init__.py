"""The serializers that ship, all on kombu's registry, registered as any plugin registers its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ranch.hooks import SerializerPlugin, hookimpl
from ranch.serializers.kombu import KombuSerializer


@hookimpl
def ranch_serializers() -> Sequence[SerializerPlugin]:
    """Name the built-in serializers."""
    return [
        SerializerPlugin(
            name="json",
            factory=partial(KombuSerializer, "json"),
            summary="JSON, with dates, UUIDs and decimals; the default.",
        ),
        SerializerPlugin(
            name="msgpack",
            factory=partial(KombuSerializer, "msgpack"),
            summary="MessagePack: smaller, with bytes; needs the extra msgpack.",
        ),
        SerializerPlugin(
            name="pickle",
            factory=partial(KombuSerializer, "pickle"),
            summary="Any Python object. Reading it runs code of whoever wrote it.",
            trusted_only=True,
        ),
    ]
