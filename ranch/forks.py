"""Forks: a child begins some things anew, which its parent's threads may have had in hand as it was forked."""

from __future__ import annotations

import os
import weakref
from typing import Final


class BeginsAnew:
    """An object that a forked child begins anew: its locks, which nobody in the child would ever open, and the like.

    A subclass says in `_begin` what that is; it is called here, and in each child before anything else runs.
    """

    def __init__(self) -> None:
        self._begin()
        _all.add(self)

    def _begin(self) -> None:
        raise NotImplementedError


_all: Final[weakref.WeakSet[BeginsAnew]] = weakref.WeakSet()


def _after_fork() -> None:
    for each in list(_all):
        each._begin()


os.register_at_fork(after_in_child=_after_fork)
