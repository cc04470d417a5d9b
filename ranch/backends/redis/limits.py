"""Limits as the text that scripts read: eight words by their places.

Whether paused, max_in_flight; jobs, seconds and burst of the rate; max_pending, overflow, expires in seconds. What is
not limited is ``-``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ranch.limits import NONE, Limits, Rate

_LIFTED: Final = "-"
#: In a change: as it was.
_STAYS: Final = "="
#: By limit, how many words it takes.
_WORDS: Final = {"paused": 1, "max_in_flight": 1, "rate": 3, "max_pending": 1, "overflow": 1, "expires": 1}


def write_changes(changes: Mapping[str, Any]) -> str:
    """Return the words of a change; empty if there is none."""
    if not changes:
        return ""
    words: list[str] = []
    for name, count in _WORDS.items():
        words += _spell(name, changes[name]) if name in changes else [_STAYS] * count
    return " ".join(words)


def _spell(name: str, value: Any) -> list[str]:
    if value is None or value is False or value == "raise":
        return [_LIFTED] * _WORDS[name]
    if isinstance(value, Rate):
        return [str(value.jobs), repr(value.per), str(value.burst)]
    return ["1" if value is True else repr(value) if isinstance(value, float) else str(value)]


def read_limits(text: str) -> Limits:
    """Return the limits of which these are the words."""
    if not text:
        return NONE
    paused, in_flight, jobs, per, burst, pending, overflow, expires = text.split()
    return Limits(
        paused=paused != _LIFTED,
        max_in_flight=None if in_flight == _LIFTED else int(in_flight),
        rate=None if jobs == _LIFTED else Rate(int(jobs), float(per), int(burst)),
        max_pending=None if pending == _LIFTED else int(pending),
        overflow="raise" if overflow == _LIFTED else overflow,
        expires=None if expires == _LIFTED else float(expires),
    )
