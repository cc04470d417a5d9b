"""Whoever does harm: kills, stops, cuts and pauses by chance, then mends all and lets the queue run dry."""

from __future__ import annotations

import heapq
import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

import redis
from attrs import define, field

from ranch import Queue
from ranch.model import QueueStats
from ranch.testing.waiting import wait_until
from tests.chaos.ledger import Ledger, true_time
from tests.chaos.plan import LANES, LEASE, MAX_IN_FLIGHT, PAUSED, QUEUE, STRATEGIES
from tests.chaos.world import STORES, Process, RedisStore, SQLiteStore

WORKERS: Final = 8
ENQUEUERS: Final = 3
#: Seconds for which the queue may take to run dry.
LONGEST_DRAIN: Final = 90.0


@define
class Driver:
    """One run of the chaos. Its choices follow from the seed; what meets what is up to the machine."""

    backend: str
    seconds: float
    seed: int
    folder: Path
    #: Told now and then how many seconds have passed, and the queue's numbers.
    progress: Callable[[float, QueueStats], None]
    #: What was done, and how often.
    done: Counter[str] = field(factory=Counter)
    #: What was seen to be wrong while it ran.
    wrong: list[str] = field(factory=list)
    processes: list[Process] = field(factory=list)
    rng: random.Random = field(init=False)
    store: SQLiteStore | RedisStore = field(init=False)
    queue: Queue = field(init=False)
    _ledger: Ledger = field(init=False)
    _stack: ExitStack = field(factory=ExitStack)
    _names: Any = field(factory=itertools.count)
    #: What mends what was done, and when.
    _mends: list[tuple[float, int, Callable[[], None]]] = field(factory=list)
    _paused: set[str] = field(factory=set)

    def __attrs_post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.store = STORES[self.backend](self.folder)
        self._ledger = Ledger(self.folder / "driver.ledger")

    def run(self, judge: Callable[[Driver], None]) -> None:
        """Run, and let `judge` look at the queue and the ledgers while the store is still there."""
        with self.store, self._stack, Queue(QUEUE, backend=self.store.url) as self.queue:
            self._set_up()
            self._do_harm()
            self._mend_all()
            self._drain()
            judge(self)

    def _set_up(self) -> None:
        for lane, limits in LANES.items():
            self.queue.lane(lane).limit(**limits) if limits else self.queue.lane(lane).update(weight=1.0)
        self.queue.limit(max_in_flight=MAX_IN_FLIGHT)
        for kind, count in (("work", WORKERS), ("enqueue", ENQUEUERS)):
            for _ in range(count):
                self._start(kind)

    def _start(self, kind: str) -> None:
        name = f"{kind}{next(self._names)}"
        process = Process(kind, name, self.store.way(self.rng), self.folder, f"{self.seed} {name}")
        self.processes.append(self._stack.enter_context(process))

    def _do_harm(self) -> None:
        harms: dict[Callable[[], None], int] = {
            self._kill_worker: 6,
            self._kill_enqueuer: 3,
            self._stop_one: 4,
            self._pause: 3,
            self._change_strategy: 1,
            self._revive: 2,
        }
        if self.store.server:
            harms |= {
                self._kill_server: 2,
                self._rewrite_log: 1,
                self._forget_scripts: 1,
                self._cut: 4,
                self._lose_answers: 8,
                self._freeze: 2,
                self._slow_down: 3,
                self._refuse: 2,
            }
        # Each once, and then by their weights.
        first = self.rng.sample([*harms], len(harms))
        started = time.monotonic()
        wait_until(self._is_busy, timeout=60)
        while (passed := time.monotonic() - started) < self.seconds:
            harm = first.pop() if first else self.rng.choices([*harms], [*harms.values()])[0]
            harm()
            self.done[harm.__name__.strip("_").replace("_", " ")] += 1
            until = time.monotonic() + self.rng.uniform(0.05, 0.8)
            while (left := until - time.monotonic()) > 0:
                self._mend_what_is_due()
                time.sleep(min(left, 0.05))
            self._look(passed)

    def _is_busy(self) -> bool:
        faults = [fault for process in self.processes if (fault := process.fault())]
        assert not faults, faults[0]
        return self.queue.stats().claimed > 20

    def _look(self, passed: float) -> None:
        stats = self.queue.stats()
        self.progress(passed, stats)
        for lane in self.queue.lanes():
            cap = LANES[lane.key].get("max_in_flight")
            if cap and lane.stats.leased > cap:
                self.wrong.append(f"lane {lane.key} has {lane.stats.leased} leases, and may have {cap}")
        if stats.leased > MAX_IN_FLIGHT:
            self.wrong.append(f"the queue has {stats.leased} leases, and may have {MAX_IN_FLIGHT}")
        self.wrong += [f"the store does not agree: {fault}" for fault in self.queue.check()]
        for process in self._alive(""):
            if fault := process.fault():
                self.wrong.append(fault)
                process.is_over = True
                self._start(process.kind)

    # Harm

    def _alive(self, kind: str) -> list[Process]:
        return [process for process in self.processes if process.kind.startswith(kind) and not process.is_over]

    def _later(self, seconds: float, mend: Callable[[], None]) -> None:
        heapq.heappush(self._mends, (time.monotonic() + seconds, next(self._names), mend))

    def _kill_worker(self) -> None:
        self._kill("work")

    def _kill_enqueuer(self) -> None:
        self._kill("enqueue")

    def _kill(self, kind: str) -> None:
        self.rng.choice(self._alive(kind)).kill()
        self._start(kind)

    def _stop_one(self) -> None:
        process = self.rng.choice(self._alive("work" if self.rng.random() < 0.8 else "enqueue"))
        if not process.is_stopped:
            process.stop()
            # By another thread: it may hold the lock of the SQLite file, for which this one waits.
            timer = threading.Timer(self.rng.uniform(0.5, 2.0) * LEASE, process.go_on)
            self._stack.callback(timer.cancel)
            timer.start()

    def _pause(self) -> None:
        lane = self.rng.choice(PAUSED)
        if lane in self._paused:
            return
        self.queue.lane(lane).pause()
        self._paused.add(lane)
        since = true_time()

        def resume() -> None:
            self._ledger.write("paused", lane=lane, since=since, until=true_time())
            self.queue.lane(lane).resume()
            self._paused.discard(lane)

        self._later(self.rng.uniform(0.3, 2.0), resume)

    def _change_strategy(self) -> None:
        self.queue.set_strategy(self.rng.choice(STRATEGIES))

    def _revive(self) -> None:
        ids = [letter.job.id for letter in itertools.islice(self.queue.dead.list(), 5)]
        revived = self.queue.dead.retry(ids)
        self._ledger.write("revived", ids=[job.id for job in revived])

    def _kill_server(self) -> None:
        assert self.store.server
        self.store.server.kill()
        time.sleep(self.rng.uniform(0.0, 1.5))
        self.store.server.start()

    def _rewrite_log(self) -> None:
        with redis.Redis.from_url(self.store.url) as client, suppress(redis.ResponseError):  # It does already.
            client.bgrewriteaof()

    def _forget_scripts(self) -> None:
        with redis.Redis.from_url(self.store.url) as client:
            client.script_flush()

    def _cut(self) -> None:
        self.rng.choice(self.store.proxies).cut()

    def _lose_answers(self) -> None:
        self.rng.choice(self.store.proxies).lose_answers(self.rng.randint(1, 4), after=self.rng.choice((0, 0, 1, 9)))

    def _freeze(self) -> None:
        proxy = self.rng.choice(self.store.proxies)
        proxy.freeze()
        self._later(self.rng.uniform(0.2, 3.0), proxy.thaw)

    def _slow_down(self) -> None:
        proxy = self.rng.choice(self.store.proxies)
        proxy.delay = self.rng.uniform(0.01, 0.2)
        self._later(self.rng.uniform(0.3, 2.0), lambda: setattr(proxy, "delay", 0.0))

    def _refuse(self) -> None:
        proxy = self.rng.choice(self.store.proxies)
        proxy.refuse()
        self._later(self.rng.uniform(0.2, 4.0), proxy.accept)

    # Mending

    def _mend_what_is_due(self) -> None:
        while self._mends and self._mends[0][0] <= time.monotonic():
            heapq.heappop(self._mends)[2]()

    def _mend_all(self) -> None:
        wait_until(lambda: not any(process.is_stopped for process in self._alive("")), timeout=60)
        while self._mends:
            heapq.heappop(self._mends)[2]()

    def _drain(self) -> None:
        """End the enqueuers, let the workers run the queue dry, and end them."""
        self._end("enqueue")
        started = time.monotonic()

        def is_dry() -> bool:
            stats = self.queue.stats()
            self._look(self.seconds)
            if not time.monotonic() - started < LONGEST_DRAIN:
                self.wrong.append(f"the queue did not run dry in {LONGEST_DRAIN} s: {stats}")
                return True
            return stats.pending + stats.delayed + stats.leased == 0

        wait_until(is_dry, timeout=2 * LONGEST_DRAIN, interval=0.1)
        self._end("work")

    def _end(self, kind: str) -> None:
        processes = self._alive(kind)
        for process in processes:
            # Before it has begun a signal would kill it.
            wait_until(lambda process=process: process.has_begun or process.exit_code is not None, timeout=30)
            process.end()
        for process in processes:
            wait_until(lambda process=process: process.exit_code is not None, timeout=30)
            if fault := process.fault():
                self.wrong.append(fault)
            process.is_over = True
