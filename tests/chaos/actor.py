"""A process of the chaos: ``python -m tests.chaos.actor work|enqueue URL LEDGER NAME SEED``.

It misbehaves at random, and writes down what it was told. SIGTERM lets it end when it has done what it is at.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ranch import BackendUnavailable, Job, LeaseLost, Queue, QueueFull, Retry
from ranch.backends.redis import RedisBackend
from ranch.backends.sqlite import SQLiteBackend
from ranch.handles import QueueLease
from ranch.hooks import hookimpl
from ranch.hooks.manager import Plugins
from ranch.model import Lease
from ranch.typing import Backend
from tests.chaos.ledger import Ledger, true_time
from tests.chaos.plan import KEYS, LANES, LEASE, MOST_PENDING, QUEUE

#: Seconds by which the clock of a process is wrong. Not that of its SQLite: processes on one file share their host's.
SKEWS = (0.0, 0.0, 0.7, -0.7, 3600.0, -3600.0)


class WatchedRedis(RedisBackend):
    """Writes down which calls are sent again."""

    ledger: Ledger

    def _failed(self, error: Exception) -> None:
        self.ledger.write("resent", error=repr(error))
        super()._failed(error)


class Actor:
    """What workers and enqueuers have in common."""

    def __init__(self, url: str, ledger: str, name: str, seed: str) -> None:
        self.rng = random.Random(seed)
        self.ledger = Ledger(Path(ledger))
        self.name = name
        self.ended = False
        signal.signal(signal.SIGTERM, self._end)
        skew = self.rng.choice(SKEWS)
        time.time = lambda: true_time() + skew  # type: ignore[assignment]
        backend: Backend
        if url.startswith("sqlite"):
            backend = SQLiteBackend(url, clock=true_time)
        else:
            backend = WatchedRedis(url)
            backend.ledger = self.ledger
        self.queue = Queue(QUEUE, backend=backend, lease=LEASE, owner=name, plugins=Plugins([self]))
        self.ledger.write("begun", skew=skew, pid=os.getpid())

    def _end(self, *_: object) -> None:
        self.ended = True

    def run(self) -> None:
        """Do one thing after the other."""
        while not self.ended:
            try:
                self.act()
            except BackendUnavailable as exc:
                self.ledger.write("away", error=str(exc))
                time.sleep(0.05)
        self.queue.close()
        self.ledger.write("ended")

    def act(self) -> None:
        raise NotImplementedError

    @hookimpl
    def ranch_expired(self, details: Any) -> None:
        self.ledger.write("expired", ids=[job.id for job in details.jobs])

    @hookimpl
    def ranch_dead(self, details: Any) -> None:
        self.ledger.write("dead", ids=[job.id for job in details.jobs])

    @hookimpl
    def ranch_cancelled(self, details: Any) -> None:
        self.ledger.write("cancelled", ids=[job.id for job in details.jobs])


class Worker(Actor):
    """Claims jobs, and does with them whatever a worker may do, or should not."""

    def __init__(self, *args: str) -> None:
        super().__init__(*args)
        self.heartbeat = self.queue.heartbeat(self.lost)
        self.ways: dict[Callable[[list[QueueLease]], None], int] = {
            self.ack: 50,
            self.ack_one_by_one: 10,
            self.fail: 12,
            self.release: 8,
            self.renew: 5,
            self.bury: 1,
            self.keep_alive: 2,
            self.beat: 2,
            self.outlive: 1,
            self.abandon: 1,
        }

    def act(self) -> None:
        seconds = self.rng.choice((LEASE, LEASE, 2 * LEASE))
        leases = self.queue.claim_many(self.rng.randint(1, 4), wait=0.5, lease=seconds)
        if not leases:
            return
        self.ledger.write("claimed", leases=[_lease(lease, seconds) for lease in leases])
        time.sleep(self.rng.choice((0.0, 0.005, 0.02)))
        (way,) = self.rng.choices([*self.ways], [*self.ways.values()])
        way(leases)

    def settle(self, how: str, leases: Sequence[Lease], call: Callable[[], None]) -> None:
        """Settle leases, and write down what came of it."""
        tokens = [lease.token for lease in leases]
        self.ledger.write("settling", how=how, tokens=tokens)
        lost: list[str] = []
        try:
            call()
        except LeaseLost as exc:
            lost = [lease.token for lease in leases if lease.job.id in exc.job_ids]
        self.ledger.write("settled", how=how, tokens=tokens, lost=lost)

    def lost(self, lease: Lease) -> None:
        """Take note that a lease could not be kept alive."""
        self.ledger.write("unkept", token=lease.token)

    def ack(self, leases: list[QueueLease]) -> None:
        self.settle("ack", leases, lambda: self.queue.ack(leases))

    def ack_one_by_one(self, leases: list[QueueLease]) -> None:
        for lease in leases:
            time.sleep(0.005)
            self.settle("ack", [lease], lease.ack)

    def fail(self, leases: list[QueueLease]) -> None:
        retry = self.rng.choice(
            (Retry.fixed(0.2, max_attempts=4), Retry.fixed(0.0, max_attempts=3), Retry.fixed(0.1, timeout=20.0))
        )
        self.settle("fail", leases, lambda: self.queue.fail(leases, ValueError("chaos"), retry=retry))

    def bury(self, leases: list[QueueLease]) -> None:
        self.settle("bury", leases, lambda: self.queue.bury(leases, "chaos"))

    def release(self, leases: list[QueueLease]) -> None:
        delay = self.rng.choice((0.0, 0.0, 0.3))
        self.settle("release", leases, lambda: self.queue.release(leases, delay=delay))

    def renew(self, leases: list[QueueLease]) -> None:
        time.sleep(LEASE / 3)
        try:
            renewed = self.queue.renew(leases, LEASE)
        except LeaseLost:
            pass
        else:
            self.ledger.write("renewed", deadlines={lease.token: lease.deadline for lease in renewed})
            time.sleep(LEASE / 3)
        self.ack(leases)

    def keep_alive(self, leases: list[QueueLease]) -> None:
        long, *others = leases
        if others:
            self.ack(others)
        with long.keep_alive(on_lost=self.lost):
            time.sleep(self.rng.uniform(0.5, 1.7) * LEASE)
            self.settle("ack", [long], long.ack)

    def beat(self, leases: list[QueueLease]) -> None:
        self.heartbeat.add(leases)
        try:
            time.sleep(self.rng.uniform(0.5, 1.5) * LEASE)
            self.ack(leases)
        finally:
            self.heartbeat.remove(leases)

    def outlive(self, leases: list[QueueLease]) -> None:
        time.sleep(1.3 * LEASE)
        self.ack(leases)

    def abandon(self, leases: list[QueueLease]) -> None:
        """Forget about them, as a worker with a fault would."""


class Enqueuer(Actor):
    """Enqueues jobs of all kinds, and cancels some."""

    def __init__(self, *args: str) -> None:
        super().__init__(*args)
        self.number = 0
        self.recent: deque[str] = deque(maxlen=60)

    def act(self) -> None:
        time.sleep(self.rng.uniform(0.0, 0.06))
        choice = self.rng.random()
        if choice < 0.05:
            self.wait_for_room()
        elif choice < 0.60:
            lane = self.rng.choice([*LANES])
            self.enqueue([lane], **self.options())
        elif choice < 0.75:
            self.enqueue(self.rng.choices([*LANES], k=self.rng.randint(2, 15)), **self.options())
        elif choice < 0.90:
            key = f"key{self.rng.randrange(KEYS)}"
            self.enqueue([self.rng.choice([*LANES])], **self.options(), dedup_key=key)
        elif choice < 0.97:
            self.cancel()
        else:
            self.queue.lane(self.rng.choice([*LANES])).update(weight=self.rng.choice((0.5, 1.0, 3.0)))

    def wait_for_room(self) -> None:
        while not self.ended and self.queue.stats().pending > MOST_PENDING:
            time.sleep(0.2)

    def options(self) -> dict[str, Any]:
        """Make up how jobs are to be enqueued."""
        options: dict[str, Any] = {"priority": self.rng.randint(1, 6)}
        if self.rng.random() < 0.25:
            options["delay"] = self.rng.uniform(0.01, 2.0)
        if self.rng.random() < 0.15:
            options["expires"] = self.rng.uniform(0.2, 4.0)
        if self.rng.random() < 0.1:
            options["lease"] = 1.2 * LEASE
        if self.rng.random() < 0.2:
            options["bid"] = self.rng.uniform(0.0, 5.0)
        return options

    def enqueue(self, lanes: Sequence[str], **options: Any) -> None:
        """Enqueue jobs, each with a name that nobody else uses, and write down what came of it."""
        names = []
        for _ in lanes:
            self.number += 1
            names.append(f"{self.name}-{self.number}")
        key = options.get("dedup_key")
        self.ledger.write("enqueueing", names=names, key=key)
        try:
            jobs = self.queue.enqueue_many(zip(lanes, names, strict=True), **options)
        except QueueFull:
            self.ledger.write("refused")
            return
        self.ledger.write("enqueued", jobs=[_job(job, name) for job, name in zip(jobs, names, strict=True)])
        self.recent.extend(job.id for job in jobs)

    def cancel(self) -> None:
        ids = self.rng.sample([*self.recent], min(5, len(self.recent)))
        if ids:
            self.ledger.write("cancelling", ids=ids)
            self.queue.cancel_many(ids)


def _job(job: Job, name: str) -> dict[str, Any]:
    return {
        "id": job.id,
        "name": name,
        "lane": job.lane,
        "enqueued_at": job.enqueued_at,
        "due_at": job.due_at,
        "expires_at": job.expires_at,
        "key": job.dedup_key,
        "duplicate": job.duplicate,
    }


def _lease(lease: QueueLease, seconds: float) -> dict[str, Any]:
    job = lease.job
    return {
        **_job(job, job.payload),
        "token": lease.token,
        "start": lease.deadline - (job.lease or seconds),
        "deadline": lease.deadline,
        "attempts": job.attempts,
        "reclaims": job.reclaims,
        "failures": job.failures,
    }


KINDS = {"work": Worker, "enqueue": Enqueuer}

if __name__ == "__main__":
    KINDS[sys.argv[1]](*sys.argv[2:]).run()
