"""One job from its lease to its end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Literal, TypeAlias

from attrs import frozen

from ranch.aqueue import AsyncQueue
from ranch.context import lane as in_lane
from ranch.exceptions import (
    BackendUnavailable,
    DecodeError,
    FunctionResolutionError,
    InvalidJob,
    JobTimeout,
    RanchError,
)
from ranch.letters import told
from ranch.model import Lease
from ranch.retry import Retry
from ranch.tasks import Task, TaskCall, path_of
from ranch.tasks.call import StoredCallback
from ranch.worker.desk import Desk, Pause
from ranch.worker.processes import Processes
from ranch.worker.threads import Threads

log = logging.getLogger("ranch")

#: What is told of the end of a job.
Notice: TypeAlias = "Task[Any, Any] | StoredCallback"
#: What became of a job.
Outcome = Literal["done", "failed"]


class _CannotRun(Exception):
    """A job that no attempt can run: why, in the words of its dead letter."""

    def __init__(
        self, reason: str, error: Exception, call: TaskCall | None = None, task: Task[..., Any] | None = None
    ) -> None:
        super().__init__(reason)
        self.reason, self.error = reason, error
        #: Who is to be told, as far as it could be read.
        self.call = call
        self.on_failure = (call and call.on_failure) or (task and task.on_failure)


@frozen
class Execution:
    """Runs jobs, and says how they ended."""

    desk: Desk
    pool: Threads | Processes
    #: Modules whose functions may be run without being tasks.
    allow: tuple[str, ...]
    #: Seconds that a job may run, if nothing else is said of it.
    timeout: float | None = None

    @property
    def _queue(self) -> AsyncQueue:
        return self.desk.queue

    async def run(self, lease: Lease) -> Outcome:
        """Run a job, and settle it.

        Raises:
            asyncio.CancelledError: It is to be given back: it was not settled.
        """
        began = time.monotonic()
        try:
            task, call = self._prepared(lease)
        except DecodeError as exc:
            return await self._settled("failed", lease, partial(self._queue.fail, [lease], exc))
        except _CannotRun as exc:
            return await self._cannot_run(lease, exc)
        try:
            with in_lane(lease.job.lane):
                result = await self._called(lease, task, call)
        except GeneratorExit:  # the event loop was closed
            raise
        except BaseException as exc:
            # Whatever a job may raise; its own code may cancel something, too.
            if self.desk.hurry and isinstance(exc, asyncio.CancelledError):
                raise
            return await self._failed(lease, exc, task, call, time.monotonic() - began)
        return await self._done(lease, task, call, result)

    def _prepared(self, lease: Lease) -> tuple[Task[..., Any], TaskCall]:
        try:
            call = TaskCall.of(lease.job.payload)
        except InvalidJob as exc:
            raise _CannotRun("not a task", exc) from exc
        try:
            task = self._queue.tasks.resolve(call.task, self.allow)
        except FunctionResolutionError as exc:
            raise _CannotRun(exc.reason, exc, call) from exc
        try:
            task.fits(call.args, call.kwargs)
        except InvalidJob as exc:
            raise _CannotRun("arguments do not fit", exc, call, task) from exc
        if task.is_coroutine and isinstance(self.pool, Processes):
            why = FunctionResolutionError(call.task, "is a coroutine function, and the pool 'process' runs none")
            raise _CannotRun("not runnable", why, call, task)
        return task, call

    async def _called(self, lease: Lease, task: Task[..., Any], call: TaskCall) -> Any:
        timeout = call.timeout or task.timeout or self.timeout
        if task.is_coroutine:
            return await _awaited(task.function(*call.args, **call.kwargs), timeout)
        if isinstance(self.pool, Processes):
            path = path_of(task.function)
            return await self.pool.run(path, call.args, call.kwargs, lease.job.lane, timeout)
        result = await self.pool.run(partial(task.function, *call.args, **call.kwargs), timeout)
        # Of a coroutine function inside of a plain decorator.
        return await _awaited(result, timeout) if asyncio.iscoroutine(result) else result

    async def _done(self, lease: Lease, task: Task[..., Any], call: TaskCall, result: Any) -> Outcome:
        if callback := call.on_success or task.on_success:
            try:
                await self._call_back(callback, lease, call, result=result)
            except RanchError as exc:
                # Such as a result that cannot be written. The job was done, so it is not tried again.
                bury = partial(self._queue.bury, [lease], "on_success failed", error=exc, kind="failure")
                return await self._settled("failed", lease, bury)
        self.desk.ack(lease, result)
        return "done"

    async def _failed(
        self, lease: Lease, error: BaseException, task: Task[..., Any], call: TaskCall, took: float
    ) -> Outcome:
        job, queue = lease.job, self._queue.tasks.operations
        log.warning("job %s of lane %r, %s, failed: %r", job.id, job.lane, call.task, error)
        # By the backend's clock: the lease began so long before its deadline.
        elapsed = lease.deadline - queue.lasting(lease) + took - job.enqueued_at
        try:
            delay = (call.retry or task.retry or queue.retry).delay(job.failures + 1, elapsed)
        except Exception:
            log.exception("job %s: the function of its retry failed, so it is given up", job.id)
            delay = None
        if delay is None:
            await self._tell(call.on_failure or task.on_failure, lease, call, error)
            settle = partial(self._queue.bury, [lease], "failed", error=error, kind="failure")
        else:
            # Said once, here: asked again, a retry with jitter may say something else.
            again = Retry.fixed(delay, max_attempts=None)
            settle = partial(self._queue.fail, [lease], error, retry=again)
        return await self._settled("failed", lease, settle)

    async def _cannot_run(self, lease: Lease, why: _CannotRun) -> Outcome:
        log.error("job %s of lane %r cannot be run: %s", lease.job.id, lease.job.lane, why.error)
        if why.call:
            await self._tell(why.on_failure, lease, why.call, why.error)
        return await self._settled("failed", lease, partial(self._queue.bury, [lease], why.reason, error=why.error))

    async def _tell(self, on_failure: Notice | None, lease: Lease, call: TaskCall, error: BaseException) -> None:
        if on_failure:
            try:
                await self._call_back(on_failure, lease, call, error=told(error))
            except RanchError:
                log.exception("job %s: its on_failure could not be enqueued", lease.job.id)

    async def _settled(self, outcome: Outcome, lease: Lease, how: Callable[[], Awaitable[None]]) -> Outcome:
        await self.desk.settle([lease], how)
        return outcome

    async def _call_back(self, callback: Notice, lease: Lease, call: TaskCall, **outcome: Any) -> None:
        """Put the call of a callback into its lane, before the job is settled: so it is there at least once."""
        job = lease.job
        if isinstance(callback, str):
            # Where it is a task of this queue, what it says of its lane holds.
            with suppress(FunctionResolutionError):
                callback = self._queue.tasks.resolve(callback, ())
        data = {
            "job": job.id,
            "lane": job.lane,
            "task": call.task,
            "args": call.args,
            "kwargs": call.kwargs,
            **outcome,
        }
        pause = Pause()
        while True:
            try:
                if isinstance(callback, Task):
                    await callback.aenqueue(callback.lane or job.lane, data)
                else:
                    said = {"task": callback} if isinstance(callback, str) else callback
                    await self._queue.enqueue_call(**{"lane": job.lane, **said, "args": [data]})
                return
            except BackendUnavailable:
                if self.desk.hurry:
                    raise
                await pause.wait()


async def _awaited(coroutine: Any, timeout: float | None) -> Any:
    """Await a coroutine, and cancel it after `timeout` seconds."""
    if timeout is None:
        return await _guarded(coroutine)
    running = asyncio.ensure_future(_guarded(coroutine))
    try:
        done, _ = await asyncio.wait({running}, timeout=timeout)
        if not done:
            running.cancel()
            await asyncio.wait({running})
            raise JobTimeout(timeout)
    except asyncio.CancelledError:
        running.cancel()
        await asyncio.wait({running})
        raise
    return running.result()


async def _guarded(coroutine: Any) -> Any:
    try:
        return await coroutine
    except (SystemExit, KeyboardInterrupt) as exc:
        # A task that raises one of these ends the event loop.
        raise RuntimeError(f"the job raised {exc!r}") from exc
