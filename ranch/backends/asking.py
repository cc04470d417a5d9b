"""Asking a strategy that is Python, whatever it answers, and however long that takes."""

from __future__ import annotations

import logging
import math
from time import perf_counter
from typing import Final

from ranch.seldom import SeldomLine
from ranch.typing import LaneView, QueueClock, Strategy

#: Seconds. An answer that takes longer is logged: two numbers are added in less than a thousandth of that, and
#: meanwhile the claim has to wait, on SQLite with the file locked. To measure costs 1 % of a claim in memory.
SLOW_ANSWER: Final = 0.01


class Asker:
    """Asks one strategy where lanes stand. A failure costs a log line a second at most, and never a job."""

    def __init__(self, strategy: Strategy) -> None:
        self.strategy = strategy
        self._failures = SeldomLine(logging.ERROR)
        self._slow_answers = SeldomLine(logging.WARNING)

    @property
    def errors(self) -> int:
        """How often it raised, or gave no finite number."""
        return self._failures.count

    def rank(self, lane: LaneView, clock: QueueClock, cost: float | None = None) -> float:
        """Return the rank that the strategy gives on a service of `cost`, without one on an entry.

        If it raises or gives no finite number, that is the rank the lane has. A slow answer is as good as a quick one.
        """
        began, error = perf_counter(), None
        try:
            answer = self.strategy.enter(lane, clock) if cost is None else self.strategy.served(lane, clock, cost)
            rank = float(answer)
        except Exception as exc:  # noqa: BLE001 - a plugin's code may raise anything
            rank, error = math.nan, exc
        # Before anything is logged, which is not the strategy's time.
        took = perf_counter() - began
        if not math.isfinite(rank):
            self._failed(lane, "failed on" if error else f"gave the rank {rank!r} to", error)
            rank = lane.tag
        if took > SLOW_ANSWER:
            self._slow_answers.say(
                "strategy %r took %.3f s to rank lane %r, and %s s are long; claims wait for it",
                self.strategy,
                took,
                lane.key,
                SLOW_ANSWER,
            )
        return rank

    def _failed(self, lane: LaneView, did: str, error: Exception | None) -> None:
        self._failures.say("strategy %r %s lane %r; it keeps its rank", self.strategy, did, lane.key, error=error)
