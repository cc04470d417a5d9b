"""Between which weights a weight function keeps its answers."""

from __future__ import annotations

import math
from typing import Any

import attrs


def positive(instance: object, attribute: attrs.Attribute[Any], value: float) -> None:
    """Refuse an option that is not a finite number above 0: for attrs."""
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{attribute.name!r} must be a finite number > 0: {value!r}")


def positive_or_none(instance: object, attribute: attrs.Attribute[Any], value: float | None) -> None:
    """Refuse an option that is neither None nor a finite number above 0: for attrs."""
    if value is not None:
        positive(instance, attribute, value)


def above_lowest(instance: Any, attribute: attrs.Attribute[Any], value: float) -> None:
    """Refuse a highest weight below the lowest: for attrs."""
    positive(instance, attribute, value)
    if value < instance.lowest:
        raise ValueError(f"'highest' must be at least 'lowest', {instance.lowest!r}: {value!r}")


def clamp(lowest: float, value: float, highest: float) -> float:
    """Return the value, or the bound that it is beyond."""
    return min(max(value, lowest), highest)
