"""Telling plugins what has happened."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from typing import Any

import pluggy

log = logging.getLogger("ranch")


class Events:
    """The event hooks of one plugin manager.

    Each hook is an attribute by its name without ``ranch_``: a function of the details object, or None if no plugin
    implements it, so that whoever has an event to tell can tell at no cost that nobody listens.
    """

    enqueued: Callable[[Any], None] | None
    claimed: Callable[[Any], None] | None
    ran: Callable[[Any], None] | None
    finished: Callable[[Any], None] | None
    released: Callable[[Any], None] | None
    failed: Callable[[Any], None] | None
    retried: Callable[[Any], None] | None
    dead: Callable[[Any], None] | None
    expired: Callable[[Any], None] | None
    cancelled: Callable[[Any], None] | None
    lane_changed: Callable[[Any], None] | None
    backend_down: Callable[[Any], None] | None
    backend_up: Callable[[Any], None] | None

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self._errors = [0]
        for name in Events.__annotations__:
            listeners = [
                manager.subset_hook_caller(
                    f"ranch_{name}",
                    [other for other in manager.get_plugins() if other is not implementation.plugin],
                )
                for implementation in getattr(manager.hook, f"ranch_{name}").get_hookimpls()
            ]
            setattr(self, name, self._teller(listeners) if listeners else None)

    def _teller(self, listeners: list[pluggy.HookCaller]) -> Callable[[Any], None]:
        def tell(details: object) -> None:
            # One by one: what one listener raises must not keep the news from the next.
            for listener in listeners:
                try:
                    listener(details=details)
                except Exception:
                    self._errors[0] += 1
                    log.exception("a plugin failed in %s with %r", listener.name, details)

        return tell

    @property
    def errors(self) -> int:
        """How many calls have raised."""
        return self._errors[0]

    def beside(self, listener: object) -> Events:
        """Return events that this object is told too, before the plugins: by its methods, which must not raise."""
        events = copy.copy(self)
        for name in Events.__annotations__:
            if method := getattr(listener, f"ranch_{name}", None):
                setattr(events, name, _both(method, getattr(self, name)))
        return events


def _both(method: Callable[[Any], None], tell: Callable[[Any], None] | None) -> Callable[[Any], None]:
    if tell is None:
        return method

    def tell_both(details: object) -> None:
        method(details)
        tell(details)

    return tell_both
