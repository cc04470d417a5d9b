"""A line for the log at most once a second, however often there is something to say."""

from __future__ import annotations

import logging
import math
from time import monotonic
from typing import Any, Final

log = logging.getLogger("ranch")

#: Seconds. What goes wrong at each claim is told by one line a second as well as by a thousand.
BETWEEN_LINES: Final = 1.0


class SeldomLine:
    """One kind of line in ranch's log."""

    def __init__(self, level: int) -> None:
        self._level = level
        #: How often it was to be said.
        self.count = 0
        self._told = 0
        self._silent_until = -math.inf

    def say(self, message: str, *args: Any, error: Exception | None = None) -> None:
        """Log it, with how many were left out since the last one; or leave it out as well."""
        self.count += 1
        now = monotonic()
        if now < self._silent_until:
            return
        unsaid, self._told = self.count - self._told - 1, self.count
        self._silent_until = now + BETWEEN_LINES
        more = f" ({unsaid} more since the last such line)" if unsaid else ""
        log.log(self._level, "%s%s", message % args, more, exc_info=error)
