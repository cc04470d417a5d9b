"""How long jobs took, in a database that speaks SQL."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from ranch.backends.sql_timers import SQLTimers

_PUT_TIMES: Final = (
    "INSERT INTO times (queue, lane, counts) VALUES (?, ?, ?) "
    "ON CONFLICT (queue, lane) DO UPDATE SET counts = excluded.counts"
)


class SQLTimes(SQLTimers):
    """The part of `SQLTables` that is of times."""

    def times(self, lane: str) -> dict[str, int]:
        query = "SELECT counts FROM times WHERE queue = ? AND lane = ?"
        row = self._execute(query, (self._number, lane)).fetchone()
        counts: dict[str, int] = json.loads(row[0]) if row else {}
        return counts

    def put_times(self, lane: str, counts: Mapping[str, int]) -> None:
        self._execute(_PUT_TIMES, (self._number, lane, json.dumps(counts, separators=(",", ":"))))

    def drop_times(self, lane: str) -> None:
        """Forget them, with their lane."""
        self._execute("DELETE FROM times WHERE queue = ? AND lane = ?", (self._number, lane))
