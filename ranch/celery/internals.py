"""Every undocumented name of Celery that ranch touches, in one place.

======================================  ==================================================================
name                                    what for
======================================  ==================================================================
``AMQP._create_task_sender``            makes the function that every message to a task passes on its way
                                        to the broker: the one place to put it into a lane instead
``app.__dict__["amqp"]``                whether the app has made its AMQP object already
``app.current_worker_task``             the task that the worker runs in this thread, and its request
``app.producer_or_acquire``             a group borrows a producer, and lends it to each send: so a group can be
                                        told from its messages, and stored as one
``WorkController.process_task``         takes a request to the pool; the worker's consumer is given it
``consumer.strategies``                 makes a request of a message, by the task's name
``consumer.on_unknown_task`` and        what becomes of a message that makes no request
``on_invalid_task``, ``on_decode_error``
``consumer.on_task_message``            callbacks that want to see each request (the autoscaler's)
``consumer.task_consumer.accept``       content types that the worker reads
``consumer.call_soon``                  after the events that the loop has at hand now
``worker.max_concurrency``              how far the autoscaler may grow the pool
``worker.semaphore``                    there, if requests may wait for the pool
``hub.create_loop``                     the worker's event loop, step by step
``state.should_stop``                   and ``should_terminate``: the worker is on its way out
``Request.on_success``, ``on_failure``  shadowed on the instance, for the end of an execution;
and ``on_timeout``                      ``execute_using_pool`` passes them to the pool as ``self.on_…``
``pool._pool._cache``, ``ApplyResult._job``  Celery < 5.6.3 forgets running tasks when its broker is lost:
and ``Request._apply_result``           these show which
======================================  ==================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import AbstractContextManager
from time import monotonic
from typing import Any, Final, TypeAlias

from celery import Celery, bootsteps
from celery.app.amqp import AMQP
from celery.concurrency import prefork, solo
from celery.exceptions import InvalidTaskError
from celery.utils.imports import symbol_by_name
from celery.worker import state
from kombu import Queue
from kombu.common import Broadcast
from kombu.exceptions import ContentDisallowed, DecodeError

from ranch.exceptions import ConfigError

#: Called as ``sender(producer, name, message, **options)``.
Sender: TypeAlias = Callable[..., Any]

#: Seconds.
_LOOP_STEP: Final = 0.02

_END_OF_EXECUTION: Final = ("on_success", "on_failure", "on_timeout")


# The app


class WrappedSenderAMQP(AMQP):
    """An AMQP class whose messages to tasks pass `wrap_sender`."""

    def wrap_sender(self, native: Sender) -> Sender:
        """Return what sends messages instead of Celery's own sender."""
        return native

    def _create_task_sender(self) -> Sender:
        # Not in the stubs.
        return self.wrap_sender(super()._create_task_sender())  # type: ignore[misc]


def use_amqp(app: Celery, cls: type[AMQP]) -> None:
    """Make `cls` the app's AMQP class, by its name, so that it survives pickling.

    Raises:
        ConfigError: The app has an AMQP class of its own.
    """
    chosen = symbol_by_name(app.amqp_cls)  # type: ignore[arg-type]  # a class, or the name of one
    if not issubclass(chosen, cls):
        name = f"{cls.__module__}.{cls.__qualname__}"
        if chosen is not AMQP:
            raise ConfigError(
                f"the app has the AMQP class {chosen.__module__}.{chosen.__qualname__}, where ranch needs its own: "
                f"let yours inherit from {name}",
                where="app.amqp_cls",
            )
        app.amqp_cls = f"{cls.__module__}:{cls.__qualname__}"
    made = vars(app).get("amqp")
    if made is not None and not isinstance(made, cls):
        # What was set up on it stays, such as the queues that a worker was told to take from.
        made.__class__ = cls
        vars(made).pop("send_task_message", None)


def scope_producers(app: Celery, scope: Callable[[Any], AbstractContextManager[Any]]) -> None:
    """Let `scope` enclose each loan of a producer: called with what ``app.producer_or_acquire`` returns."""
    native = app.producer_or_acquire
    vars(app)["producer_or_acquire"] = lambda producer=None: scope(native(producer))


def known_task(app: Celery, name: str) -> Any:
    """Return a task of the app, None if it has none of this name: then it is another app's, sent by name."""
    # Looking at its tasks finishes the app, unless its owner wants to do that.
    finished = app.finalized or app.autofinalize  # type: ignore[attr-defined]  # not in the stubs
    return app.tasks.get(name) if finished else None


