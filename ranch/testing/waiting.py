"""How a test waits: for a condition, never for a guess of how long something takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], timeout: float = 60.0, interval: float = 0.01) -> T:
    """Return what `condition` returns as soon as that is true.

    By default it waits for as long as a process may take to start or to end on a machine that has other things to do.

    Raises:
        TimeoutError: It was still false after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while not (result := condition()):
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{condition!r} was still {result!r} after {timeout} seconds")
        time.sleep(interval)
    return result
