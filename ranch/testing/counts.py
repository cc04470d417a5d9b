"""What the numbers of lanes and queues must add up to, whatever has happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ranch.model import Lane, LaneStats, QueueStats

#: What is there now. The rest is what has happened, which goes with a lane that is forgotten.
_PRESENT: Final = ("pending", "delayed", "leased", "dead")
_PAST: Final = (
    *("enqueued", "claimed", "acked", "released", "reclaimed", "failed", "retried"),
    *("died", "revived", "expired", "cancelled"),
)


def check_counts(queue: QueueStats, lanes: Sequence[Lane]) -> None:
    """Check the numbers of a queue, and of all its lanes, read at one time.

    Raises:
        AssertionError: They do not add up.
    """
    for stats in (queue, *(lane.stats for lane in lanes)):
        assert min(getattr(stats, name) for name in (*_PRESENT, *_PAST)) >= 0, stats
        assert stats.leased == stats.claimed - stats.acked - stats.released - stats.reclaimed - stats.failed, stats
        # Each time that a job came in it is still here, was acked, or ended.
        here, ended = stats.pending + stats.delayed + stats.leased, stats.expired + stats.cancelled + stats.died
        assert stats.enqueued + stats.revived == here + stats.acked + ended, stats
        assert stats.retried <= stats.failed, stats
        assert _forgotten_letters(stats) >= 0, stats
    for name in _PRESENT:
        assert sum(getattr(lane.stats, name) for lane in lanes) == getattr(queue, name), name
    for name in _PAST:
        assert sum(getattr(lane.stats, name) for lane in lanes) <= getattr(queue, name), name
    assert queue.lanes == len(lanes)
    assert queue.backlogged == sum(lane.stats.pending > 0 and not lane.blocked for lane in lanes)
    assert queue.blocked == sum(bool(lane.blocked) for lane in lanes)


def _forgotten_letters(stats: LaneStats) -> int:
    return stats.died - stats.revived - stats.dead
