"""Jobs that end without having run: whoever waits for the result of such a task is told, as Celery tells of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from celery import Celery, signals
from celery.app.task import Context
from celery.exceptions import WorkerLostError
from celery.utils.log import get_logger
from kombu.serialization import prepare_accept_content

from ranch.celery.calls import message_of
from ranch.celery.internals.app import known_task
from ranch.celery.message import unpack
from ranch.hooks import hookimpl
from ranch.hooks.details import Cancelled, Dead, Expired
from ranch.letters import WORKER_LOST

log = get_logger(__name__)


class Endings:
    """Listens to what becomes of an app's jobs, in the process that ends them: a worker, or whoever cancels.

    One that has expired, was cancelled, or dropped to make room is REVOKED; one whose workers were lost too often is a
    FAILURE. Of what is purged Celery tells nobody, and neither does this. Each costs what the result backend takes; if
    that is away the news is lost, and logged.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app
        #: The worker's, which sends events by the dispatcher of its connection; None elsewhere.
        self.consumer: Any = None

    @hookimpl
    def ranch_expired(self, details: Expired) -> None:
        self._each(details, partial(self._revoke, "expired"))

    @hookimpl
    def ranch_cancelled(self, details: Cancelled) -> None:
        if details.how != "purged":
            self._each(details, partial(self._revoke, "revoked"))

    @hookimpl
    def ranch_dead(self, details: Dead) -> None:
        if details.death.reason == WORKER_LOST.reason:
            self._each(details, self._fail)

    def tell_duplicate(self, queue: str, payload: Mapping[str, Any], first: str) -> None:
        """Tell of a message that was not stored, for the task `first` does the same: its result is REVOKED."""
        try:
            self._revoke(f"duplicate of {first}", *self._found(payload, queue))
        except Exception:
            log.exception("could not tell that task %s is a duplicate", payload["headers"].get("id"))

    def _each(self, details: Cancelled | Dead | Expired, tell: Callable[[Any, Any], None]) -> None:
        for job in details.jobs:
            try:
                message = message_of(self._app, details.queue, job)
                tell(*self._found(message, details.queue, tag=job.id, redelivered=job.attempts > 0))
            except Exception:
                log.exception("could not tell of the end of job %s in lane %r", job.id, job.lane)

    def _found(self, payload: Any, queue: str, tag: str = "", *, redelivered: bool = False) -> tuple[Any, Context]:
        """Return the task, None if it is not the app's, and its request."""
        accept = prepare_accept_content(self._app.conf.accept_content)
        message = unpack(payload, queue=queue, tag=tag, redelivered=redelivered, accept=accept)
        _, _, embedded = message.decode()
        properties = {name: message.properties.get(name) for name in ("reply_to", "correlation_id")}
        context = Context({**message.headers, **embedded, **properties, "delivery_info": message.delivery_info})
        return known_task(self._app, message.headers["task"]), context

    def _revoke(self, reason: str, task: Any, request: Any) -> None:
        has_expired = reason == "expired"
        self._event("task-revoked", task, request, terminated=False, signum=None, expired=has_expired)
        backend = task.backend if task else self._app.backend
        backend.mark_as_revoked(request.id, reason, request=request, store_result=_is_stored(task, request))
        signals.task_revoked.send(sender=task, request=request, terminated=False, signum=None, expired=has_expired)

    def _fail(self, task: Any, request: Any) -> None:
        error = WorkerLostError(WORKER_LOST.error)
        self._event("task-failed", task, request, exception=repr(error), traceback="")
        backend = task.backend if task else self._app.backend
        backend.mark_as_failure(request.id, error, request=request, store_result=_is_stored(task, request))
        signals.task_failure.send(
            sender=task, task_id=request.id, exception=error, args=[], kwargs={}, traceback=None, einfo=None
        )

    def _event(self, name: str, task: Any, request: Any, **fields: Any) -> None:
        dispatcher = self.consumer and self.consumer.event_dispatcher
        if dispatcher and dispatcher.enabled and (task is None or task.send_events):
            dispatcher.send(name, uuid=request.id, **fields)


def _is_stored(task: Any, request: Any) -> bool:
    if task is not None and task.store_errors_even_if_ignored:
        return True
    return not (request.ignore_result or (task is not None and task.ignore_result))
