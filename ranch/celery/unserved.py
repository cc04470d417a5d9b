"""Queues whose jobs no worker takes: one without ranch does not see them."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import Any, Final

from attrs import frozen
from celery import Celery
from celery.utils.log import get_logger

from ranch.celery.embedding import Ranch
from ranch.celery.internals.app import task_queue
from ranch.queue import Queue

log = get_logger(__name__)

#: Seconds for workers to answer.
ANSWERS_WITHIN: Final = 1.0
#: Seconds after the start of a worker before it looks, so that others that start with it are there.
BEFORE_LOOKING: Final = 5.0
#: How often it looks, as long after the time before, until it hears itself: while it runs a task inline it does not.
LOOKS: Final = 12


@frozen(kw_only=True)
class Unserved:
    """A queue that holds jobs, and that none of the workers takes from."""

    queue: str
    #: How many wait, those that wait for their time included.
    jobs: int
    #: How many workers with ranch have answered.
    workers: int

    def __str__(self) -> str:
        jobs = "1 job waits" if self.jobs == 1 else f"{self.jobs} jobs wait"
        if not self.workers:
            asked = "no worker with ranch has answered"
        elif self.workers == 1:
            asked = "the one worker with ranch that answered does not take from it"
        else:
            asked = f"none of the {self.workers} workers with ranch that answered takes from it"
        return f"{jobs} in lanes of queue {self.queue!r}, and {asked}"


class RunningWorkers:
    """The workers of an app, as far as they answer; they are asked once, when it first matters.

    That takes one second.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app

    @cached_property
    def queues(self) -> dict[str, set[str]]:
        """The workers with ranch, each with the queues that it takes from."""
        # Not one of the app's pool. A worker's next child closes those, and would first read from one that has waited
        # for answers, in the worker's place: with Redis for a broker it never came up.
        with self._app.connection_for_write() as connection:
            replies: list[dict[str, Any]] = (
                self._app.control.broadcast("ranch", reply=True, timeout=ANSWERS_WITHIN, connection=connection) or []
            )
        reports = {name: report for reply in replies for name, report in reply.items()}
        # One without ranch answers with an error.
        return {name: set(report["queues"]) for name, report in reports.items() if "queues" in report}

    def leaves(self, queue: Queue) -> Unserved | None:
        """Tell how many jobs of a queue wait, if no worker takes from it; else None. One round trip."""
        stats = queue.stats()
        jobs = stats.pending + stats.delayed
        if not jobs or any(queue.name in taken for taken in self.queues.values()):
            return None
        return Unserved(queue=queue.name, jobs=jobs, workers=len(self.queues))


def known_queues(app: Celery) -> list[str]:
    """Return the queues that an app names: those it declares or sets something for, and where its tasks go.

    No round trip. Not for another thread than that of the app's worker: Celery makes queues on the way.
    """
    config = Ranch(app).config
    names: dict[str | None, None] = dict.fromkeys([*app.amqp.queues, *config.strategies, *config.weight_functions])
    for task in list(app.tasks.values()):
        try:
            names[task_queue(task)] = None
        except Exception as exc:  # noqa: BLE001 - a router of the user's, which may want arguments
            log.debug("cannot tell the queue of task %s: %r", task.name, exc)
    return [name for name in names if name]


def warn_of_unserved(app: Celery, worker: str, stopped: threading.Event) -> None:
    """Some seconds after a worker has started, log the queues whose jobs no worker takes; in a thread.

    A worker that does not hear itself cannot tell, and says nothing; it looks again some times.
    """
    queues = known_queues(app)

    def look() -> None:
        for _ in range(LOOKS):
            if stopped.wait(BEFORE_LOOKING) or _could_tell(app, worker, queues):
                return

    threading.Thread(target=look, daemon=True, name="ranch-unserved").start()


def _could_tell(app: Celery, worker: str, queues: list[str]) -> bool:
    """Log the queues whose jobs no worker takes; return whether the worker could tell."""
    workers = RunningWorkers(app)
    try:
        found = [workers.leaves(Ranch(app).queue(name)) for name in queues]
        if any(found) and worker not in workers.queues:
            log.debug("the worker cannot hear itself, so it does not know whether all queues have workers")
            return False
    except Exception as exc:  # noqa: BLE001 - a worker works without this
        log.debug("cannot tell whether all queues have workers: %r", exc)
        return False
    for each in filter(None, found):
        log.warning("%s", each)
    return True
