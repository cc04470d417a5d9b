"""FairQueue's features, line by line of its list, in ranch's words."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from ranch import (
    AsyncQueue,
    AsyncWorker,
    FunctionResolutionError,
    JobFailed,
    Priority,
    Queue,
    Retry,
    Worker,
)
from ranch.backends.memory import MemoryBackend
from ranch.testing import FakeClock

USERS = [f"user_{number}" for number in range(3)]


@pytest.fixture
def queue(url):
    """An empty queue in which users take turns."""
    with Queue("fq", backend=url, strategy="round-robin") as queue:
        yield queue


# Key features


def test_users_take_turns(queue):
    """Fair scheduling: one job each, however many one of them has."""
    queue.enqueue_many([("user_0", n) for n in range(9)] + [(user, 0) for user in USERS[1:] for _ in range(3)])

    taken = [lease.job.lane for lease in queue.claim_many(9)]

    assert Counter(taken) == {"user_0": 3, "user_1": 3, "user_2": 3}
    assert all(len(set(taken[n : n + 3])) == 3 for n in range(0, 9, 3))


def test_priorities_are_one_to_six_and_critical_goes_first(queue):
    """As an IntEnum, type safe; what is critical goes before all that waits, in its user's lane."""
    assert [int(priority) for priority in Priority] == [1, 2, 3, 4, 5, 6]
    for priority in Priority:
        queue.enqueue("user_0", priority.name, priority=priority)

    assert queue.claim().job.payload == "CRITICAL"
    with pytest.raises(ValueError, match="priority is one of 1"):
        queue.enqueue("user_0", 1, priority=7)


def test_no_user_is_registered(queue):
    """A lane is there from its first job on, and gone when it is idle; nothing lists users beforehand."""
    assert queue.lanes() == []
    queue.enqueue("user_9", 1)
    assert [lane.key for lane in queue.lanes()] == ["user_9"]


def test_many_go_in_one_round_trip(queue):
    """Pushed and popped in batches, and settled in batches."""
    queue.enqueue_many([(user, number) for number in range(100) for user in USERS])

    leases = queue.claim_many(300)
    queue.ack(leases)

    assert (len(leases), queue.stats().acked) == (300, 300)


def test_statistics_are_kept(queue):
    """By user and for all, in the same step as what they count."""
    queue.enqueue_many([(user, 1) for user in USERS])
    queue.claim().ack()

    stats = queue.stats()
    assert (stats.pending, stats.enqueued, stats.acked, stats.lanes) == (2, 3, 1, 3)
    assert queue.lane("user_0").stats.acked == 1


def test_schedules_are_cron_lines():
    """Recurring tasks, without a scheduler to run and without a lock to lose."""
    clock = FakeClock()
    queue = Queue("fq", backend=MemoryBackend(clock=clock))
    done = []

    @queue.task(name="report")
    def report(user):
        done.append(user)

    scheduled = report.schedule("0 9 * * *", lane="user_0", args=["user_0"], timezone="Europe/Berlin")
    assert [schedule.name for schedule in queue.schedules.list()] == ["report"]
    clock.advance(scheduled.next_at - clock())
    Worker(queue, burst=True).run()
    Worker(queue, burst=True).run()
    queue.schedules.pause("report")

    assert done == ["user_0"]
    assert queue.schedules.next("report", 1) == []
    assert queue.schedules.remove("report")


# Functions as tasks


def test_a_function_is_a_task_and_stays_one(queue):
    """`func`, `args` and `kwargs` go into the job, and calling it runs it here."""

    @queue.task
    def add(a, b=0):
        return a + b

    assert add(1, b=2) == 3
    job = add.enqueue("user_0", 20, b=1)
    Worker(queue, burst=True).run()

    assert job.result(0) == 21
    assert (job.payload["args"], job.payload["kwargs"]) == ([20], {"b": 1})


@pytest.mark.parametrize("path", ["no.such:function", "tests.seeds.test_fairqueue:nothing", "unknown"])
def test_a_function_that_cannot_be_found_is_an_error(queue, path):
    """Import, then registry, then `FunctionResolutionError`: the job is not run, and says why."""
    job = queue.enqueue_call(path, lane="user_0")

    Worker(queue, burst=True, allow=["no.such", "tests.seeds"]).run()

    with pytest.raises(JobFailed, match="FunctionResolutionError"):
        job.result(0)
    assert queue.dead.get(job.id).death.kind == "system"
    with pytest.raises(FunctionResolutionError):
        queue.tasks.resolve(path, ["no.such", "tests.seeds"])


def test_a_function_is_found_in_the_registry(queue):
    """One that no import finds, as those made within functions."""

    @queue.task(name="made here")
    def made():
        return "found"

    job = queue.enqueue_call("made here", lane="user_0")
    Worker(queue, burst=True).run()

    assert job.result(0) == "found"


# Sync and async


async def test_all_is_there_awaited(url):
    """The queue, its worker, their context managers, and many pushes at once."""
    async with AsyncQueue("fq", backend=url, strategy="round-robin") as queue:

        @queue.task
        async def double(number):
            await asyncio.sleep(0)
            return 2 * number

        jobs = await asyncio.gather(*(double.aenqueue(user, 1) for user in USERS), double.aenqueue("user_0", 21))
        async with AsyncWorker(queue, concurrency=4) as worker:
            results = [await job.aresult(60) for job in jobs]
            health = worker.health()

        assert results == [2, 2, 2, 42]
        assert health.ok
        assert worker.health().state == "stopped"
        assert (await queue.stats()).acked == 4


def test_a_worker_stops_in_good_order(queue):
    """What runs is finished and settled; what waits stays in the store."""

    @queue.task
    def step():
        pass

    with Worker(queue, concurrency=2) as worker:
        job = step.enqueue("user_0")
        assert job.result(60) is None
        assert worker.health().ok
    step.enqueue("user_0")

    assert not worker.running
    assert (queue.stats().pending, queue.stats().leased) == (1, 0)


def test_what_fails_is_kept(queue):
    """`DLQEntry`: the job, the reason, the error, and when; to be tried again."""

    @queue.task(retry=Retry.never())
    def fail():
        raise ValueError("no")

    job = fail.enqueue("user_0")
    Worker(queue, burst=True).run()

    (letter,) = queue.dead.list()
    assert (letter.job.id, letter.death.reason, letter.death.error) == (job.id, "failed", "ValueError: no")
    assert letter.died_at >= job.enqueued_at
    assert len(queue.dead.retry(reason="failed")) == 1 or queue.stats().pending == 1


def test_a_worker_steals_when_its_own_users_have_nothing(queue):
    """Assigned users take turns first; steal targets come after them, and nobody else does."""
    for user in ("user_0", "user_3", "user_1", "user_4"):
        queue.enqueue_many([(user, f"{user}/{number}") for number in range(2)])
    mine, targets = ["user_0", "user_1", "user_2"], ["user_3"]

    taken = [queue.claim(lanes=mine, steal=targets).job.lane for _ in range(6)]

    assert taken == ["user_0", "user_1", "user_0", "user_1", "user_3", "user_3"]
    assert queue.claim(lanes=mine, steal=targets) is None
