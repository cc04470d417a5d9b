"""What ranch needs to know of a worker: its pool, its slots, what it has in hand."""

from __future__ import annotations

from collections.abc import Container
from time import monotonic
from typing import Any, Final

from celery import bootsteps
from celery.concurrency import prefork, solo
from celery.worker import state

#: Seconds.
_LOOP_STEP: Final = 0.02


def runs_inline(pool: Any) -> bool:
    """Tell whether the pool runs a task where it is given one, and nothing else meanwhile."""
    return isinstance(pool, solo.TaskPool)


def forks(pool: Any) -> bool:
    """Tell whether the pool runs tasks in processes of their own."""
    return isinstance(pool, prefork.TaskPool)


def is_running(consumer: Any) -> bool:
    """Tell whether the worker is up, and not on its way out."""
    return (
        consumer.blueprint.state == bootsteps.RUN  # type: ignore[attr-defined]  # not in the stubs
        and consumer.connection is not None
        and consumer.task_consumer is not None
        and not any(flag is not None and flag is not False for flag in (state.should_stop, state.should_terminate))
    )


def slots(consumer: Any) -> int:
    """Return how many tasks may run at a time. An autoscaled pool grows only if it is given more than it can take."""
    pool = consumer.pool
    # Only of processes the number changes: Celery < 5.7 says of greenlets how many run.
    limit: int = getattr(consumer.controller, "max_concurrency", None) or (
        pool.num_processes if forks(pool) else pool.limit
    )
    return limit


def in_pool(held: int) -> int:
    """Return how many requests the pool has, where `held` of the reserved ones were kept from it."""
    # Celery < 5.7 forgets reserved requests that run, when its broker is lost.
    return max(len(state.reserved_requests) - held, len(state.active_requests))


def was_dropped(consumer: Any, request: Any) -> bool:
    """Tell, after a loss of the broker, whether a request given to the pool will not run, or not report back."""
    if request in state.active_requests:
        return _is_forgotten(consumer, request)
    # Celery emptied the semaphore and the pool's outbox. Other pools keep what they were given.
    return getattr(consumer.controller, "semaphore", None) is not None


def drop_forgotten(consumer: Any) -> None:
    """After a loss of the broker: free the slots of tasks whose end the pool will not report."""
    if _results_of(consumer) is None:
        return
    for request in list(state.active_requests):
        if _is_forgotten(consumer, request):
            state.active_requests.discard(request)
            state.reserved_requests.discard(request)


def _is_forgotten(consumer: Any, request: Any) -> bool:
    results = _results_of(consumer)
    if results is None:
        return False
    result = request._apply_result and request._apply_result()
    return result is None or result._job not in results


def _results_of(consumer: Any) -> Any:
    """Return what a prefork pool in an event loop waits for, by number; None for another pool."""
    return getattr(getattr(consumer.pool, "_pool", None), "_cache", None) if consumer.hub else None


def let_begin(consumer: Any, held: Container[Any], timeout: float) -> None:
    """Before a worker stops: go on with its event loop until tasks that a process has got are known to have begun.

    A stopping worker forgets those. But they run; so a job would come back that has run, and their process would wait
    for half a minute to be heard.
    """
    if not consumer.hub or not forks(consumer.pool):
        return
    loop, deadline, is_late = consumer.hub.create_loop(), monotonic() + timeout, False
    while not is_late and any(
        request.time_start is None and request not in held for request in list(state.reserved_requests)
    ):
        # Before the loop's step: a process that was stopped until then still reads what has come.
        is_late = monotonic() >= deadline
        # So that the loop does not wait for longer.
        consumer.hub.call_later(_LOOP_STEP, lambda: None)
        next(loop)