def routed_queue(app: Celery, options: Mapping[str, Any]) -> str | None:
    """Return the name of the queue that a message with these options goes to; None if only the broker knows."""
    exchange, key = options.get("exchange"), options.get("routing_key")
    if exchange and key:
        # The queue that Celery's router adds to such options says nothing: the message goes to the exchange.
        name = getattr(exchange, "name", exchange)
        for known in app.amqp.queues.values():
            if known.exchange.name == name and known.routing_key == key and known.exchange.type == "direct":
                return str(known.name)
        return None
    queue = options.get("queue") or app.amqp.default_queue
    return queue if isinstance(queue, str) else str(queue.name)


def task_queue(task: Any) -> str | None:
    """Return the name of the queue that a task is routed to, if nothing else is said when it is sent.

    A queue that Celery makes on the way is not left behind: a worker might take it for one to consume.
    """
    app = task.app
    chosen = {
        name: value for name in ("queue", "exchange", "routing_key") if (value := getattr(task, name, None)) is not None
    }
    known = set(app.amqp.queues)
    try:
        return routed_queue(app, app.amqp.router.route(chosen, task.name, task_type=task))
    finally:
        for name in set(app.amqp.queues) - known:
            app.amqp.queues.pop(name, None)


def consumed_queues(app: Celery) -> list[str]:
    """Return the names of the queues that a worker takes from now. Of a broadcast all workers get a copy: no lanes."""
    queues: Iterable[Queue] = app.amqp.queues.consume_from.values()
    return [str(queue.name) for queue in queues if not isinstance(queue, Broadcast)]


# The worker


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
    limit: int = getattr(consumer.controller, "max_concurrency", None) or consumer.pool.num_processes
    return limit


def in_pool(held: int) -> int:
    """Return how many requests the pool has, where `held` of the reserved ones were kept from it."""
    # Celery < 5.7 forgets reserved requests that run, when its broker is lost.
    return max(len(state.reserved_requests) - held, len(state.active_requests))


def was_turned_away(request: Any) -> bool:
    """Tell, of a request that was to go to the pool, whether it ended on the way: it was revoked, or had expired."""
    # A pool of threads may have begun or ended it by now; then it has a start.
    return request.time_start is None and request not in state.reserved_requests


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
    loop, deadline = consumer.hub.create_loop(), monotonic() + timeout
    while monotonic() < deadline and any(
        request.time_start is None and request not in held for request in list(state.reserved_requests)
    ):
        # So that the loop does not wait for longer.
        consumer.hub.call_later(_LOOP_STEP, lambda: None)
        next(loop)


# A request


def hook_end(request: Any, ended: Callable[[Any], None]) -> None:
    """Call `ended(request)` once when the execution of a request has come to its end, whatever that is."""

    def wrapped(name: str) -> Callable[..., Any]:
        method = getattr(request, name)

        def callback(*args: Any, **kwargs: Any) -> Any:
            try:
                return method(*args, **kwargs)
            finally:
                is_soft_limit = name == "on_timeout" and args[0]
                # One end may be reported more than once: a hard time limit also as the loss of its process.
                if not is_soft_limit and unhook_end(request):
                    ended(request)

        return callback

    vars(request).update({name: wrapped(name) for name in _END_OF_EXECUTION})


def unhook_end(request: Any) -> bool:
    """Undo `hook_end`; return whether there was something to undo.

    Left in place it would keep the request alive, in a cycle, and the sets of the worker's state show it.
    """
    hooked = [vars(request).pop(name, None) for name in _END_OF_EXECUTION]
    return any(hooked)


def hand_over(consumer: Any, message: Any, on_ack: Callable[..., None], on_reject: Callable[..., None]) -> None:
    """Give a message to the worker as if it had come from the broker: what the consumer's own task handler does."""
    try:
        strategy = consumer.strategies[message.headers["task"]]
    except KeyError as exc:
        consumer.on_unknown_task(None, message, exc)
        return
    try:
        strategy(message, None, on_ack, on_reject, consumer.on_task_message)
    except (InvalidTaskError, ContentDisallowed) as exc:
        consumer.on_invalid_task(None, message, exc)
    except DecodeError as exc:
        consumer.on_decode_error(message, exc)
