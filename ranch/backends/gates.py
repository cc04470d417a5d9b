"""Limits at work: whether something may be claimed now, and if not, when."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor
from typing import Any

from ranch.backends.rows import LaneRow, QueueRow
from ranch.limits import NONE, Rate


def blocked(row: LaneRow | QueueRow, now: float) -> tuple[str, float | None]:
    """Return which limit forbids a claim now, empty if none does, and until when, if the time alone decides."""
    limits = row.limits
    if limits is NONE:
        return "", None
    if limits.paused:
        return "paused", None
    if limits.max_in_flight is not None and row.leased >= limits.max_in_flight:
        return "max_in_flight", None
    if limits.rate and (at := _next_token(limits.rate, row)) > now:
        return "rate", at
    return "", None


def change_limits(row: LaneRow | QueueRow, changes: Mapping[str, Any], now: float) -> None:
    """Set other limits. Under another rate as many tokens are missing as before, but no more than there can be."""
    old, row.limits = row.limits.rate, row.limits.changed(changes)
    new = row.limits.rate
    if new is None:
        row.full_at = 0.0
    elif old is not None and old != new:
        now_ms = round(now * 1000)
        missing = max(0.0, (row.full_at - now_ms) / old.interval_ms)
        row.full_at = now_ms + min(missing, new.burst) * new.interval_ms


def take_token(row: LaneRow | QueueRow, now: float) -> None:
    """Account for a claim, if there is a rate."""
    if row.limits.rate:
        row.full_at = max(row.full_at, round(now * 1000)) + row.limits.rate.interval_ms


def _next_token(rate: Rate, row: LaneRow | QueueRow) -> float:
    # The generic cell rate algorithm (ITU-T I.371), a token bucket in one number: the bucket is full at that time.
    # Rounded down: to wait up to the next millisecond would make 500 jobs a second of 700. What is early is not gained.
    return floor(row.full_at - rate.tolerance_ms) / 1000
