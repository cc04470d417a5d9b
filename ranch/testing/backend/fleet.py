"""Processes for the tests of several: ``python -m ranch.testing.backend.fleet COMMAND URL …``."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any, Final

from ranch.choice import StrategyChoice
from ranch.exceptions import LeaseLost
from ranch.hooks.manager import default_plugins
from ranch.policy import DEFAULT, Policy
from ranch.queue import Queue
from ranch.testing.backend.case import DrivenLanes
from ranch.testing.waiting import wait_until
from ranch.typing import Backend, Lanes, Strategy

#: Under how many keys each racer enqueues.
KEYS: Final = 100


def enqueue(url: str, first: str, count: str) -> None:
    """Put numbers into 20 lanes, some one by one and some in batches; print each that is in."""
    queue = Queue("fleet", backend=url)
    numbers = range(int(first), int(first) + int(count))
    for number in numbers[: len(numbers) // 4]:
        queue.enqueue(f"lane{number % 20}", number)
        _say(number)
    for start in range(len(numbers) // 4, len(numbers), 50):
        batch = numbers[start : start + 50]
        queue.enqueue_many([(f"lane{number % 20}", number) for number in batch])
        _say(*batch)


def work(url: str, lease: str = "60") -> None:
    """Claim, print the payload, and ack, for ever; alternately one job and up to seven."""
    queue = Queue("fleet", backend=url, lease=float(lease))
    while True:
        first = queue.claim(wait=1.0)
        for leases in ([first] if first else [], queue.claim_many(7)):
            _say(*(lease.job.payload for lease in leases))
            try:
                queue.ack(leases)
            except LeaseLost:
                if lease == "60":  # nobody is slow enough to lose one of these
                    raise


def hold(url: str, count: str, lease: str) -> None:
    """Claim jobs, say so, and sit on them until killed."""
    leases = Queue("fleet", backend=url).claim_many(int(count), lease=float(lease))
    _say(*(lease.job.payload for lease in leases))
    time.sleep(600)


def fire(url: str) -> None:
    """Claim whatever schedules bring, for ever, and keep it."""
    queue = Queue("fleet", backend=url)
    while True:
        queue.claim_many(1, wait=1.0, lease=600)


def race(url: str, number: str, count: str) -> None:
    """Be one of `count` processes, by its `number`, that want the same things at the same time; print what came of it.

    ``ran LANE START END`` of each job run, with the times in ns, ``unique ID`` of each enqueued under a key, and
    ``claimed ID`` or ``cancelled ID``.
    """
    with closing(default_plugins().backend(url)) as backend:
        start = DrivenLanes(backend, "start")
        parts = (_run, _enqueue_keys, _cancel_one_by_one if int(number) % 2 else _claim_one_by_one)
        for lap, part in enumerate(parts, 1):
            start.put("a", "here")
            wait_until(partial(_are_there, start, lap * int(count)), interval=0.001)
            part(backend)


def _are_there(start: DrivenLanes, count: int) -> bool:
    return bool(start.stats().enqueued >= count)


def _run(backend: Backend) -> None:
    lanes = DrivenLanes(backend, "capped")
    while (stats := lanes.stats()).pending or stats.leased:
        claim = lanes.claim(3, 60.0, str(os.getpid()))
        for lease in claim.leases:
            started = time.monotonic_ns()
            time.sleep(0.002)  # the work
            _say(f"ran {lease.job.lane} {started} {time.monotonic_ns()}")
            lanes.ack([lease])
        if not claim.leases:
            lanes.wait(0.05, claim.tick)


def _enqueue_keys(backend: Backend) -> None:
    lanes = DrivenLanes(backend, "unique")
    for key in range(KEYS):
        _say(*(f"unique {job_id}" for job_id in lanes.put("a", "x", dedup_key=str(key))))


def _claim_one_by_one(backend: Backend) -> None:
    lanes = DrivenLanes(backend, "contested")
    while leases := lanes.take(1):
        _say(*(f"claimed {lease.job.id}" for lease in leases))


def _cancel_one_by_one(backend: Backend) -> None:
    lanes = DrivenLanes(backend, "contested")
    for stored in lanes.jobs("", 10_000, "a").jobs:
        _say(*(f"cancelled {job.id}" for job in lanes.cancel([stored.job.id])))


def die(url: str) -> None:
    """Do each operation in a child that is killed before its first step, then in one killed before its second, …

    Each child has a queue of its own, ``die0``, ``die1``, …; printed is how many there were, the last of which lived.
    """
    for number in itertools.count():
        child = os.fork()
        if child == 0:
            with _Mortal(default_plugins().backend(url), steps=number) as backend:
                _do_everything(Queue(f"die{number}", backend=backend, lease=0.01))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            _say(number + 1, os.WEXITSTATUS(status))
            return


def _do_everything(queue: Queue) -> None:
    queue.lane("a").update(weight=0.5, tags={"tier": "gold"}, data={"bid": 1})
    queue.enqueue_many([(lane, f"{lane}{n}") for n in range(60) for lane in "abc"])
    queue.enqueue("a", "late", delay=0.01)
    first, *leases = queue.claim_many(150, lease=60.0)
    queue.renew(leases[:50], 120.0)
    queue.release(leases[:50])
    queue.release(leases[50:60], delay=0.01)
    queue.ack(leases[60:])
    queue.claim_many(20)
    queue.reclaim()
    first.ack()


class _Mortal:
    """A backend that kills its process before one of its steps."""

    def __init__(self, backend: Backend, steps: int) -> None:
        self._backend, self._left = backend, steps

    def __enter__(self) -> _Mortal:
        return self

    def __exit__(self, *exc: object) -> None:
        self._backend.close()

    def perform(self, step: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return self._backend.perform(step)

    async def aperform(self, step: Any) -> Any:
        return await self._backend.aperform(step)

    def lanes(
        self, queue: str, strategy: Strategy, choice: StrategyChoice | None = None, policy: Policy = DEFAULT
    ) -> Lanes:
        return self._backend.lanes(queue, strategy, choice, policy)

    def close(self) -> None:
        self._backend.close()

    async def aclose(self) -> None:
        await self._backend.aclose()


def _say(*words: object) -> None:
    # One write, so that whoever is killed has said all of it or nothing.
    os.write(1, "".join(f"{word}\n" for word in words).encode())


_COMMANDS: dict[str, Callable[..., None]] = {
    command.__name__: command for command in (enqueue, work, hold, fire, race, die)
}

if __name__ == "__main__":
    _COMMANDS[sys.argv[1]](*sys.argv[2:])
