"""Asking a strategy that is Python, whatever it answers."""

from __future__ import annotations

import logging
import math
import time
from typing import Final

from ranch.typing import LaneView, QueueClock, Strategy

log = logging.getLogger("ranch")

# A strategy that fails does so at each claim: one line a second tells as much as a thousand.
_SECONDS_BETWEEN_LINES: Final = 1.0


class Asker:
    """Asks one strategy where lanes stand. A failure costs a log line a second at most, and never a job."""

    def __init__(self, strategy: Strategy) -> None:
        self.strategy = strategy
        #: How often it raised, or gave no finite number.
        self.errors = 0
        self._unsaid = 0
        self._silent_until = -math.inf

    def rank(self, lane: LaneView, clock: QueueClock, cost: float | None = None) -> float:
        """Return the rank that the strategy gives on a service of `cost`, without one on an entry.

        If it raises or gives no finite number, that is the rank the lane has.
        """
        try:
            answer = self.strategy.enter(lane, clock) if cost is None else self.strategy.served(lane, clock, cost)
            rank = float(answer)
        except Exception as exc:  # noqa: BLE001 - a plugin's code may raise anything
            self._failed(lane, "failed on", exc)
            return lane.tag
        if not math.isfinite(rank):
            self._failed(lane, f"gave the rank {rank!r} to", None)
            return lane.tag
        return rank

    def _failed(self, lane: LaneView, did: str, error: Exception | None) -> None:
        self.errors += 1
        now = time.monotonic()
        if now < self._silent_until:
            self._unsaid += 1
            return
        more = f" ({self._unsaid} more since the last such line)" if self._unsaid else ""
        self._unsaid, self._silent_until = 0, now + _SECONDS_BETWEEN_LINES
        log.error("strategy %r %s lane %r; it keeps its rank%s", self.strategy, did, lane.key, more, exc_info=error)
