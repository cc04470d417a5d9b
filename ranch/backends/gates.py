"""Limits at work: whether something may be claimed now, and if not, when."""

from __future__ import annotations

from math import ceil

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


def take_token(row: LaneRow | QueueRow, now: float) -> None:
    """Account for a claim, if there is a rate."""
    if row.limits.rate:
        row.full_at = max(row.full_at, round(now * 1000)) + row.limits.rate.interval_ms


def _next_token(rate: Rate, row: LaneRow | QueueRow) -> float:
    # The generic cell rate algorithm (ITU-T I.371), a token bucket in one number: the bucket is full at that time.
    return ceil(row.full_at - rate.tolerance_ms) / 1000
