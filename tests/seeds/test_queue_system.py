"""The Queue System's features, line by line of its README, in ranch's words."""

from __future__ import annotations

import asyncio
import logging
import pickle
import time

import pytest

from ranch import AsyncQueue, AsyncWorker, CircuitOpen, JobFailed, Policy, Priority, Queue, QueueFull, Retry, Worker
from ranch.backends.memory import MemoryBackend
from ranch.hooks.manager import Plugins
from ranch.observe import MetricsLog, get_queue_status
from ranch.resilience import circuit_breaker, retry_with_backoff, with_timeout
from ranch.testing import FakeClock
from ranch.testing.waiting import wait_until

ENTITY = {"user_id": "123", "action": "update"}


@pytest.fixture
def queue(url):
    """An empty queue."""
    with Queue("operations", backend=url, retry=Retry.fixed(0.01, max_attempts=3)) as queue:
        yield queue


@pytest.fixture
def clock():
    """The time of `later`."""
    return FakeClock()


@pytest.fixture
def later(clock):
    """A queue whose time is given."""
    return Queue("operations", backend=MemoryBackend(clock=clock))


# Basic usage


async def test_a_processor_and_its_callback_may_be_async(queue):
    """Enqueued without waiting, run by a worker in the event loop, and the callback after it with data and result."""
    told = []

    async def on_success(data):
        told.append((data["result"], data["args"]))

    @queue.task(on_success=on_success)
    async def process_data(data):
        await asyncio.sleep(0)
        return {"status": "success", "result": data["user_id"]}

    job = process_data.options(priority=5).enqueue("high", ENTITY)
    worker = AsyncWorker(queue, concurrency=2)
    await worker.start()
    assert worker.running
    while not told:  # noqa: ASYNC110 - the callback is a job like any other
        await asyncio.sleep(0.01)
    await worker.stop()
    await AsyncQueue.of(queue).close()

    assert not worker.running
    assert told == [({"status": "success", "result": "123"}, [ENTITY])]
    assert (job.priority, job.id) == (5, "00000000001")


def test_priorities_are_queues_or_heads_starts(later):
    """High, normal and low: 5, 3 and 1 within a lane; or three lanes under the strategy `priority`."""
    for name, priority in (("low", Priority.VERY_LOW), ("normal", Priority.NORMAL), ("high", Priority.VERY_HIGH)):
        later.enqueue("acme", name, priority=priority)
    assert [lease.job.payload for lease in later.claim_many(3)] == ["high", "normal", "low"]

    strict = Queue("strict", backend=later.backend, strategy="priority")
    for name, priority in (("low", Priority.LOW), ("high", Priority.HIGH), ("normal", Priority.NORMAL)):
        strict.lane(name).update(data={"priority": priority})
        strict.enqueue(name, name)
    assert [lease.job.payload for lease in strict.claim_many(3)] == ["high", "normal", "low"]


def test_operations_have_ids_and_dead_letters_keep_them(queue):
    """`operation_id` is the job's id, which a callback, an error and a dead letter have too."""

    @queue.task(retry=Retry.never())
    def process_data(data):
        raise ValueError(data["user_id"])

    job = process_data.enqueue("normal", ENTITY)
    Worker(queue, burst=True).run()

    (letter,) = queue.dead.list()
    assert letter.job.id == job.id
    with pytest.raises(JobFailed, match=job.id):
        job.result(0)


# Retry configuration


def test_the_retries_are_the_same():
    """Exponential by default, fixed, exponential with all its numbers, and a schedule; and as dictionaries."""
    default = Retry.exponential()
    fixed = Retry.fixed(delay=30, max_attempts=3, timeout=300)
    exponential = Retry.exponential(base=2.0, min_delay=1.0, max_delay=60.0, max_attempts=5, timeout=3600, jitter=0)
    custom = Retry.custom(delays=[60, 300, 1800, 7200], timeout=86400)

    assert [round(default.delay(n)) for n in (1, 2)] in ([1, 2], [1, 1], [0, 1], [0, 2])
    assert [fixed.delay(n) for n in (1, 2, 3)] == [30, 30, None]
    assert [exponential.delay(n) for n in range(1, 6)] == [1, 2, 4, 8, None]
    assert [custom.delay(n) for n in range(1, 6)] == [60, 300, 1800, 7200, None]
    assert Retry.from_dict(custom.to_dict()) == custom
    assert fixed.delay(1, elapsed=269) == 30
    assert fixed.delay(1, elapsed=271) is None  # would_exceed_timeout


