"""How messages come to a worker, become requests, and end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from celery.exceptions import InvalidTaskError
from celery.worker import state
from kombu import Queue
from kombu.common import Broadcast
from kombu.exceptions import ContentDisallowed, DecodeError

from ranch.exceptions import SerializationError

_END_OF_EXECUTION: Final = ("on_success", "on_failure", "on_timeout")


def filter_messages(consumer: Any, receive: Callable[[Any, Callable[[Any], None]], None]) -> None:
    """Let `receive` have each message of the broker, and what the worker would do with it."""
    native = consumer.create_task_handler

    def create_task_handler(*args: Any, **kwargs: Any) -> Callable[[Any], None]:
        handle = native(*args, **kwargs)
        return lambda message: receive(message, handle)

    consumer.create_task_handler = create_task_handler


def source_queue(consumer: Any, message: Any) -> str | None:
    """Return the name of the queue that a message of the broker came from; None of a broadcast.

    Not all brokers say it. Then it is the queue that is bound to what the message was sent to, else one of those that
    the worker takes from.
    """
    sent = message.delivery_info
    queues: list[Queue] = list(consumer.app.amqp.queues.consume_from.values())
    tag, tags = sent.get("consumer_tag"), consumer.task_consumer._active_tags

    def likeliness(queue: Queue) -> int:
        if tag is not None and tags.get(queue.name) == tag:
            return 3
        if queue.exchange.name == sent.get("exchange"):
            return 2 if queue.routing_key == sent.get("routing_key") or isinstance(queue, Broadcast) else 0
        return int(queue.name == sent.get("routing_key"))

    queue = max(queues, key=likeliness)
    return None if isinstance(queue, Broadcast) else str(queue.name)


def hook_end(request: Any, ended: Callable[[Any], None]) -> None:
    """Call `ended(request)` once when the execution of a request has come to its end, whatever that is."""

    def wrapped(name: str) -> Callable[..., Any]:
        method = getattr(request, name)

        def callback(*args: Any, **kwargs: Any) -> Any:
            try:
                return method(*args, **kwargs)
            finally:
                # Pools of processes name it, those of greenlets do not.
                is_soft_limit = name == "on_timeout" and kwargs.get("soft", *args[:1])
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


class LateStrategies:
    """A worker's strategies, which make requests of messages, but for requests that are acknowledged late.

    Each is the task's own strategy, made for a twin of the task that differs in nothing but `acks_late`: so all of
    Celery's rules for late acknowledgement hold.
    """

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        # By the task's name: the worker's own strategy, and ours. It makes its own anew when its pool is restarted.
        self._made: dict[str, tuple[Any, Any]] = {}

    def __getitem__(self, name: str) -> Any:
        native = self._consumer.strategies[name]
        made = self._made.get(name)
        if made is None or made[0] is not native:
            made = self._made[name] = native, self._late(self._consumer.app.tasks[name], native)
        return made[1]

    def _late(self, task: Any, native: Any) -> Any:
        if task.acks_late:
            return native
        twin = object.__new__(type(task))
        vars(twin).update(vars(task), acks_late=True)
        return twin.start_strategy(self._consumer.app, self._consumer)


def hand_over(
    consumer: Any, strategies: Any, message: Any, on_ack: Callable[..., None], on_reject: Callable[..., None]
) -> None:
    """Give a message to the worker as if it had come from the broker: what the consumer's own task handler does.

    Raises:
        SerializationError: Its body is no call; Celery's worker would end with an error.
    """
    try:
        strategy = strategies[message.headers["task"]]
    except KeyError as exc:
        consumer.on_unknown_task(None, message, exc)
        return
    try:
        match message.payload:
            case [_, _, _] | {"args": _}:
                pass
            case body:
                raise SerializationError(f"the body of a message is [args, kwargs, embed], not {body!r:.200}")
        strategy(message, None, on_ack, on_reject, consumer.on_task_message)
    except (InvalidTaskError, ContentDisallowed) as exc:
        consumer.on_invalid_task(None, message, exc)
    except DecodeError as exc:
        consumer.on_decode_error(message, exc)


def batch_of(consumer: Any, message: Any) -> tuple[Any, int]:
    """Return a message's task, by name, and how many messages make one execution of it: with celery-batches many."""
    name = message.headers.get("task")
    task = consumer.app.tasks.get(name)
    # Celery's own strategy, which makes an execution of each, is known by its name.
    buffers = task is not None and not isinstance(task.Strategy, str)
    return name, max(1, getattr(task, "flush_every", 1)) if buffers else 1


def has_begun_early(request: Any) -> bool:
    """Tell whether a request runs that is acknowledged when it starts. None is one that was not made yet."""
    return request is not None and request.time_start is not None and not request.task.acks_late


def was_turned_away(request: Any) -> bool:
    """Tell, of a request that was to go to the pool, whether it ended on the way: it was revoked, or had expired."""
    # A pool of threads may have begun or ended it by now; then it has a start.
    return request.time_start is None and request not in state.reserved_requests
