"""A circuit breaker: while what is behind it is away, calls fail at once instead of each waiting in vain."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar, Final

from ranch.exceptions import BackendUnavailable, ConfigError
from ranch.forks import BeginsAnew

log = logging.getLogger("ranch")

#: In a row. Each has been tried several times by the backend itself, so that one blip is none of them.
FAILURES: Final = 3
#: Seconds. About what a fail-over takes, and short enough that nobody waits for long for a store that is back.
SECONDS: Final = 5.0


class Breaker(BeginsAnew):
    """Counts calls that found the store away, and after some in a row lets one call in a while through, as a trial.

    Closed, all calls pass. Open, they raise `BackendUnavailable` at once; after `seconds` one of them is the trial: if
    the store answers it, the breaker closes, else it stays open for as long again. Any answer of the store counts as
    one, an error of another kind included; a wait that ends without a job is an answer too. A call that is cancelled
    counts for nothing.

    A subclass may say what counts as a failure, and what is raised.

    Safe to share between threads and event loops.

    Args:
        failures: How many calls in a row find the store away before it opens.
        seconds: From opening to the next trial.
        on_change: Called with whether it is open now, and with the error that opened it or None, after each change, by
            whoever made the call that changed it. What it raises is logged.
        window: Seconds in which so many failures have to fall, in a row or not. None: they are in a row.
        trials: How many calls are the trial: it closes when all of them were answered.
        clock: Seconds that only grow, for tests.

    Raises:
        ConfigError: A number is not positive.
    """

    #: What counts as a failure.
    failure: ClassVar[type[Exception]] = BackendUnavailable

    def __init__(
        self,
        failures: int = FAILURES,
        seconds: float = SECONDS,
        on_change: Callable[[bool, Exception | None], object] | None = None,
        *,
        window: float | None = None,
        trials: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for name, value in (("failures", failures), ("seconds", seconds), ("trials", trials)):
            if not value > 0:
                raise ConfigError(f"{name} must be > 0, not {value!r}", where="breaker")
        self._seconds, self._on_change, self._window, self._clock = seconds, on_change, window, clock
        # When the last calls failed, as many as open it.
        self._failed_at: deque[float] = deque(maxlen=failures)
        # When the next trial may be made; None while closed.
        self._trial_at: float | None = None
        # How many calls a trial is, how many more may be made of the one under way, and how many were answered.
        self._trials, self._trials_left, self._trials_good = trials, 0, 0
        self._error: Exception | None = None
        super().__init__()

    def _begin(self) -> None:
        self._lock = threading.Lock()

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
        except self.failure as exc:
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
            if left > 0 and not self._trials_left:
                raise self.refusal(min(left, self._seconds), self._error) from self._error
            if left <= 0:
                # Until this one has ended, and should it never end, for as long again.
                self._trial_at += self._seconds - left
                self._trials_left, self._trials_good = self._trials, 0
            self._trials_left -= 1
            return True

    def refusal(self, seconds: float, error: Exception | None) -> Exception:
        """Return what is raised while it is open, for that long yet, since that error."""
        return BackendUnavailable(
            f"the store was away in {self._failed_at.maxlen} calls in a row, and is not asked for another "
            f"{seconds:.1f} s: {error}"
        )

    def _failed(self, error: Exception, *, trial: bool) -> None:
        with self._lock:
            now = self._clock()
            self._failed_at.append(now)
            are_enough = len(self._failed_at) == self._failed_at.maxlen
            in_time = self._window is None or now - self._failed_at[0] <= self._window
            opened = self._trial_at is None and are_enough and in_time
            if opened or trial:
                self._trial_at, self._error, self._trials_left = now + self._seconds, error, 0
        if opened:
            self._tell(is_open=True, error=error)

    def _answered(self, *, trial: bool) -> None:
        if not trial and (self._window is not None or not self._failed_at or self.is_open):
            return  # An answer to a call made before it opened says nothing of now.
        with self._lock:
            self._trials_good += trial
            closed = trial and self._trial_at is not None and self._trials_good >= self._trials
            if closed:
                self._trial_at = self._error = None
            if not self.is_open:
                self._failed_at.clear()
        if closed:
            self._tell(is_open=False, error=None)

    def _tell(self, *, is_open: bool, error: Exception | None) -> None:
        if self._on_change:
            try:
                self._on_change(is_open, error)
            except Exception:
                log.exception("telling that the store is %s failed", "away" if is_open else "back")
