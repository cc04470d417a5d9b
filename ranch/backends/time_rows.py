"""The rows of times, and how the operations reach them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class TimeTables(Protocol):
    """The part of `Tables` that is of times: counts by their names, of each lane and of `ranch.typing.WHOLE`."""

    def times(self, lane: str) -> dict[str, int]:
        """Return those of a lane, none if there are none."""

    def put_times(self, lane: str, counts: Mapping[str, int]) -> None:
        """Keep them, until the lane is dropped."""
