"""Checks of single values, made before anything is stored."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ranch.exceptions import InvalidJob

#: The longest lane key and the longest queue name, in characters.
MAX_KEY_LENGTH: Final = 256


def checked_key(key: object, what: str = "lane") -> str:
    """Return `key` if it can name a lane or a queue, else raise `InvalidJob`."""
    if not isinstance(key, str):
        raise InvalidJob(f"a {what} is named by a str, not by {type(key).__name__} {key!r}")
    if not key:
        raise InvalidJob(f"a {what} needs a name: the empty string is none")
    if len(key) > MAX_KEY_LENGTH:
        raise InvalidJob(f"a {what}'s name has at most {MAX_KEY_LENGTH} characters, {key[:40]!r}… has {len(key)}")
    try:
        key.encode()
    except UnicodeEncodeError as exc:
        raise InvalidJob(f"a {what}'s name must be valid Unicode, {key!r} is not: {exc.reason}") from exc
    return key


def checked_number(value: object, what: str, *, positive: bool = False, signed: bool = False) -> float:
    """Return `value` as a finite float, not negative (`positive`: nor 0; `signed`: any), else raise `InvalidJob`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidJob(f"{what} is a number, not {type(value).__name__} {value!r}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number) or (number < 0 and not signed) or (positive and number == 0):
        least = "" if signed else " > 0" if positive else " >= 0"
        raise InvalidJob(f"{what} must be a finite number{least}, not {value!r}")
    return number


def checked_count(value: object, verb: str, of: str = " of jobs") -> int:
    """Return `value` if it is a whole number of jobs to `verb`, at least 1, else raise `InvalidJob`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidJob(f"{verb} a whole number{of}, at least 1, not {value!r}")
    return value


def checked_mapping(value: object, what: str) -> Mapping[Any, Any]:
    """Return `value` if it is a mapping, an empty one for None, else raise `InvalidJob`."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidJob(f"{what} are a mapping of names to values, not {type(value).__name__} {value!r}")
    return value


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``, did you mean 'x'?`` for the known name nearest to `name`, or nothing."""
    near = difflib.get_close_matches(name, list(known), 1)
    return f", did you mean {near[0]!r}?" if near else ""
