"""What every serializer must do, on random payloads and on bytes that are none of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ranch.backends.memory import MemoryBackend
from ranch.exceptions import SerializationError
from ranch.queue import Queue
from ranch.typing import Serializer

#: What every serializer should bring back: what JSON knows, with whole numbers of 64 bits.
PLAIN: SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=20,
)

_MEDIA_TYPE = re.compile(r"[a-z]+/[A-Za-z0-9.+-]+")


class SerializerSuite:
    """Holds a serializer to its contract: subclass it in a test module, with a name that begins with ``Test``.

    A subclass gives `serializer`; if it takes other payloads than plain ones, it says which in `payloads`.
    """

    #: What is tested.
    serializer: ClassVar[Serializer]
    #: Payloads that come back equal; by default plain ones, of None, booleans, numbers, text, lists and mappings.
    payloads: ClassVar[SearchStrategy[Any]] = PLAIN
    #: Payloads that it cannot write.
    refused: ClassVar[Sequence[Any]] = (lambda: None, iter([1]))
    #: Bytes that it cannot read, beside those that are none at all.
    unreadable: ClassVar[Sequence[bytes]] = ()
    #: Whether any bytes may be given to `loads`: not to one that runs what it reads.
    reads_anything: ClassVar[bool] = True

    def test_payloads_come_back(self) -> None:
        """What was written is read as it was."""

        @self._try
        def check(payload: Any) -> None:
            assert self.serializer.loads(self.serializer.dumps(payload)) == payload

        check()

    def test_payloads_become_bytes(self) -> None:
        """Bytes and nothing else, and at least one: a backend need not care what is in them."""

        @self._try
        def check(payload: Any) -> None:
            body = self.serializer.dumps(payload)
            assert type(body) is bytes
            assert body

        check()

    def test_the_content_type_is_a_media_type_that_stays(self) -> None:
        """What is written today is read by it for ever, so it depends on nothing that was written."""
        before = self.serializer.content_type

        @self._try
        def check(payload: Any) -> None:
            self.serializer.loads(self.serializer.dumps(payload))
            assert self.serializer.content_type == before

        check()
        assert isinstance(before, str)
        assert _MEDIA_TYPE.fullmatch(before)

    def test_what_it_cannot_write_is_refused(self) -> None:
        """With a `SerializationError`, at the call that was given it, and nothing is stored."""
        queue = Queue("q", backend=MemoryBackend(), serializer=self.serializer)
        for payload in self.refused:
            with pytest.raises(SerializationError):
                self.serializer.dumps(payload)
            with pytest.raises(SerializationError):
                queue.enqueue_many([("acme", payload)])
        assert queue.stats().enqueued == 0

    def test_what_it_cannot_read_is_refused(self) -> None:
        """With a `SerializationError`, whatever the bytes are."""
        for body in (b"", *self.unreadable):
            with pytest.raises(SerializationError):
                self.serializer.loads(body)

    def test_bytes_from_elsewhere_are_read_or_refused(self) -> None:
        """No bytes make it raise anything but a `SerializationError`: strangers' ones, and its own cut short."""

        @self._try
        def check_cut_short(payload: Any) -> None:
            body = self.serializer.dumps(payload)
            for end in {1, len(body) // 2, len(body) - 1}:
                self._read_or_refuse(body[:end])

        check_cut_short()
        if self.reads_anything:

            @settings(deadline=None, report_multiple_bugs=False)
            @given(body=st.binary())
            def check(body: bytes) -> None:
                self._read_or_refuse(body)

            check()

    def test_a_queue_brings_payloads_to_the_worker(self) -> None:
        """Written by one queue, stored with the content type, read by another that accepts it."""
        backend = MemoryBackend()

        @self._try
        def check(payload: Any) -> None:
            writer = Queue("q", backend=backend, serializer=self.serializer)
            reader = Queue("q", backend=backend, accept=[self.serializer])
            writer.enqueue("acme", payload)
            lease = reader.claim()
            assert lease is not None
            lease.ack()
            assert lease.job.content_type == self.serializer.content_type
            assert lease.job.payload == payload

        check()

    def _read_or_refuse(self, body: bytes) -> None:
        try:
            self.serializer.loads(body)
        except SerializationError:
            return

    def _try(self, check: Any) -> Any:
        return settings(deadline=None, report_multiple_bugs=False)(given(payload=self.payloads)(check))
