"""Tasks that use what Celery offers, for the tests that a lane changes nothing about it."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from celery import Celery, signals
from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded
from celery.worker.request import Request

from ranch.celery import LRUTask, lru_task


class NotingRequest(Request):
    """A request of the user's own."""

    def on_accepted(self, pid: int, time_accepted: float) -> None:
        super().on_accepted(pid, time_accepted)
        self.task.journal.write_word(self.id, "request accepted")


class NotingTask(LRUTask):
    """A task class of the user's own."""

    abstract = True
    Request = NotingRequest
    journal: Any = None

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        self.journal.write_word(task_id, "before start")

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
        self.journal.write_word(task_id, "success")

    def after_return(self, status: str, *args: Any) -> None:
        self.journal.write_word(args[1], "after return")


def add_feature_tasks(app: Celery, journal: Any) -> None:  # noqa: C901 - a list of tasks
    """Give an app these tasks."""

    @lru_task(app, name="noted", shared=False, base=NotingTask)
    def noted() -> str:
        return "noted"

    noted.journal = journal

    @lru_task(app, name="patient", shared=False, bind=True)
    def patient(self: LRUTask, word: str) -> str:
        try:
            journal.write(self, word)
            journal.pass_gate(word)
        except SoftTimeLimitExceeded:
            return "gave up"
        return word

    @lru_task(app, name="strict", shared=False, bind=True, acks_late=True, acks_on_failure_or_timeout=False)
    def strict(self: LRUTask, word: str) -> str:
        journal.write(self, word)
        if word == "fail":
            raise ValueError("as it should")
        journal.pass_gate(word)
        return word

    @lru_task(app, name="fragile", shared=False, bind=True, acks_late=True, reject_on_worker_lost=True)
    def fragile(self: LRUTask) -> str:
        journal.write(self, "fragile")
        if not self.request.delivery_info["redelivered"]:
            os.kill(os.getpid(), signal.SIGKILL)
        return "whole"

    @lru_task(app, name="dies", shared=False, bind=True)
    def dies(self: LRUTask) -> None:
        journal.write(self, "dies")
        os.kill(os.getpid(), signal.SIGKILL)

    @lru_task(app, name="numbered", shared=False, acks_late=True)
    def numbered(number: int) -> None:
        journal.count(number)

    @lru_task(app, name="total", shared=False)
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @lru_task(app, name="stubborn", shared=False, bind=True, autoretry_for=(KeyError,), retry_backoff=False)
    def stubborn(self: LRUTask) -> int:
        journal.write(self, "stubborn")
        if self.request.retries < 2:
            raise KeyError("not yet")
        return self.request.retries

    stubborn.default_retry_delay = 0

    def timed(self: LRUTask, word: str) -> str:
        journal.write(self, f"{word} begins")
        journal.pass_gate(word)
        time.sleep(0.2)
        journal.write(self, f"{word} ends")
        return word

    lru_task(app, name="timed", shared=False, bind=True)(timed)
    lru_task(app, name="timed-late", shared=False, bind=True, acks_late=True)(timed)

    @lru_task(app, name="rejects", shared=False, bind=True, acks_late=True)
    def rejects(self: LRUTask, requeue: bool) -> str:
        journal.write(self, "rejects")
        if not self.request.delivery_info["redelivered"]:
            raise Reject("not now", requeue=requeue)
        return "taken"

    @lru_task(app, name="signalled", shared=False, bind=True, max_retries=1, default_retry_delay=0)
    def signalled(self: LRUTask, fails: bool) -> None:
        if not self.request.retries:
            raise self.retry()
        if fails:
            raise ValueError("as it should")

    @lru_task(app, name="ignores", shared=False, bind=True, acks_late=True)
    def ignores(self: LRUTask) -> None:
        journal.write(self, "ignores")
        raise Ignore


def note_signals(app: Celery, journal: Any) -> None:
    """Have it noted which signals are sent in this process about the task `signalled`."""

    def note(name: str) -> None:
        def on_signal(sender: Any, task_id: str = "", request: Any = None, **_: Any) -> None:
            # The sender of one is the worker, and what it says of the task is in the request.
            task = request.task if name == "task_received" else sender
            if task.name == "signalled":
                twin = "" if task is app.tasks["signalled"] else " of a twin"
                journal.write_word(task_id or (request or sender.request).id, name + twin)

        getattr(signals, name).connect(on_signal, weak=False)

    for event in ("received", "prerun", "success", "retry", "failure", "revoked", "postrun"):
        note(f"task_{event}")
