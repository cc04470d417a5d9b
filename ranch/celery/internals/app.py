"""What ranch needs of an app, before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any, Final, TypeAlias

from attrs import define
from celery import Celery
from celery.app.amqp import AMQP
from celery.utils.imports import symbol_by_name
from kombu import Queue
from kombu.common import Broadcast

from ranch.exceptions import ConfigError

#: Where Celery >= 5.5 sends a message with an ETA, if the app has quorum queues: RabbitMQ delays it there. Before the
#: routing key that it would have had stand the seconds, each bit a word.
_DELAYING: Final = "celery_delayed_27"
_DELAY_BITS: Final = 28

#: Called as ``sender(producer, name, message, **options)``.
Sender: TypeAlias = Callable[..., Any]


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


@define
class _Send:
    """One call of ``app.send_task``."""

    #: Whether the id of its task was chosen before: somebody may wait for it.
    id_was_given: bool
    #: The id of the task whose result it is to return, if that is another one than it made.
    returns: str | None = None


_under_way: Final[ContextVar[_Send | None]] = ContextVar("ranch-send", default=None)


def let_sends_return_others(app: Celery) -> None:
    """Let `send_returns` decide whose result `app.send_task`, and so all that sends a task, returns."""
    native = app.send_task

    def send_task(*args: Any, **options: Any) -> Any:
        send = _Send(id_was_given=options.get("task_id") is not None)
        token = _under_way.set(send)
        try:
            result = native(*args, **options)
        finally:
            _under_way.reset(token)
        if send.returns:
            # In place: the task that sends it has it among its children.
            result.id = send.returns
        return result

    vars(app)["send_task"] = send_task


def send_returns(task_id: str) -> bool:
    """Let the send now under way return the result of another task; return whether its own id was chosen before.

    Then somebody may wait for that: for the end of a chain, or for a ``task_id`` of their own.
    """
    send = _under_way.get()
    if send is None:
        return False
    send.returns = task_id
    return send.id_was_given


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
        if name == _DELAYING:
            return _delayed_queue(app, key.split(".", _DELAY_BITS)[-1])
        for known in app.amqp.queues.values():
            if known.exchange.name == name and known.routing_key == key and known.exchange.type == "direct":
                return str(known.name)
        return None
    queue = options.get("queue") or app.amqp.default_queue
    return queue if isinstance(queue, str) else str(queue.name)


def _delayed_queue(app: Celery, key: str) -> str | None:
    """Return the queue that a message which is to be delayed by RabbitMQ came from; None if it may be several."""
    bound = [
        known for known in app.amqp.queues.values() if known.routing_key == key and known.exchange.type != "direct"
    ]
    return str(bound[0].name) if len(bound) == 1 else None


def is_broadcast(app: Celery, options: Mapping[str, Any]) -> bool:
    """Tell whether each worker gets a copy of a message with these options."""
    queue, exchange = options.get("queue"), options.get("exchange")
    name = getattr(exchange, "name", exchange) or getattr(queue, "name", queue) or app.amqp.default_queue.name
    return any(
        isinstance(known, Broadcast) and name in {known.name, known.exchange.name} for known in app.amqp.queues.values()
    )


def task_queue(task: Any) -> str | None:
    """Return the name of the queue that a task is routed to, if nothing else is said when it is sent."""
    return _queue_of(task.app, task.name, _destination(task), task_type=task)


def signature_queue(app: Celery, signature: Any) -> str | None:
    """Return the name of the queue that a signature names, or that its task is routed to."""
    task, named = known_task(app, signature.task), signature.options.get("queue")
    chosen = {"queue": named} if named else _destination(task)
    call = {"args": signature.args, "kwargs": signature.kwargs}
    return _queue_of(app, signature.task, chosen, task_type=task, **call)


def _destination(task: Any) -> dict[str, Any]:
    names = ("queue", "exchange", "routing_key")
    return {name: value for name in names if (value := getattr(task, name, None)) is not None}


def _queue_of(app: Celery, name: str, chosen: dict[str, Any], **call: Any) -> str | None:
    # A queue that Celery makes on the way is not left behind: a worker might take it for one to consume.
    known = set(app.amqp.queues)
    try:
        return routed_queue(app, app.amqp.router.route(chosen, name, **call))
    finally:
        for made in set(app.amqp.queues) - known:
            app.amqp.queues.pop(made, None)


def consumed_queues(app: Celery) -> list[str]:
    """Return the names of the queues that a worker takes from now. Of a broadcast all workers get a copy: no lanes."""
    queues: Iterable[Queue] = app.amqp.queues.consume_from.values()
    return [str(queue.name) for queue in queues if not isinstance(queue, Broadcast)]
