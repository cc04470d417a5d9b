"""Timers, in a database that speaks SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ranch.backends.sql_outcomes import SQLOutcomes

_ADD_TIMER: Final = "INSERT INTO timers (queue, at, timer) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"


class SQLTimers(SQLOutcomes):
    """The part of `SQLTables` that is of what is to be seen to at a time."""

    def add_timer(self, at: float, timer: str) -> None:
        self._execute(_ADD_TIMER, (self._number, at, timer))

    def drop_timer(self, at: float, timer: str) -> None:
        self._execute("DELETE FROM timers WHERE queue = ? AND at = ? AND timer = ?", (self._number, at, timer))

    def has_timer(self, at: float, timer: str) -> bool:
        query = "SELECT 1 FROM timers WHERE queue = ? AND at = ? AND timer = ?"
        return self._execute(query, (self._number, at, timer)).fetchone() is not None

    def timers(self, after: tuple[float, str], limit: int) -> Sequence[tuple[float, str]]:
        query = "SELECT at, timer FROM timers WHERE queue = ? AND (at, timer) > (?, ?) ORDER BY at, timer LIMIT ?"
        return self._execute(query, (self._number, *after, limit)).fetchall()

    def due(self, limit: int) -> Sequence[tuple[float, str]]:
        query = "SELECT at, timer FROM timers WHERE queue = ? AND at BETWEEN 0 AND ? ORDER BY at, timer LIMIT ?"
        return self._execute(query, (self._number, self.queue.now, limit)).fetchall()

    def next_at(self) -> float | None:
        return self._time("SELECT at FROM timers WHERE queue = ? AND at >= 0 ORDER BY at, timer LIMIT 1")

    def chores(self, limit: int) -> Sequence[tuple[float, str]]:
        query = (
            "SELECT at, timer FROM timers WHERE queue = ? AND at BETWEEN ? AND 0 ORDER BY at DESC, timer DESC LIMIT ?"
        )
        return self._execute(query, (self._number, -self.queue.now, limit)).fetchall()

    def next_chore(self) -> float | None:
        return self._time("SELECT -at FROM timers WHERE queue = ? AND at < 0 ORDER BY at DESC, timer DESC LIMIT 1")

    def _time(self, query: str) -> float | None:
        row = self._execute(query, (self._number,)).fetchone()
        return row[0] if row else None
