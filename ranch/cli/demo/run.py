"""One run of the demo: a fresh worker, all jobs sent, all results read back, every execution counted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from attrs import define, field, frozen
from celery import Celery

from ranch.cli.demo.app import TASK, Setup, build
from ranch.cli.demo.interrupt import Interrupts
from ranch.cli.demo.worker import Worker, running, tail
from ranch.queue import Queue

#: The lane that floods the queue.
BULK: Final = "bulk"
#: The lanes whose users wait, in the order in which they send.
INTERACTIVE: Final = ("checkout", "signup", "support")
#: How many jobs each interactive lane sends.
EACH: Final = 5
#: How long a job takes, in seconds.
SECONDS: Final = 0.02

#: How long no job may start before the rest is given up, in seconds.
_STALL: Final = 10.0
_PAUSE: Final = 0.02
#: How long to wait for a result of a job that ran, and for the store to be empty, in seconds.
_RESULT: Final = 5.0
#: How long to look for second executions after the last result, in seconds.
_QUIET: Final = 0.5
_NAMED: Final = 3


@frozen
class Job:
    """A job that ran, with its times in seconds since the first job of the run was sent."""

    lane: str
    sent: float
    started: float
    ended: float

    @property
    def wait(self) -> float:
        """From enqueueing to the start."""
        return self.started - self.sent


@frozen
class Run:
    """What happened."""

    #: In the order of service.
    jobs: Sequence[Job]
    #: All that went wrong, in sentences. Empty: each job ran exactly once and its result came back under its id.
    problems: Sequence[str]
    #: The end of what the worker said.
    log: str = ""

    @property
    def end(self) -> float:
        """When the last job was done."""
        return max((job.ended for job in self.jobs), default=0.0)


class Progress(Protocol):
    """Who wants to know how far a run is."""

    def sent(self, lane: str) -> None: ...

    def started(self, lane: str) -> None: ...


@frozen
class _Sent:
    lane: str
    at: float
    result: Any


@define
class _Log:
    """The record of executions, read as it grows."""

    _setup: Setup
    #: How often each id was executed.
    counts: Counter[str] = field(factory=Counter)
    _read: int = 0

    def new(self) -> Iterator[str]:
        """Yield the lane of each execution that began since the last look."""
        if not self._setup.executions.exists():
            return
        with self._setup.executions.open("rb") as file:
            file.seek(self._read)
            lines = file.read().splitlines(keepends=True)
        for line in lines:
            if not line.endswith(b"\n"):
                return
            job_id, lane, _ = line.decode().split()
            self._read += len(line)
            self.counts[job_id] += 1
            yield lane


def plan(bulk: int) -> list[str]:
    """Return the lanes in the order of sending: the flood first, then everybody else, in turn."""
    return [BULK] * bulk + [*INTERACTIVE] * EACH


def run(setup: Setup, lanes: Sequence[str], store: Queue, progress: Progress, interrupts: Interrupts) -> Run:
    """Send one job for each of `lanes`, watch them being done, and read their results.

    Args:
        setup: What the jobs run in.
        lanes: The lanes of the jobs, in the order of sending.
        store: Ranch's queue, to see that all jobs have left it.
        progress: Told of each job.
        interrupts: Asked all the time.

    Raises:
        WorkerFailed: The worker did not start, or ended early.
        Interrupted: The user wants to leave.
    """
    app = build(setup)
    log = _Log(setup)
    sent: dict[str, _Sent] = {}
    try:
        with running(setup, interrupts) as worker:
            for lane in lanes:
                interrupts.check()
                job = _send(app, lane, laned=bool(setup.backend))
                sent[job.result.id] = job
                progress.sent(lane)
                _watch(log, progress)
            _wait(log, set(sent), worker, progress, interrupts)
            jobs, problems = _collect(sent, log.counts, interrupts)
            problems += _leftovers(store, interrupts)
            _settle(log, progress, interrupts)
        return Run(jobs, [*_miscounts(sent, log.counts), *problems], tail(setup.log))
    finally:
        app.close()


def _send(app: Celery, lane: str, *, laned: bool) -> _Sent:
    options: Mapping[str, Any] = {"lane": lane} if laned else {}
    at = time.monotonic()
    return _Sent(lane, at, app.tasks[TASK].apply_async((lane, SECONDS), **options))


def _watch(log: _Log, progress: Progress) -> bool:
    lanes = list(log.new())
    for lane in lanes:
        progress.started(lane)
    return bool(lanes)


def _wait(log: _Log, ids: set[str], worker: Worker, progress: Progress, interrupts: Interrupts) -> None:
    """Return when each job was executed, or none has started for a long time."""
    last = time.monotonic()
    while not ids <= log.counts.keys() and time.monotonic() < last + _STALL:
        interrupts.check()
        worker.check()
        if _watch(log, progress):
            last = time.monotonic()
        time.sleep(_PAUSE)


def _settle(log: _Log, progress: Progress, interrupts: Interrupts) -> None:
    """Give the worker the time to do something twice."""
    until = time.monotonic() + _QUIET
    while time.monotonic() < until:
        interrupts.check()
        _watch(log, progress)
        time.sleep(_PAUSE)


def _collect(
    sent: Mapping[str, _Sent], counts: Mapping[str, int], interrupts: Interrupts
) -> tuple[list[Job], list[str]]:
    zero = min(job.at for job in sent.values())
    jobs, wrong = [], []
    for job_id, job in sent.items():
        interrupts.check()
        if job_id not in counts:
            continue
        try:
            result = _read(job.result)
        except Exception as exc:  # noqa: BLE001 - whatever a result backend raises is what went wrong
            wrong.append(f"no result of {job_id} in lane {job.lane}: {type(exc).__name__}: {exc}")
        else:
            if (result["id"], result["lane"]) == (job_id, job.lane):
                jobs.append(Job(job.lane, job.at - zero, result["started"] - zero, result["ended"] - zero))
            else:
                wrong.append(f"the result of {job_id} in lane {job.lane} is that of {result['id']}, {result['lane']}")
        if len(wrong) == _NAMED:
            wrong.append("no further results were read")
            break
    return sorted(jobs, key=lambda job: job.started), wrong


def _read(result: Any) -> Any:
    deadline = time.monotonic() + _RESULT
    while True:
        try:
            return result.get(timeout=_RESULT, interval=_PAUSE)
        except ValueError:
            # The worker writes results in place, so the newest may be half written yet.
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)


def _leftovers(store: Queue, interrupts: Interrupts) -> list[str]:
    """Say what the store still holds, once there was time to settle all jobs."""
    deadline = time.monotonic() + _RESULT
    while True:
        interrupts.check()
        stats = store.stats()
        if not stats.pending + stats.delayed + stats.leased:
            return []
        if time.monotonic() > deadline:
            return [f"the store still holds jobs: {stats.pending} pending, {stats.leased} leased"]
        time.sleep(_PAUSE)


def _miscounts(sent: Mapping[str, _Sent], counts: Mapping[str, int]) -> list[str]:
    found = {
        "never ran": [job_id for job_id in sent if job_id not in counts],
        "ran more than once": [job_id for job_id, count in counts.items() if count > 1],
        "ran, but were not sent": [job_id for job_id in counts if job_id not in sent],
    }
    return [
        f"jobs that {what}: {len(ids)} ({', '.join(ids[:_NAMED])}{', …' if len(ids) > _NAMED else ''})"
        for what, ids in found.items()
        if ids
    ]
