"""Calls that are made again. Needs ``ranch-scheduler[resilience]``."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ParamSpec, TypeVar

from ranch.checks import checked_number
from ranch.exceptions import ConfigError, InvalidJob

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger("ranch")


def retry_with_backoff(
    max_retries: int = 3,
    base_delay: float = 0.1,
    max_delay: float = 10.0,
    exceptions: type[BaseException] | Sequence[type[BaseException]] | None = None,
    total_timeout: float | None = 30.0,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function be called again when it has failed, after longer and longer pauses, in the same place.

    That is for what passes in seconds, such as a connection that was cut. A job that fails is tried again by its
    `Retry`, which takes no worker meanwhile. What it raises last is raised.

    Args:
        max_retries: How often it is called again at most.
        base_delay: Seconds before the first retry; then twice as many, and so on. A part up to half of each is left to
            chance.
        max_delay: Seconds that a pause has at most.
        exceptions: What to retry on; by default every `Exception`.
        total_timeout: Seconds after the first call in which it may be called again; None: as long as it takes. A call
            that runs is not broken off: see `with_timeout`.

    Raises:
        ConfigError: A value cannot be, or tenacity is not installed.
    """
    try:
        import tenacity
    except ImportError as exc:
        raise ConfigError(
            "tenacity is not installed: pip install 'ranch-scheduler[resilience]'", where="retry_with_backoff"
        ) from exc
    try:
        numbers = (("max_retries", max_retries), ("base_delay", base_delay), ("max_delay", max_delay))
        for name, value in numbers:
            checked_number(value, name)
        kinds = _checked_kinds(exceptions)
        stop: Any = tenacity.stop_after_attempt(_checked_whole(max_retries) + 1)
        if total_timeout is not None:
            stop |= tenacity.stop_before_delay(checked_number(total_timeout, "total_timeout", positive=True))
    except InvalidJob as exc:
        raise ConfigError(str(exc), where="retry_with_backoff") from exc
    longer = tenacity.wait_exponential(multiplier=base_delay, max=max_delay)
    return tenacity.retry(
        stop=stop,
        wait=lambda state: longer(state) * random.uniform(0.5, 1.0),
        retry=tenacity.retry_if_exception_type(kinds),
        before_sleep=tenacity.before_sleep_log(log, logging.INFO),
        reraise=True,
    )


def _checked_whole(max_retries: object) -> int:
    if isinstance(max_retries, int):
        return max_retries
    raise InvalidJob(f"max_retries is a whole number, not {max_retries!r}")


def _checked_kinds(exceptions: object) -> tuple[type[BaseException], ...]:
    given = (Exception,) if exceptions is None else exceptions
    kinds = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise InvalidJob(f"exceptions are classes such as ConnectionError, or several in a tuple, not {kind!r}")
    return kinds
