"""How long jobs took, on Redis."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ranch.backends.redis.calls import nothing
from ranch.backends.redis.lookups import RedisLookups
from ranch.steps import Steps


class RedisTimes(RedisLookups):
    """How long the jobs of one queue have waited and run.

    In one text for each lane: as the fields of a hash its counts cost the server a hundred times as much.
    """

    def add_times(self, times: Mapping[str, Mapping[str, int]]) -> Steps[None]:
        """Add to what was counted of them."""
        words = [word for lane, counts in times.items() for word in (lane, json.dumps(counts, separators=(",", ":")))]
        if words:
            yield self._call("add_times", *words, parse=nothing)

    def times(self, lane: str) -> Steps[dict[str, int]]:
        """Read what was counted of a lane, or of all. One round trip."""
        counts: dict[str, int] = yield self._call("times", lane, parse=_counts)
        return counts


def _counts(reply: Sequence[bytes]) -> dict[str, int]:
    # Lua writes large numbers with 14 digits, as floats.
    return {name: int(count) for name, count in json.loads(reply[0]).items()}
