"""The pump: claims jobs for the pool's free slots, and lets plain messages have theirs."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, Final

from celery.utils.log import get_logger

from ranch.celery.calls import message_of
from ranch.celery.embedding import Ranch
from ranch.celery.execution import Execution
from ranch.celery.gateway import Gateway
from ranch.celery.internals import flow, worker
from ranch.celery.internals.app import consumed_queues
from ranch.celery.message import ClaimedMessage, unpack
from ranch.celery.source import Source
from ranch.celery.unserved import warn_of_unserved
from ranch.celery.wakeup import Wakeup
from ranch.exceptions import SerializationError
from ranch.model import Lease

log = get_logger(__name__)

#: How often a tick chooses before it lets the event loop go on. Jobs that end without having run take no slot, and
#: there may be thousands of them.
CHOICES_PER_TICK: Final = 16
#: The header by which a task sees how often its job was claimed, this time included.
ATTEMPTS_HEADER: Final = "ranch-attempts"
#: Seconds for which a job is put off that the worker could not start.
PAUSE_AFTER_ERROR: Final = 10.0
#: Seconds between attempts to settle what could not be.
BETWEEN_LOOKS: Final = 1.0
#: Seconds. A process of the pool begins what it was given within milliseconds, unless the machine is busy.
LONGEST_WAIT_FOR_BEGIN: Final = 5.0


class Pump:
    """Fills the free slots of a worker's pool: the one place that decides what runs next.

    Jobs are claimed only for slots that are free at that moment, so the choice among lanes is made as late as it can
    be. Plain messages, which the broker delivered ahead, wait here in the order they came in, and not in the pool,
    where they would all go before the next claim. While both wait they take turns, as the setting `share` says; while
    one of them waits it has all slots.

    Everything that chooses runs under one lock: without an event loop requests come from several threads.
    """

    def __init__(self, ranch: Ranch, process_task: Callable[[Any], Any]) -> None:
        self._ranch = ranch
        self._process_task = process_task
        self._credit = 0.0
        self._consumer: Any = None
        self._inline = False
        self._gateway = Gateway(ranch)
        #: What makes requests of claimed messages.
        self._strategies: Any = None
        self._lock = threading.RLock()
        self.wakeup = Wakeup(self.tick)
        #: Every source there was, by its name; leases may be open in each.
        self._sources: dict[str, Source] = {}
        #: Those to claim from now, the next one first.
        self._turns: deque[Source] = deque()
        self._held: deque[Any] = deque()
        self._executions: set[Execution] = set()
        self._stopped = threading.Event()

    # The worker's life

    def start(self, consumer: Any) -> None:
        """Begin, with a consumer that is connected to its broker."""
        self._inline = worker.runs_inline(consumer.pool)
        self._consumer = consumer
        self._ranch.endings.consumer = consumer
        at_least_once = self._ranch.config.delivery == "at-least-once"
        self._strategies = flow.LateStrategies(consumer) if at_least_once else consumer.strategies
        self._gateway.start(consumer)
        threading.Thread(target=self._look_after, daemon=True, name="ranch-look-after").start()
        warn_of_unserved(self._ranch.app, consumer.hostname, self._stopped)
        self.wakeup.start(consumer)
        self.wakeup.ring()

    @property
    def started(self) -> bool:
        """Whether it has begun."""
        return self._consumer is not None

    def reconnected(self) -> None:
        """Go on after the broker was lost: with it Celery has dropped everything that did not run yet."""
        with self._lock:
            # The broker delivers them again.
            self._held.clear()
            self._gateway.forget()
            for execution in list(self._executions):
                request = execution.request
                if request is None or worker.was_dropped(self._consumer, request):
                    execution.release()
            worker.drop_forgotten(self._consumer)
        self.wakeup.ring()

    def close(self) -> None:
        """Claim nothing any more: the worker is about to stop, what runs goes on."""
        if self.started:
            worker.let_begin(self._consumer, self._held, LONGEST_WAIT_FOR_BEGIN)

    def stop(self) -> None:
        """Give back what did not run. The pool has stopped."""
        self._stopped.set()
        for source in self._sources.values():
            source.stop()
        for execution in list(self._executions):
            execution.release()
        for source in self._sources.values():
            source.end()
        self.wakeup.stop()

    # What runs next

    def on_request(self, request: Any) -> None:
        """Take a request that is ready to run: in the place of the worker's own `process_task`."""
        with self._lock:
            is_plain = not isinstance(request.message, ClaimedMessage)
            if is_plain and self.started and (self._held or self._hungry() or self._free() < 0):
                self._held.append(request)
                self.wakeup.ring()
            else:
                self._to_pool(request)

    def tick(self) -> None:
        """Fill the free slots."""
        with self._lock:
            if not self._is_running():
                return
            self._gateway.retry()
            self._follow_queues()
            for _ in range(1 if self._inline else CHOICES_PER_TICK):
                free = self._free()
                if free <= 0 or not self._fill(free):
                    break
            else:
                self.wakeup.ring()
            if self._free() <= 0:
                self._pass_on()

    def _fill(self, free: int) -> bool:
        """Start something; return whether there was anything."""
        if not self._held:
            return self._claim(1 if self._inline else free)
        if self._hungry():
            share = self._ranch.config.share  # which may change
            if self._credit + share >= 1:
                if self._claim(1):
                    self._credit += share - 1
                    return True
            else:
                self._credit += share
        self._to_pool(self._held.popleft())
        return True

    def _pass_on(self) -> None:
        """Let other workers have what this one was woken for: another source has taken its last slot."""
        for source in self._turns:
            if source.woken:
                source.pass_on()

    def _claim(self, limit: int) -> bool:
        for _ in range(len(self._turns)):
            hungry = self._hungry()
            if not hungry:
                break
            source = self._turns[0]
            self._turns.rotate(-1)
            if source.hungry and (leases := source.claim(max(1, limit // hungry))):
                for lease in leases:
                    self._start(source, lease)
                return True
        return False

    def _start(self, source: Source, lease: Lease) -> None:
        execution = Execution(source, lease, self._settled)
        self._executions.add(execution)
        consumer = self._consumer
        try:
            message = unpack(
                message_of(consumer.app, source.name, lease.job),
                queue=source.name,
                tag=lease.token,
                redelivered=lease.job.attempts > 1,
                accept=consumer.task_consumer.accept,
            )
            message.headers[ATTEMPTS_HEADER] = lease.job.attempts  # type: ignore[assignment]  # the stubs say str
            message.settler = execution
            execution.batch = flow.batch_of(consumer, message)
            flow.hand_over(consumer, self._strategies, message, execution.on_ack, execution.on_reject)
        except SerializationError as exc:
            log.critical("buried job %s from lane %r of queue %r: %s", lease.job.id, lease.job.lane, source.name, exc)
            execution.bury(exc)
        except Exception:
            # Such as a result backend that is away, and was to be told that the job was revoked.
            log.exception("could not start job %s, it goes back for %.0f s", lease.job.id, PAUSE_AFTER_ERROR)
            execution.release(delay=PAUSE_AFTER_ERROR)

    def _to_pool(self, request: Any) -> None:
        message = request.message
        if isinstance(message, ClaimedMessage):
            execution: Execution = message.settler  # type: ignore[assignment]  # this one makes them
            execution.request = request
        flow.hook_end(request, self._ended)
        self._process_task(request)
        if flow.was_turned_away(request):
            flow.unhook_end(request)

    # What has happened

    def _ended(self, request: Any) -> None:
        message = request.message
        if isinstance(message, ClaimedMessage):
            execution: Execution = message.settler  # type: ignore[assignment]  # this one makes them
            if request.time_start is not None:
                execution.source.ran(execution.lease, time.time() - request.time_start)
            # If it was not acknowledged so far, it is to run again.
            execution.reject(requeue=True)
        self.wakeup.ring()

    def _settled(self, execution: Execution) -> None:
        self._executions.discard(execution)
        if execution.request is None or execution.request.time_start is None:
            # It kept a slot free for itself, and no end of an execution will tell.
            self.wakeup.ring()

    # What there is

    def report(self) -> dict[str, Any]:
        """What the worker does for ranch now, as numbers: for people."""
        return {
            "slots": worker.slots(self._consumer),
            "free": self._free(),
            "plain messages held": len(self._held),
            "queues": {source.name: source.report() for source in self._turns},
        }

    def _is_running(self) -> bool:
        return self.started and not self._stopped.is_set() and worker.is_running(self._consumer)

    def _free(self) -> int:
        # Claimed and on its way: in a timer, in the bucket of a rate limit, or in a batch, which is to fill first.
        counted = Counter(execution.batch for execution in list(self._executions) if execution.request is None)
        waiting = sum(jobs // size for (_, size), jobs in counted.items())
        return worker.slots(self._consumer) - worker.in_pool(len(self._held)) - waiting

    def _hungry(self) -> int:
        return sum(source.hungry for source in self._turns)

    def _follow_queues(self) -> None:
        """Claim from the queues that the worker consumes now: remote control may change them."""
        names = consumed_queues(self._ranch.app)
        if len(names) == len(self._turns) and {source.name for source in self._turns}.issuperset(names):
            return
        for name in names:
            if name not in self._sources:
                self._sources[name] = Source(self._ranch.operations(name), self.wakeup.ring)
                self._sources[name].start()
        self._turns = deque(self._sources[name] for name in names)

    def _look_after(self) -> None:
        """Do what nothing calls for, in a thread: a pool that runs tasks inline stops the event loop for as long."""
        while not self._stopped.wait(BETWEEN_LOOKS):
            for source in list(self._sources.values()):
                if source.leases.unsettled:
                    source.leases.settle()
            # A pool that was told to grow, a queue that was added.
            self.wakeup.ring()
