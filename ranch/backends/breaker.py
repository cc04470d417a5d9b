"""A circuit breaker before a backend: while the store is away, calls fail at once instead of each waiting in vain."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from ranch.exceptions import BackendUnavailable, ConfigError
from ranch.hooks.details import BackendDown, BackendUp
from ranch.hooks.events import Events
from ranch.hooks.manager import Plugins
from ranch.typing import Backend

log = logging.getLogger("ranch")

#: In a row. Each has been tried several times by the backend itself, so that one blip is none of them.
FAILURES: Final = 3
#: Seconds. About what a fail-over takes, and short enough that nobody waits for long for a store that is back.
SECONDS: Final = 5.0


class Breaker:
    """Counts calls that found the store away, and after some in a row lets one call in a while through, as a trial.

    Closed, all calls pass. Open, they raise `BackendUnavailable` at once; after `seconds` one of them is the trial: if
    the store answers it, the breaker closes, else it stays open for as long again. Any answer of the store counts as
    one, an error of another kind included; a wait that ends without a job is an answer too. A call that is cancelled
    counts for nothing.

    Safe to share between threads and event loops.

    Args:
        failures: How many calls in a row find the store away before it opens.
        seconds: From opening to the next trial.
        on_change: Called with whether it is open now, and with the error that opened it or None, after each change, by
            whoever made the call that changed it. What it raises is logged.
        clock: Seconds that only grow, for tests.

    Raises:
        ConfigError: A number is not positive.
    """

    def __init__(
        self,
        failures: int = FAILURES,
        seconds: float = SECONDS,
        on_change: Callable[[bool, Exception | None], object] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for name, value in (("failures", failures), ("seconds", seconds)):
            if not value > 0:
                raise ConfigError(f"{name} must be > 0, not {value!r}", where="breaker")
        self._limit, self._seconds, self._on_change, self._clock = failures, seconds, on_change, clock
        self._lock = threading.Lock()
        self._failures = 0
        # When the next trial may be made; None while closed.
        self._trial_at: float | None = None
        self._error: BackendUnavailable | None = None

    @property
    def is_open(self) -> bool:
        """Whether calls fail at once."""
        return self._trial_at is not None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Let a call through, and learn from how it ends.

        Raises:
            BackendUnavailable: It is open. The call was not made.
        """
        trial = self._admit()
        try:
            yield
        except BackendUnavailable as exc:
            self._failed(exc, trial=trial)
            raise
        except Exception:
            self._answered(trial=trial)
            raise
        except BaseException:
            if trial:
                self._trial_at = self._clock()  # of somebody else
            raise
        else:
            self._answered(trial=trial)

    def _admit(self) -> bool:
        """Return whether this call is the trial."""
        if self._trial_at is None:
            return False
        with self._lock:
            if self._trial_at is None:
                return False
            left = self._trial_at - self._clock()
            if left > 0:
                raise BackendUnavailable(
                    f"the store was away in {self._limit} calls in a row, and is not asked for another "
                    f"{min(left, self._seconds):.1f} s: {self._error}"
                ) from self._error
            # Until this one has ended, and should it never end, for as long again.
            self._trial_at += self._seconds - left
            return True

    def _failed(self, error: BackendUnavailable, *, trial: bool) -> None:
        with self._lock:
            self._failures += 1
            opened = self._trial_at is None and self._failures >= self._limit
            if opened or trial:
                self._trial_at, self._error = self._clock() + self._seconds, error
        if opened:
            self._tell(is_open=True, error=error)

    def _answered(self, *, trial: bool) -> None:
        if not trial and (self._failures == 0 or self.is_open):
            return  # An answer to a call made before it opened says nothing of now.
        with self._lock:
            closed = trial and self._trial_at is not None
            if closed:
                self._trial_at = self._error = None
            if not self.is_open:
                self._failures = 0
        if closed:
            self._tell(is_open=False, error=None)

    def _tell(self, *, is_open: bool, error: Exception | None) -> None:
        if self._on_change:
            try:
                self._on_change(is_open, error)
            except Exception:
                log.exception("telling that the store is %s failed", "away" if is_open else "back")


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
    url = re.sub(r"(?<=:)[^/@]*(?=@)|(?<=password=)[^&]*", "***", url)
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
