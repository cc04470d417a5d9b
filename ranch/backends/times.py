"""How long jobs took, in tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ranch.backends.lookups import Lookups, atomic, reading
from ranch.backends.rows import Tables
from ranch.typing import WHOLE


class Times(Lookups):
    """How long the jobs of one queue have waited and run, through its tables."""

    @atomic
    def add_times(self, tables: Tables, times: Mapping[str, Mapping[str, int]]) -> None:
        for lane, counts in times.items():
            if lane == WHOLE or tables.lane(lane):
                tables.put_times(lane, Counter(tables.times(lane)) + Counter(counts))

    @reading
    def times(self, tables: Tables, lane: str) -> dict[str, int]:
        return tables.times(lane)
