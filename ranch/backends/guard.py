"""A backend behind a circuit breaker, and who is told when it opens and closes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ranch.breaker import Breaker
from ranch.exceptions import without_passwords
from ranch.hooks.details import BackendDown, BackendUp
from ranch.hooks.events import Events
from ranch.hooks.manager import Plugins
from ranch.typing import Backend


class GuardedBackend:
    """A backend behind a breaker, which all its queues share.

    A wait passes by the breaker: who waits has just been answered, and a connection that is cut while it idles says
    little of the store.
    """

    def __init__(self, backend: Backend, breaker: Breaker) -> None:
        self.backend = backend
        self.breaker = breaker
        #: The backend's own: nothing is asked of the store.
        self.lanes = backend.lanes
        self.close = backend.close
        self.aclose = backend.aclose

    def perform(self, step: Any) -> Any:
        """Take one step, blocking, if the breaker lets it through."""
        if getattr(step, "waits", False):
            return self.backend.perform(step)
        with self.breaker.watching():
            return self.backend.perform(step)

    async def aperform(self, step: Any) -> Any:
        """Take one step, awaited, if the breaker lets it through."""
        if getattr(step, "waits", False):
            return await self.backend.aperform(step)
        with self.breaker.watching():
            return await self.backend.aperform(step)


def opened(plugins: Plugins, backend: str | Backend, failures: int, **options: Any) -> Backend:
    """Open a backend; one that a URL names and that may be away behind a breaker, which tells the event hooks.

    Args:
        plugins: Where the URL's scheme is looked up, and who is told.
        backend: A URL; or a backend, which stays as it is.
        failures: As for `Breaker`; 0 is for no breaker.
        options: What goes to the backend beside its URL.
    """
    store = plugins.backend(backend, **options)
    if not isinstance(backend, str) or not failures or not plugins.backends[backend.partition("://")[0]].remote:
        return store
    return GuardedBackend(store, Breaker(failures, on_change=_teller(plugins.events, backend)))


def _teller(events: Events, url: str) -> Callable[[bool, Exception | None], None]:
    """Return what tells the event hooks of a breaker's changes."""
    url = without_passwords(url)
    down_since = 0.0

    def tell(is_open: bool, error: Exception | None) -> None:  # noqa: FBT001 - as `Breaker` calls it
        nonlocal down_since
        if error:
            down_since = time.monotonic()
            if events.backend_down:
                events.backend_down(BackendDown(url=url, error=error))
        elif events.backend_up:
            events.backend_up(BackendUp(url=url, seconds=time.monotonic() - down_since))

    return tell
