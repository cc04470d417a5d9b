"""Putting a backlog from a file into a store."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from attrs import define, evolve, field

from ranch.choice import StrategyChoice
from ranch.cli.backlog.check import Checked
from ranch.cli.backlog.lines import NO_LIMITS, read_limits
from ranch.cli.backlog.stored import JobLine
from ranch.exceptions import ConfigError
from ranch.letters import DeadLetter
from ranch.model import Job, NewJob
from ranch.operations.core import chunks
from ranch.queue import Queue
from ranch.steps import Steps, drive
from ranch.typing import RELEASES_PER_CALL, Backend, Lanes

R = TypeVar("R")
T = TypeVar("T")

#: How much goes into one round trip: jobs, and bytes of their payloads.
_JOBS, _BYTES = 1000, 4_000_000
#: Seconds by which what is known of the store's clock may be off: it is told in milliseconds.
_BLUR: Final = 0.002
#: Seconds. So far back jobs may be put, beside those of an import that was broken off, to keep their order.
_LONGEST_CALL: Final = 1.0


@define
class Loaded:
    """What became of the jobs and dead letters of a file."""

    jobs: int = 0
    dead: int = 0
    schedules: int = 0
    #: Were there already: by their dedup_key, by a schedule's name, or from an import that was broken off.
    there: int = 0
    #: Had expired by now.
    expired: int = 0


@define
class _Order:
    """Keeps jobs of different round trips in order: a few milliseconds between two clocks must not turn them round."""

    #: The place that the last job had in the file, and the one that it got.
    _before: float | None = None
    _after: float = 0.0
    #: What the store's clock said, when that was heard, and what it says by now at least.
    _clock: float = 0.0
    _heard: float = 0.0
    _now: float = 0.0

    def begin(self) -> None:
        """Say that the next round trip begins."""
        self._now = self._clock + time.monotonic() - self._heard - _BLUR

    def delay(self, line: JobLine, now: float) -> float:
        """Return the delay with which a job becomes as senior as it was, and no more than those before it."""
        delay = line.due_at - now
        if self._before is not None and line.place >= self._before:
            delay = max(delay, self._after + line.head_start - self._now)
        return delay if line.state == "delayed" else min(delay, 0.0)

    def stored(self, page: Iterable[tuple[JobLine, NewJob]], jobs: Iterable[Job]) -> None:
        """Take note of the last that was stored, now or by an import that was broken off, and of the store's clock."""
        self._heard = time.monotonic()
        clock, shifts = None, []
        for (line, new), job in zip(page, jobs, strict=True):
            if not job.duplicate:
                clock = job.due_at - new.delay
            elif job.dedup_key == line.dedup_key:
                continue  # it may be somebody else's
            else:
                shifts.append(job.due_at - line.due_at)
            self._before, self._after = line.place, job.due_at - line.head_start
        if clock is None and shifts:
            # It was that much ahead then, less the time that the call took.
            clock = time.time() + min(shifts) - _LONGEST_CALL
        self._clock = self._clock if clock is None else clock


@define
class Load:
    """One file on its way into one queue.

    The queue is paused until all is in it, so that nothing which was stored can end before an import that was broken
    off is started again: that one finds the jobs by their keys, and the dead letters by all they say.

    Raises:
        ConfigError: The queue has another strategy there than the file says; nothing was stored.
    """

    _file: Checked
    _name: str
    _backend: str | Backend
    #: Called with how many lines are done.
    _step: Callable[[int], None]
    loaded: Loaded = field(factory=Loaded, init=False)
    #: Whether anything was stored, and the queue is paused.
    begun: bool = field(default=False, init=False)

    def run(self) -> Loaded:
        """Put it all in."""
        choice = self._file.head.choice
        strategy = {**choice.options, "name": choice.name}
        with Queue(self._name, backend=self._backend, strategy=strategy) as queue:
            self._agree(queue, choice)
            lanes = queue._operations.lanes
            self._run(queue, queue.backend, lanes)
        return self.loaded

    def _agree(self, queue: Queue, choice: StrategyChoice) -> None:
        there = queue.read_strategy()
        if there is None:
            if choice.generation:
                queue.set_strategy({**choice.options, "name": choice.name})
        elif there.text != choice.text:
            raise ConfigError(
                f"queue {queue.name!r} is served by {there} there, and by {choice} in the file: give it that one "
                "with `ranch strategy`, or take another queue",
                where="strategy",
            )

    def _run(self, queue: Queue, backend: Backend, lanes: Lanes) -> None:
        def do(steps: Steps[R]) -> R:
            return drive(backend, steps)

        # Their limits come last: what waited in the old store is not to be refused, or dropped, by the new one.
        self.begun = True
        do(lanes.limit({**NO_LIMITS, "paused": True}))
        for page in _pages(self._file.lanes()):
            do(lanes.update([line.update(NO_LIMITS) for line in page]))
            self._step(len(page))
        there = Counter(map(_fingerprint, queue.dead.list()))
        for letters in _pages(line.letter for line in self._file.dead()):
            new = [letter for letter in letters if not _taken(there, _fingerprint(letter))]
            do(lanes.restore(new))
            self.loaded.dead += len(new)
            self.loaded.there += len(letters) - len(new)
            self._step(len(letters))
        order = _Order()
        for jobs in _bundles(self._file.jobs()):
            self._enqueue(jobs, order, lambda new: do(lanes.enqueue(new)).jobs)
            self._step(len(jobs))
        for line in self._file.schedules():
            stored = do(lanes.replan(None, line.schedule)) is not None
            self.loaded.schedules += stored
            self.loaded.there += not stored
            self._step(1)
        for page in _pages(line for line in self._file.lanes() if line.limits):
            do(lanes.update([line.update(read_limits(line.limits)) for line in page]))
        do(lanes.limit(read_limits(self._file.head.limits)))

    def _enqueue(
        self, lines: Iterable[JobLine], order: _Order, enqueue: Callable[[list[NewJob]], Iterable[Job]]
    ) -> None:
        now, export = time.time(), self._file.head.export
        page = []
        order.begin()
        for line in lines:
            expires = None if line.expires_at is None else line.expires_at - now
            if expires is not None and expires <= 0:
                self.loaded.expired += 1
            else:
                page.append((line, line.new(line.key(export), delay=order.delay(line, now), expires=expires)))
        if page:
            jobs = list(enqueue([new for _, new in page]))
            order.stored(page, jobs)
            there = sum(job.duplicate for job in jobs)
            self.loaded.jobs += len(jobs) - there
            self.loaded.there += there


def _fingerprint(letter: DeadLetter) -> DeadLetter:
    return evolve(letter, job=evolve(letter.job, id="", loads=None))


def _taken(there: Counter[DeadLetter], fingerprint: DeadLetter) -> bool:
    """Return whether one like this is there, and count it off."""
    there[fingerprint] -= 1
    return there[fingerprint] >= 0


def _pages(items: Iterable[T]) -> Iterator[list[T]]:
    return chunks(items, RELEASES_PER_CALL)


def _bundles(lines: Iterable[JobLine]) -> Iterator[list[JobLine]]:
    bundle: list[JobLine] = []
    size = 0
    for line in lines:
        length = len(line.body or line.base64 or "")
        if bundle and (len(bundle) >= _JOBS or size + length > _BYTES):
            yield bundle
            bundle, size = [], 0
        bundle.append(line)
        size += length
    if bundle:
        yield bundle
