"""Time that moves when it is told to."""

from __future__ import annotations


class FakeClock:
    """A `Clock` for tests: give it to a backend, and call `advance` instead of sleeping.

    It moves in whole milliseconds, the finest that all backends tell apart.
    """

    def __init__(self, start: float = 1_000_000_000.0) -> None:
        self._now_ms = round(start * 1000)

    def __call__(self) -> float:
        return self._now_ms / 1000

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        if seconds < 0:
            raise ValueError(f"time does not go back: {seconds} s")
        self._now_ms += round(seconds * 1000)
