"""Processes for the tests of several: ``python -m ranch.testing.backend.fleet enqueue|work|hold|die URL …``."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from ranch.choice import StrategyChoice
from ranch.exceptions import LeaseLost
from ranch.hooks.manager import default_plugins
from ranch.policy import DEFAULT, Policy
from ranch.queue import Queue
from ranch.typing import Backend, Lanes, Strategy


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


_COMMANDS: dict[str, Callable[..., None]] = {"enqueue": enqueue, "work": work, "hold": hold, "die": die}

if __name__ == "__main__":
    _COMMANDS[sys.argv[1]](*sys.argv[2:])
