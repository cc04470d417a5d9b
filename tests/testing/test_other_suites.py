"""What the suites for backends and serializers find."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ranch.backends.memory import MemoryBackend
from ranch.backends.tables import TableLanes
from ranch.exceptions import SerializationError
from ranch.policy import DEFAULT, Policy
from ranch.testing import BackendSuite, FakeClock, SerializerSuite


class LastInFirstOut(MemoryBackend):
    """Breaks ties between lanes the wrong way round, which no single-lane test sees."""

    def lanes(self, queue: str, strategy: Any, choice: Any = None, policy: Policy = DEFAULT) -> TableLanes:
        class Reversed(type(strategy)):
            def enter(self, lane: Any, clock: Any) -> float:
                return super().enter(lane, clock) - 1e-6 * clock.tick

        return super().lanes(queue, Reversed(), choice, policy)


def test_a_backend_that_picks_otherwise_is_found() -> None:
    """By a random history, beside memory."""

    class TestIt(BackendSuite):
        def open(self, clock: FakeClock) -> MemoryBackend:
            return LastInFirstOut(clock=clock)

    with pytest.raises(AssertionError):
        TestIt().test_it_makes_the_same_picks_as_memory()


class Lax:
    """JSON with all the usual mistakes."""

    content_type = "application/lax"

    def dumps(self, payload: Any) -> Any:
        return json.dumps(payload, default=str)

    def loads(self, body: Any) -> Any:
        return json.loads(body)


@pytest.mark.parametrize(
    ("test", "error"),
    [
        ("test_payloads_become_bytes", AssertionError),
        ("test_what_it_cannot_write_is_refused", pytest.fail.Exception),
        ("test_what_it_cannot_read_is_refused", ValueError),
        ("test_bytes_from_elsewhere_are_read_or_refused", ValueError),
    ],
)
def test_a_serializer_that_is_lax_is_found(test: str, error: type[Exception]) -> None:
    """Text instead of bytes, anything written as its representation, errors of its own."""

    class TestIt(SerializerSuite):
        serializer = Lax()

    with pytest.raises(error) as raised:
        getattr(TestIt(), test)()
    assert not isinstance(raised.value, SerializationError)