def test_a_total_timeout_ends_the_attempts(later, clock):
    """Whatever is left of them."""

    @later.task(retry=Retry.fixed(100, max_attempts=None, timeout=250))
    def process_data():
        raise ConnectionError

    job = process_data.enqueue("normal")
    for _ in range(3):
        Worker(later, burst=True).run()
        clock.advance(100)

    with pytest.raises(JobFailed):
        job.result(0)
    assert later.dead.get(job.id).job.failures == 3


# Callbacks


def test_a_failure_is_told(queue):
    """After the last attempt only, with the id of the operation and its error; by function or by name."""
    told = []

    @queue.task(name="notify_failure")
    def notify_failure(data):
        told.append((data["job"], data["error"]))

    @queue.task(on_failure="notify_failure")
    def process_data(data):
        raise ValueError("no such user")

    job = process_data.enqueue("normal", ENTITY)
    with Worker(queue):
        wait_until(lambda: told)

    assert told == [(job.id, "ValueError: no such user")]


# Batches, deduplication, timeouts, serializers


def test_a_batch_is_one_round_trip(queue):
    """Each entity a job, with an id and a result of its own."""

    @queue.task
    def process_data(entity):
        return entity["id"]

    entities = [{"id": number, "name": f"Item {number}"} for number in range(1, 4)]
    jobs = process_data.options(priority=5, retry=Retry.fixed(30)).enqueue_each("normal", entities)
    Worker(queue, burst=True).run()

    assert [job.result(0) for job in jobs] == [1, 2, 3]


def test_duplicates_are_not_stored(queue):
    """By a key, or by what is in them."""

    @queue.task
    def process_data(entity):
        pass

    first = process_data.options(dedup=True).enqueue("normal", ENTITY)
    second = process_data.options(dedup=True).enqueue("normal", ENTITY)
    by_key = [process_data.options(dedup_key="k").enqueue("normal", {"n": n}) for n in range(2)]

    assert (second.id, second.duplicate) == (first.id, True)
    assert by_key[0].id == by_key[1].id
    assert queue.stats().enqueued == 2


def test_an_operation_ends_in_time(queue):
    """Its timeout is the task's, or the call's."""

    @queue.task(retry=Retry.never(), timeout=30)
    async def process_data():
        await asyncio.sleep(60)

    job = process_data.options(timeout=0.05).enqueue("normal")
    Worker(queue, burst=True).run()

    with pytest.raises(JobFailed, match="JobTimeout"):
        job.result(0)


class Own:
    """A serializer of one's own."""

    content_type = "application/x-own"
    dumps = staticmethod(pickle.dumps)
    loads = staticmethod(pickle.loads)


@pytest.mark.parametrize("serializer", ["pickle", Own()], ids=["by name", "an object"])
def test_a_serializer_is_the_calls(url, serializer):
    """For entities that are no JSON; the worker's queue accepts it."""
    with Queue("operations", backend=url, accept=["json", serializer]) as queue:

        @queue.task
        def process_data(entity):
            return sorted(entity)

        job = process_data.options(serializer=serializer).enqueue("normal", {2, 1})
        Worker(queue, burst=True).run()

        assert job.result(0) == [1, 2]


# Errors


