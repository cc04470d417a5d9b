"""What is said of one call of a task, in place of what the task says."""

from __future__ import annotations

import pytest

from ranch import AsyncQueue, ConfigError, InvalidJob, Job, JobFailed, Queue, Retry, SerializationError, Worker
from ranch.backends.memory import MemoryBackend
from ranch.exceptions import UnknownName
from ranch.testing import FakeClock

RETRIES = [
    Retry.fixed(30, max_attempts=3, timeout=300),
    Retry.exponential(base=3.0, min_delay=0.5, max_delay=60.0, max_attempts=None, jitter=0.5),
    Retry.custom([60, 300, 1800, 7200], timeout=86400),
    Retry.never(),
]


@pytest.mark.parametrize("retry", RETRIES, ids=repr)
def test_a_retry_can_be_written_down(retry):
    """As a mapping, which makes the same retry again."""
    assert Retry.from_dict(retry.to_dict()) == retry


@pytest.mark.parametrize(
    "said", [None, [], {}, {"delay": 1, "base": 2}, {"delay": -1}, {"delay": 1, "max_attempts": 0}]
)
def test_what_is_no_retry_is_refused(said):
    """Whoever has written it."""
    with pytest.raises(InvalidJob):
        Retry.from_dict(said)


def test_a_retry_of_another_kind_is_refused_where_it_is_given(app):
    """And not by the worker that meets the first failure; nothing is stored."""
    queue = Queue("retries", backend="memory://")
    queue.enqueue("acme", "job")
    lease = queue.claim()
    for given in (
        lambda: app.queue.task(retry=3)(app.plain),
        lambda: app.add.options(retry=3),
        lambda: app.queue.enqueue_call(app.add.name, lane="acme", args=[1, 2], retry=3),
        lambda: lease.fail("oh", retry=3),
        lambda: Queue("retries", backend="memory://", retry=3),
    ):
        with pytest.raises((InvalidJob, ConfigError), match=r"made by Retry\.fixed, .*, not 3"):
            given()
    assert app.queue.stats().enqueued == 0
    lease.ack()


def test_a_call_has_a_retry_of_its_own(app):
    """It goes with the job, so the worker need not know of it; by options and by name."""
    once = app.fail.options(retry=Retry.never()).enqueue("acme", "once")
    twice = app.queue.enqueue_call(
        app.fail.name, lane="acme", args=["twice"], retry=Retry.fixed(0.0, max_attempts=2), on_failure=None
    )

    with Worker(app.queue):
        for job in (once, twice):
            with pytest.raises(JobFailed):
                job.result(60)

    assert (app.notes().count("fail-once"), app.notes().count("fail-twice")) == (1, 2)


def test_the_task_is_told_of_arguments_that_do_not_fit(app):
    """Its own `on_failure`, if the call names none: it was found, though nothing could be run."""
    app.queue.enqueue_call(app.fail.name, lane="acme", args=["a", "word", "too many"])

    Worker(app.queue, burst=True).run()

    assert [letter.death.reason for letter in app.queue.dead.list()] == ["arguments do not fit"]
    assert any(note.startswith("after-acme-InvalidJob") for note in app.notes())


def test_a_retry_that_is_a_function_cannot_go_along(app):
    """It belongs to the task; nothing is stored."""
    retry = Retry.custom(float)

    with pytest.raises(InvalidJob, match="delays that are a function"):
        app.add.options(retry=retry)
    with pytest.raises(InvalidJob, match="delays that are a function"):
        app.queue.enqueue_call(app.add.name, lane="acme", retry=retry)
    assert app.queue.stats().enqueued == 0


