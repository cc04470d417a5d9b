"""For tests of what is built on ranch."""

from __future__ import annotations

from ranch.testing.clock import FakeClock

__all__ = ["FakeClock"]
