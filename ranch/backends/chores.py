"""Timers that no job waits for: of lanes that may be idle, and of dead letters whose time is over."""

from __future__ import annotations

from ranch.backends.rows import Tables


def add_chore(tables: Tables, at: float, chore: str) -> None:
    """See to something at that time, or later: when nothing else is due.

    Chores stand among the timers at the negative of their times, where what looks for those that are due finds none.
    """
    queue = tables.queue
    tables.add_timer(-at, chore)
    queue.chores_at = at if queue.chores_at is None else min(queue.chores_at, at)