def test_failed_operations_are_in_two_kinds(queue):
    """Those whose code failed, and those that could not be run; their numbers are in the status."""

    @queue.task(retry=Retry.never())
    def process_data():
        raise ValueError

    process_data.enqueue("normal")
    queue.enqueue_call("no.such:processor", lane="normal")
    queue.enqueue("normal", "no call at all")
    Worker(queue, burst=True).run()
    process_data.enqueue_each("normal")
    queue.enqueue_call(process_data.name, lane="high")
    queue.enqueue_call(process_data.name, lane="low", delay=60)

    status = get_queue_status(queue)
    assert (status.failures, status.system_errors) == (1, 2)
    assert (status.waiting, status.delayed) == ({"high": 1}, 1)


def test_a_queue_can_be_purged(queue):
    """A lane of it, or all; the number of what went is told."""
    queue.enqueue_many([("high", 1), ("high", 2), ("low", 3)])

    assert (queue.lane("high").purge(), queue.purge()) == (2, 1)


# Metrics


def test_a_queue_has_metrics(url):
    """Enqueued, processed, failed, retried and the success rate; mean times with p50 and p95; and each lane's."""
    with Queue("operations", backend=url, retry=Retry.never()) as queue:

        @queue.task
        def process_data(fails):
            return 1 / (not fails)

        process_data.enqueue_each("normal", [False, False, True])
        time.sleep(0.01)  # so long they wait at least
        Worker(queue, burst=True).run()
        metrics = queue.metrics()
        of_lane = queue.metrics("normal")

    assert (metrics.enqueued, metrics.processed, metrics.failed, metrics.retried) == (3, 2, 1, 0)
    assert metrics.success_rate == pytest.approx(66.7, abs=0.1)
    assert metrics.process_time.count == of_lane.process_time.count == 3
    assert metrics.process_time.p50 <= metrics.process_time.p95
    assert metrics.wait_time.mean > 0


def test_metrics_are_logged_by_events(url, caplog):
    """Errors on every change, small counters on each, larger ones at steps; with fields that can be searched."""
    caplog.set_level(logging.INFO, "ranch.metrics")
    with Queue("operations", backend=url, plugins=Plugins([MetricsLog()])) as queue:
        for number in range(20):
            queue.enqueue("normal", number)
        queue.claim().bury("no such task")

    records = [(record.metric_name, record.metric_value) for record in caplog.records if hasattr(record, "metric_name")]
    enqueued = [value for name, value in records if name == "enqueued"]
    assert enqueued[:6] == [1, 2, 3, 4, 5, 10]
    assert any(name == "failed" for name, _ in records)
    assert all("Queue metric update" in record.message for record in caplog.records if hasattr(record, "metric_name"))


# Resilience


def test_the_decorators_are_there():
    """With the same names and numbers."""

    @with_timeout(default_timeout=0.02)
    async def critical_operation():
        await asyncio.sleep(5)

    @circuit_breaker(name="redis_operations", failure_threshold=5, recovery_timeout=30.0)
    def redis_operation():
        raise ConnectionError

    attempts = []

    @retry_with_backoff(max_retries=3, base_delay=0.001, exceptions=(ConnectionError,))
    def network_operation():
        attempts.append(1)
        raise ConnectionError

    with pytest.raises(TimeoutError):
        asyncio.run(critical_operation())
    for _ in range(5):
        with pytest.raises(ConnectionError):
            redis_operation()
    with pytest.raises(CircuitOpen):
        redis_operation()
    with pytest.raises(ConnectionError):
        network_operation()
    assert len(attempts) == 4


def test_failures_are_kept_for_a_time(clock):
    """`backup_ttl`: dead letters go after so many seconds."""
    policy = Policy(dead_ttl=86400 * 7)
    queue = Queue("operations", backend=MemoryBackend(clock=clock), policy=policy)
    queue.enqueue("normal", 1)
    queue.claim().bury("no such task")
    clock.advance(86400 * 7)
    queue.reclaim()

    assert list(queue.dead.list()) == []


def test_a_full_queue_says_so(queue):
    """What the Queue System has no word for: nothing is stored, and nothing waits for ever."""
    queue.limit(max_pending=1)
    queue.enqueue("normal", 1)

    with pytest.raises(QueueFull):
        queue.enqueue("normal", 2)
