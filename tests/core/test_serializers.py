"""What payloads become, and what is not read."""

from __future__ import annotations

import json
import pickle
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ranch import ConfigError, Queue, SerializationError, SerializerType
from ranch.backends.memory import MemoryBackend
from ranch.hooks.manager import Plugins
from ranch.serializers.kombu import KombuSerializer
from ranch.testing import SerializerSuite

RICH = {"at": datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc), "id": uuid.uuid4(), "price": Decimal("1.10")}


class TestJSON(SerializerSuite):
    serializer = KombuSerializer("json")
    unreadable = (b"{", b"\xff\xfe", pickle.dumps(1))


class TestMessagePack(SerializerSuite):
    serializer = KombuSerializer("msgpack")
    unreadable = (b"\xc1", b"\x81", b"\x01\x01")


class TestPickle(SerializerSuite):
    serializer = KombuSerializer("pickle")
    unreadable = (b"{", b"\xff\xfe")
    refused = (lambda: None,)
    reads_anything = False


@pytest.mark.parametrize("name", ["json", "pickle"])
def test_dates_ids_and_decimals_come_back(name: str) -> None:
    """JSON has no words for them, kombu's has."""
    queue = Queue("q", backend="memory://", serializer=name, accept=[name])
    queue.enqueue("acme", RICH)
    lease = queue.claim()

    assert lease is not None
    assert lease.job.payload == RICH


def test_pickle_is_not_read_unless_it_is_named(tmp_path: Path) -> None:
    """Not even by the queue that writes it, and not one byte of it."""
    opened = tmp_path / "opened"

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (opened,)

    backend = MemoryBackend()
    Queue("q", backend=backend, serializer="pickle").enqueue("acme", Bomb())

    for reader in (
        Queue("q", backend=backend, serializer="pickle"),
        Queue("q", backend=backend),
        Queue("q", backend=backend, accept=["json", "msgpack"]),
    ):
        lease = reader.claim()
        assert lease is not None
        with pytest.raises(SerializationError, match="x-python-serialize"):
            lease.job.payload  # noqa: B018 - reading it is the point
        lease.release()
    assert not opened.exists()

    lease = Queue("q", backend=backend, accept=["json", "pickle"]).claim()
    assert lease is not None
    lease.job.payload  # noqa: B018 - reading it is the point
    assert opened.exists()


def test_the_types_are_the_names_of_what_ships() -> None:
    """Each serializer that ships is a member, which is its name to whoever compares, prints or stores it."""
    ours = {record.name for record in Plugins().serializers}

    assert set(SerializerType) == ours
    assert {str(member) for member in SerializerType} == {f"{member}" for member in SerializerType} == ours
    assert (SerializerType.JSON, SerializerType.PICKLE) == ("json", "pickle")


@pytest.mark.parametrize("member", SerializerType)
def test_a_type_goes_where_a_name_does(member: SerializerType) -> None:
    """To write with, and in the list of what is read."""
    queue = Queue("q", backend="memory://", serializer=member, accept=[member])
    queue.enqueue("acme", {"to": "a@b.c"})
    lease = queue.claim()

    assert lease is not None
    assert lease.job.content_type == KombuSerializer(member.value).content_type
    assert lease.job.payload == {"to": "a@b.c"}


def test_a_queue_may_change_its_serializer_and_read_the_old_one() -> None:
    """What waits is read by its own content type, not by today's setting."""
    backend = MemoryBackend()
    Queue("q", backend=backend).enqueue("acme", 1)
    now = Queue("q", backend=backend, serializer="msgpack", accept=["msgpack", "json"])
    now.enqueue("acme", 2)

    assert [lease.job.payload for lease in now.claim_many(2)] == [1, 2]


@pytest.mark.parametrize("name", ["json", "msgpack", "pickle"])
def test_what_cannot_be_written_is_refused_at_the_call(name: str) -> None:
    """The error names the serializer; nothing is stored."""
    queue = Queue("q", backend="memory://", serializer=name)

    with pytest.raises(SerializationError, match=name):
        queue.enqueue("acme", lambda: None)
    assert queue.stats().enqueued == 0


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", pickle.dumps(1)])
def test_what_cannot_be_read_says_so(body: bytes) -> None:
    """Whatever the bytes are."""
    codec = Queue("q", backend="memory://")._operations.codec

    with pytest.raises(SerializationError, match="application/json"):
        codec.loads(body, "application/json")


@pytest.mark.parametrize(
    ("dumps", "message"),
    [
        (lambda payload: json.dumps(payload).encode(), "does not serialize as application/x-own: Object of type set"),
        (str, r"makes bytes, and that of application/x-own made '\{1\}'"),
    ],
)
def test_a_serializer_of_ones_own_may_raise_what_it_likes(dumps: Callable[[object], Any], message: str) -> None:
    """It is told as of any other, and so is one that makes no bytes; nothing is stored."""
    own = SimpleNamespace(content_type="application/x-own", dumps=dumps, loads=json.loads)
    queue = Queue("q", backend="memory://", serializer=own)

    with pytest.raises(SerializationError, match=message):
        queue.enqueue("acme", {1})
    assert queue.stats().enqueued == 0


def test_wrong_settings_are_explained() -> None:
    """An unknown name, and a name where a list is wanted."""
    with pytest.raises(ConfigError, match="did you mean 'msgpack'"):
        Queue("q", backend="memory://", serializer="msgpac")
    with pytest.raises(ConfigError, match="accept is a list"):
        Queue("q", backend="memory://", accept="json")
