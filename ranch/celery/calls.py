"""Jobs whose payload is the call of a task, and no message so far: of schedules, and of whoever has no Celery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID, uuid5

from celery import Celery, Signature
from kombu import serialization

from ranch.celery.message import pack
from ranch.celery.naming import LANE_HEADER
from ranch.exceptions import DecodeError, InvalidJob, SerializationError
from ranch.model import Job
from ranch.tasks import TaskCall

_NAMESPACE: Final = UUID("f175e3ac-6145-4d85-829f-e7b77f0fba67")


def call_of(signature: Signature[Any]) -> TaskCall:
    """Return what a signature calls.

    Raises:
        InvalidJob: It is no single task, or has options that a call cannot keep.
    """
    options = {name: value for name, value in signature.options.items() if name not in {"queue", "time_limit"}}
    if signature.subtask_type or options:
        what = f"a {signature.subtask_type}" if signature.subtask_type else f"the options {', '.join(options)}"
        raise InvalidJob(
            f"a schedule calls one task, with the options queue and time_limit at most, and {signature!r} is or has "
            f"{what}: give options to the task itself, or let Celery beat send it"
        )
    limit = signature.options.get("time_limit")
    return TaskCall(task=signature.task, args=list(signature.args), kwargs=signature.kwargs, timeout=limit)


def message_of(app: Celery, queue: str, job: Job) -> Any:
    """Return the payload of a job as a message: as it is, or made of the call of a task.

    Args:
        app: Whose settings a call becomes a message with, as for ``app.send_task``.
        queue: Where the job is.
        job: Its payload is what `pack` returns, or what `Queue.enqueue_call` stores: a mapping of ``task``, ``args``,
            ``kwargs`` and, as a hard time limit, ``timeout``.

    Raises:
        SerializationError: The payload cannot be decoded, or is a call that Celery cannot make.
    """
    payload = job.payload
    if not _is_call(payload):
        return payload
    try:
        call = TaskCall.of(payload)
    except InvalidJob as exc:
        raise SerializationError(str(exc)) from exc
    if call.on_success or call.on_failure:
        raise SerializationError(f"a Celery worker knows no on_success and on_failure, as the call of {call.task} has")
    limit: Any = call.timeout  # the stubs say int
    message = app.amqp.as_task_v2(task_of(queue, job), call.task, tuple(call.args), call.kwargs, time_limit=limit)
    content_type, content_encoding, body = serialization.dumps(message.body, app.conf.task_serializer)
    return pack(
        body,
        content_type=content_type,
        content_encoding=content_encoding,
        headers={**message.headers, LANE_HEADER: job.lane},
        properties={**message.properties, "delivery_mode": 2, "priority": 0},
    )


def task_of(queue: str, job: Job) -> Any:
    """Return the id of the task that a job runs; None if the job is no message to a task.

    Of a call it is made of the job, so that each attempt at it has the same.
    """
    try:
        payload = job.payload
        if _is_call(payload):
            return str(uuid5(_NAMESPACE, f"{queue} {job.id} {job.enqueued_at}"))
        return payload["headers"]["id"]
    except (DecodeError, KeyError, TypeError):
        return None


def _is_call(payload: Any) -> bool:
    return isinstance(payload, Mapping) and "task" in payload and "headers" not in payload