def test_a_call_is_written_with_a_serializer_of_its_own(shared_url):
    """For arguments that the queue's does not take; workers have to accept it, and write the result with it too."""
    with Queue("q", backend=shared_url, accept=["json", "pickle"]) as queue:

        @queue.task
        def same(value):
            return value

        with pytest.raises(SerializationError):
            same.enqueue("acme", {1, 2})
        job = same.options(serializer="pickle").enqueue("acme", {1, 2})
        raw = queue.enqueue("acme", {3}, serializer="pickle")
        with pytest.raises(UnknownName, match="pikle"):
            queue.enqueue("acme", 1, serializer="pikle")

        Worker(queue, burst=True).run()

        assert (job.content_type, raw.content_type) == ("application/x-python-serialize",) * 2
        assert job.result(0) == {1, 2}


def test_a_call_for_each_item(app):
    """In one lane and one round trip, in their order; each has its result."""
    jobs = app.add.enqueue_each("acme", range(5), [10, 20, 30])
    with pytest.raises(InvalidJob, match="do not fit"):
        app.add.enqueue_each("acme", [1, 2])

    Worker(app.queue, burst=True).run()

    assert [job.result(0) for job in jobs] == [10, 21, 32]
    assert app.queue.stats().enqueued == 3


async def test_calls_are_awaited(app):
    """As they are made without."""
    jobs = await app.add.aenqueue_each("acme", [1, 2], [3, 4])
    schedule = await app.add.aschedule("0 9 * * *", lane="acme", args=[1, 2])

    assert [job.payload["args"] for job in jobs] == [[1, 3], [2, 4]]
    assert schedule.name == app.add.name
    await AsyncQueue.of(app.queue).close()


def test_a_task_on_schedule():
    """With its arguments and its options, under its own name if no other is given."""
    clock = FakeClock()
    queue = Queue("q", backend=MemoryBackend(clock=clock))
    ran = []

    @queue.task(name="note", lane="house", priority=5)
    def note(word, end="."):
        ran.append(word + end)

    daily = note.schedule("0 9 * * *", args=["daily"], timezone="Europe/Berlin")
    often = note.schedule(every=60, name="often", lane="acme", kwargs={"word": "often", "end": "!"})
    noted = queue.task(name="plain")(lambda: ran.append("plain"))
    plain = queue.schedule("0 * * * *", noted, name="p", lane="a")
    housed = queue.task(name="housed", lane="house", priority=5)(lambda: ran.append("housed"))
    own = queue.schedule("0 10 * * *", housed)
    other = queue.schedule("0 10 * * *", housed, name="other", lane="a", priority=2)
    with pytest.raises(InvalidJob, match="a schedule is named by a str"):
        queue.schedule("0 9 * * *", {"no": "task"}, lane="a")
    with pytest.raises(InvalidJob, match="a lane is named by a str"):
        queue.schedule("0 9 * * *", {"no": "task"}, name="n")
    with pytest.raises(InvalidJob, match="do not fit"):
        note.schedule(every=60)
    with pytest.raises(InvalidJob, match="no delay"):
        note.options(delay=5).schedule(every=60, args=["x"])
    with pytest.raises(InvalidJob, match="hour"):
        note.schedule("0 25 * * *", args=["x"])

    assert [schedule.name for schedule in queue.schedules.list()] == ["housed", "note", "often", "other", "p"]
    assert [(each.job.lane, each.job.priority) for each in (own, other)] == [("house", 5), ("a", 2)]
    assert (daily.job.lane, daily.job.priority, daily.timetable.timezone) == ("house", 5, "Europe/Berlin")
    assert (often.job.lane, plain.job.lane) == ("acme", "a")
    clock.advance(24 * 3600)
    Worker(queue, burst=True).run()
    assert sorted(ran) == ["daily.", "housed", "housed", "often!", "plain"]


def test_a_job_with_a_result_is_a_job(app):
    """All that is known of a job is known of it."""
    job = app.add.options(priority=6, cost=2.5).enqueue("acme", 1, 2)

    assert isinstance(job, Job)
    assert (job.lane, job.priority, job.cost, job.payload["args"]) == ("acme", 6, 2.5, [1, 2])
