"""The serializers that ship, all on kombu's registry, registered as any plugin registers its own."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from functools import partial

from ranch.hooks import SerializerPlugin, hookimpl
from ranch.serializers.kombu import KombuSerializer


class SerializerType(str, Enum):
    """The serializers that ship. A member is its name, and goes wherever the name of a serializer does."""

    JSON = "json"
    #: Needs the extra ``msgpack``.
    MSGPACK = "msgpack"
    #: Reading it runs code of whoever wrote it, so it is read only where it is accepted by name.
    PICKLE = "pickle"

    # The same in every version of Python, which the mixture of str and Enum is not.
    __str__ = str.__str__


@hookimpl
def ranch_serializers() -> Sequence[SerializerPlugin]:
    """Name the built-in serializers."""
    return [
        SerializerPlugin(
            name=SerializerType.JSON.value,
            factory=partial(KombuSerializer, SerializerType.JSON.value),
            summary="JSON, with dates, UUIDs and decimals; the default.",
        ),
        SerializerPlugin(
            name=SerializerType.MSGPACK.value,
            factory=partial(KombuSerializer, SerializerType.MSGPACK.value),
            summary="MessagePack: smaller, with bytes; needs the extra msgpack.",
        ),
        SerializerPlugin(
            name=SerializerType.PICKLE.value,
            factory=partial(KombuSerializer, SerializerType.PICKLE.value),
            summary="Any Python object. Reading it runs code of whoever wrote it.",
            trusted_only=True,
        ),
    ]


__all__ = ["SerializerType"]
