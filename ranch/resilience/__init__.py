"""Decorators for functions that call what may be slow, away or flaky: blocking ones and coroutine functions."""

from __future__ import annotations

from ranch.resilience.circuit import circuit_breaker
from ranch.resilience.retrying import retry_with_backoff
from ranch.resilience.timing import with_timeout

__all__ = ["circuit_breaker", "retry_with_backoff", "with_timeout"]
