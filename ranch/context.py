"""The lane of all that is sent inside a `with` block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import Final

from ranch.checks import checked_key


class Unnamed(Enum):
    """That nobody has said which lane, where None says: no lane."""

    UNNAMED = "unnamed"


UNNAMED: Final = Unnamed.UNNAMED

_LANE: ContextVar[str | Unnamed | None] = ContextVar("ranch_lane", default=UNNAMED)


@contextmanager
def lane(key: str | None) -> Iterator[None]:
    """Name the lane of all tasks sent inside the block that name none themselves; None: they are to have no lane.

    Holds in the thread or asyncio task that opened the block, and in asyncio tasks started inside it. Blocks may be
    nested; the innermost counts. It may decorate a function too. No round trip.

    Raises:
        InvalidJob: The key cannot name a lane.
    """
    token = _LANE.set(None if key is None else checked_key(key))
    try:
        yield
    finally:
        _LANE.reset(token)


def current_lane() -> str | Unnamed | None:
    """Return the lane of the block that this is called in; `UNNAMED` outside of any."""
    return _LANE.get()
