"""Workers inside of the process that tests them."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import time

import pytest

from ranch import (
    AsyncQueue,
    AsyncWorker,
    BackendUnavailable,
    ConfigError,
    InvalidJob,
    JobTimeout,
    Queue,
    RanchError,
    Retry,
    Worker,
)
from ranch.backends.memory import MemoryBackend
from ranch.testing.waiting import wait_until
from ranch.worker.threads import Threads

POOLS = ["thread", "process"]


def run(*queues, **settings):
    """Run all there is, and return how the worker was then."""
    worker = Worker(*queues, burst=True, **settings)
    worker.run()
    return worker.health()


def letters(queue):
    """Return kind, reason and error of each dead letter."""
    return [(letter.death.kind, letter.death.reason, letter.death.error) for letter in queue.dead.list()]


@pytest.mark.parametrize("pool", POOLS)
def test_it_runs_all_jobs_of_all_queues(app, pool):
    """In burst mode it ends when nothing is left, what its jobs have sent included."""
    for number in range(12):
        app.add.enqueue(f"lane{number % 3}", number, 1)
    for word in ("a", "b"):
        app.elsewhere.enqueue("acme", word)
    app.send_more.enqueue("zoe", ["x", "y", "z"])

    health = run(app.queue, app.other, pool=pool, concurrency=3)

    words = [f"add-{number + 1}" for number in range(12)] + ["elsewhere-a", "elsewhere-b", "more-x", "more-y", "more-z"]
    assert sorted(app.notes()) == sorted(words)
    assert (health.state, health.done, health.failed, health.running) == ("stopped", 17, 0, 0)
    assert app.queue.lane("zoe").stats.acked == 3
    assert (app.queue.stats().leased, app.other.stats().leased) == (0, 0)


@pytest.mark.parametrize("pool", POOLS)
def test_a_job_that_fails_is_tried_again_and_then_dead(app, pool):
    """As often as its task says; then it is told to its callback, in a lane of its own."""
    app.fail.enqueue("acme", "oh")
    worker = Worker(app.queue, pool=pool)
    with worker:
        wait_until(lambda: "after-acme-ValueError:_oh" in app.notes())

    assert app.notes().count("fail-oh") == 3
    assert letters(app.queue) == [("failure", "failed", "ValueError: oh")]
    (letter,) = app.queue.dead.list()
    assert "raise ValueError(word)" in letter.death.traceback
    assert app.queue.lane("afterwards").stats.acked == 1


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("mute", "Mute: <no text: str() raised RuntimeError>"),
        ("aside", "Aside: b"),
        ("bytes", r"OSError: no file \udcff"),
    ],
)
def test_whatever_a_job_raises_it_has_failed(app, pool, kind, error):
    """Also what is no `Exception`, and what cannot be told or written: no job is left to its lease."""
    app.odd.enqueue("acme", kind)
    if pool == "thread":
        app.aodd.enqueue("acme", kind)

    run(*([app.queue, app.coroutines] if pool == "thread" else [app.queue]), pool=pool)

    for queue in [app.queue, app.coroutines][: 2 if pool == "thread" else 1]:
        assert [(how, why, text.removeprefix("RuntimeError: ")) for how, why, text in letters(queue)] == [
            ("failure", "failed", error)
        ]
    assert app.queue.lane("acme").stats.acked == 1  # its on_failure


def test_a_retry_whose_function_fails_gives_the_job_up(app):
    """With the error of the job."""
    app.no_delay.enqueue("acme")

    run(app.queue)

    assert letters(app.queue) == [("failure", "failed", "ValueError: first")]


def test_a_job_that_is_done_is_told(app):
    """In the lane of the job, unless the callback has its own."""
    app.double.enqueue("acme", 21)
    app.add.options(on_success=app.after.options(lane="told")).enqueue("zoe", 1, 2)
    app.queue.enqueue_call("tests.worker.app:add", lane="abe", args=[2, 2], on_success="tests.worker.app:after")

    run(app.queue)

    assert {"after-acme-42", "after-zoe-3", "after-abe-4"} <= set(app.notes())
    assert app.queue.lane("acme").stats.acked == 2


def test_a_callback_has_its_own_lane_and_options(app):
    """Wherever it is named: at the task or at one call, as a task, by its name, or from afar."""
    queue = Queue("q", backend="memory://")
    told = queue.task(name="told", lane="notices", priority=6)(lambda data: data)
    plain = queue.task(name="plain")(lambda: None)
    at_task = queue.task(name="at task", on_success=told)(lambda: None)
    by_name = queue.task(name="by name", on_success="told")(lambda: None)
    elsewhere = told.options(lane="elsewhere", retry=Retry.never())
    for enqueue, lane in (
        (lambda: at_task.enqueue("acme"), "notices"),
        (lambda: by_name.enqueue("acme"), "notices"),
        (lambda: plain.options(on_success=told).enqueue("acme"), "notices"),
        (lambda: plain.options(on_success=elsewhere).enqueue("acme"), "elsewhere"),
        (lambda: queue.enqueue_call("plain", lane="acme", on_success=elsewhere), "elsewhere"),
    ):
        enqueue()
        run(queue, max_jobs=1, concurrency=1)
        (callback,) = queue.jobs()
        assert (callback.job.lane, callback.job.priority) == (lane, 6)
        run(queue)
    assert letters(queue) == []


def test_a_callback_of_one_call_is_of_the_same_queue(app):
    """Its worker need not know another one; nothing is stored. At the task it may be of any."""
    there = app.queue.task(name="there", on_success=app.elsewhere)(lambda: "done")
    with pytest.raises(InvalidJob, match="is a task of queue 'others'"):
        app.add.options(on_success=app.elsewhere).enqueue("acme", 1, 2)
    assert app.queue.stats().enqueued == 0

    there.enqueue("acme")
    run(app.queue, app.other)
    assert app.other.lane("acme").stats.acked == 1


@pytest.mark.parametrize(
    ("call", "reason", "error"),
    [
        ({"task": "no.such:thing"}, "no such task", "cannot be imported: ModuleNotFoundError"),
        ({"task": "tests.worker.app:nothing"}, "no such task", "cannot be imported: AttributeError"),
        ({"task": "nothing"}, "no such task", "no task of the queue"),
        ({"task": "os:getcwd"}, "not allowed", "may not be run"),
        ({"task": "tests.worker.app:os.getcwd"}, "not allowed", "no such task|may not be run|is no function"),
        ({"task": "tests.worker.app:add", "args": [1]}, "arguments do not fit", "missing a required argument"),
        ({"no": "task"}, "not a task", "no call of one"),
        ({"task": "tests.worker.app:add", "frobnicate": 1}, "not a task", "no call of one"),
    ],
)
def test_what_cannot_be_run_is_a_dead_letter(app, call, reason, error):
    """Of kind system, with the reason; nothing else is held up."""
    app.queue.enqueue("acme", call)
    app.add.enqueue("acme", 1, 2)

    run(app.queue, allow=["tests.worker", "no.such"])

    ((kind, told, text),) = letters(app.queue)
    assert kind == "system"
    assert told == reason or "is no function" in text
    assert any(word in text for word in error.split("|"))
    assert app.notes() == ["add-3"]


def test_a_plain_function_needs_to_be_allowed(app):
    """Its module is imported for those who allow it, and for nobody else."""
    app.queue.enqueue_call("tests.worker.app:plain", lane="acme", args=["one"])
    run(app.queue)
    assert [reason for _, reason, _ in letters(app.queue)] == ["not allowed"]

    app.queue.dead.retry()
    run(app.queue, allow=["tests.worker.app"])

    assert app.notes() == ["plain-one"]


def test_a_module_that_is_not_allowed_is_not_imported(app, tmp_path, monkeypatch):
    """Not even to look: importing runs its code."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "trap.py").write_text("raise SystemExit('sprung')")
    app.queue.enqueue_call("trap:anything", lane="acme")

    run(app.queue, allow=["tests.worker"])

    assert [reason for _, reason, _ in letters(app.queue)] == ["not allowed"]


def test_a_module_that_ends_its_process_does_not_end_the_worker(app, tmp_path, monkeypatch):
    """One that is allowed, and is a script without a guard."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "script.py").write_text("raise SystemExit(3)")
    app.queue.enqueue_call("script:anything", lane="acme")
    app.add.enqueue("acme", 1, 2)

    run(app.queue, allow=["script"], concurrency=1)

    assert [reason for _, reason, _ in letters(app.queue)] == ["no such task"]
    assert app.notes() == ["add-3"]


def test_a_generator_function_is_no_task(app):
    """A call of it runs nothing, so it would be done at once: an error where it is made one, else a dead letter."""

    async def awaited():
        yield 1

    for function in (app.each, awaited):
        with pytest.raises(InvalidJob, match="is a generator function, and calling it runs none of it"):
            app.queue.task(function)

    app.queue.enqueue_call("tests.worker.app:each", lane="acme", args=[["a"]])
    run(app.queue, allow=["tests.worker"])
    assert [reason for _, reason, _ in letters(app.queue)] == ["not runnable"]


def test_what_a_plain_decorator_returns_of_a_coroutine_function_is_awaited(app):
    """It looks like a plain function, and would be done without having run."""
    job = app.wrapped.enqueue("acme", "word")

    run(app.queue)

    assert (app.notes(), job.result(0)) == (["wrapped-word"], "word")


async def test_a_timeout_counts_before_its_thread_has_begun():
    """On a machine that is busy the thread may come late; the timeout is not forgotten."""
    threads, begun, go = Threads(1), [], threading.Event()
    first = asyncio.ensure_future(threads.run(go.wait))
    second = asyncio.ensure_future(threads.run(lambda: begun.append(1), timeout=0.01))
    await asyncio.sleep(0)  # both have been called, and their time runs
    await asyncio.sleep(0.1)
    go.set()

    with pytest.raises(JobTimeout):
        await second
    assert (await first, begun) == (True, [])
    threads.close()


def test_the_log_says_when_a_worker_begins_and_ends(app, caplog):
    """And what it has done."""
    caplog.set_level(logging.INFO, "ranch")
    app.add.enqueue("acme", 1, 2)

    run(app.queue, app.other, concurrency=3)

    assert caplog.messages == [
        "the worker runs jobs of 'tasks', 'others', 3 at a time",
        "the worker ends: 1 jobs done, 0 failed, 0 given back",
    ]


def test_a_payload_that_cannot_be_decoded_is_a_dead_letter(app, shared_url):
    """It stops nothing."""
    with Queue("tasks", backend=shared_url, serializer="pickle") as strange:
        strange.enqueue("acme", {"task": "x"})
    app.add.enqueue("acme", 1, 2)

    run(app.queue)

    assert [reason for _, reason, _ in letters(app.queue)] == ["cannot decode"]
    assert app.notes() == ["add-3"]


def test_what_nobody_could_find_is_no_task(app):
    """A lambda without a name, as a task or as a callback: two of a module would be one."""
    with pytest.raises(InvalidJob, match="no name by which a worker could find it"):
        app.queue.task(lambda: None)
    with pytest.raises(InvalidJob, match="no name by which a worker could find it"):
        app.add.options(on_success=lambda data: data)
    assert app.queue.task(name="none")(lambda: None).name == "none"


def test_a_callback_is_the_function_that_was_given(app):
    """Not another one that was made in the same place before."""

    def made(word):
        def after(data):
            app.note(word)

        return after

    for word in ("one", "two"):
        app.add.options(on_success=made(word)).enqueue("acme", 1, 2)
        run(app.queue)

    assert app.notes() == ["add-3", "one", "add-3", "two"]


@pytest.mark.parametrize("pool", POOLS)
def test_a_timeout_ends_what_computes(app, pool):
    """In a thread by an exception, in a process by killing it."""
    app.spin.enqueue("acme")

    run(app.queue, pool=pool)

    assert [error for _, _, error in letters(app.queue)] == [
        "JobTimeout: the job ran longer than its timeout of 0.3 seconds"
    ]


@pytest.mark.parametrize("pool", POOLS)
def test_the_traceback_of_a_failure_is_kept(app, pool):
    """Of an exception that another process cannot read, too."""
    app.refuse.enqueue("acme")

    run(app.queue, pool=pool)

    (letter,) = app.queue.dead.list()
    assert letter.death.error.endswith("Refused: no")
    assert 'raise Refused(7, "no")' in letter.death.traceback


def test_a_process_does_not_wait_for_a_call_that_blocks(app):
    """Where a thread has to: its job is told to have timed out when the call returns."""
    app.sleep.enqueue("acme", 1.5)
    began = time.monotonic()
    run(app.queue, pool="thread")
    assert time.monotonic() - began >= 1.5

    app.sleep.enqueue("acme", 60)
    run(app.queue, pool="process")

    assert [reason for _, reason, _ in letters(app.queue)] == ["failed", "failed"]
    assert time.monotonic() - began < 60


def test_each_queue_has_a_timeout_of_its_own(shared_url):
    """For jobs of which nothing else says it; a queue that is not named has none."""
    with Queue("brief", backend=shared_url) as brief, Queue("long", backend=brief.backend) as long:
        for queue in (brief, long):

            @queue.task(name="rest", retry=Retry.never())
            async def rest():
                await asyncio.sleep(0.5)

            rest.enqueue("acme")
        Worker(brief, long, timeout={"brief": 0.1}, burst=True).run()

        assert [letter.death.error for letter in brief.dead.list()] == [
            "JobTimeout: the job ran longer than its timeout of 0.1 seconds"
        ]
        assert long.stats().acked == 1
        with pytest.raises(InvalidJob, match="timeout is for the worker's queues, and 'breif' is none, did you mean"):
            Worker(brief, timeout={"breif": 1})


def test_a_timeout_cancels_a_coroutine(app):
    """At once."""
    app.asleep.enqueue("acme")

    run(app.coroutines)

    assert [error.partition(":")[0] for _, _, error in letters(app.coroutines)] == ["JobTimeout"]


@pytest.mark.parametrize("pool", POOLS)
def test_a_job_cannot_end_its_worker(app, pool):
    """SystemExit is a failure like any other."""
    app.exit_now.enqueue("acme")
    app.add.enqueue("acme", 1, 2)

    run(app.queue, pool=pool, concurrency=1)

    assert [error for _, _, error in letters(app.queue)] == ["SystemExit: 3"]
    assert app.notes() == ["add-3"]


def test_a_pool_of_processes_runs_no_coroutines(app):
    """That is said at the start, and all tasks that it cannot run are named."""
    with pytest.raises(ConfigError, match="ahold is a coroutine function"):
        Worker(app.coroutines, pool="process")


@pytest.mark.parametrize(
    "settings",
    [{"concurrency": 0}, {"pool": "green"}, {"allow": "app"}, {"max_jobs": 0}, {"drain_timeout": -1}],
    ids=str,
)
def test_a_wrong_setting_is_told(app, settings):
    """Before anything runs."""
    with pytest.raises(InvalidJob):
        Worker(app.queue, **settings)


def test_a_worker_runs_once_at_a_time(app):
    """A second start or run is refused, and does the first no harm."""
    worker = Worker(app.queue)
    with worker:
        for again in (worker.run, worker.start):
            with pytest.raises(RanchError, match="running already"):
                again()
        assert app.add.enqueue("acme", 1, 2).result(60) == 3
    assert not worker.running


def test_it_ends_after_max_jobs(app):
    """And takes not one more."""
    for number in range(5):
        app.add.enqueue("acme", number, 0)

    Worker(app.queue, max_jobs=3, concurrency=2).run()

    assert (app.queue.stats().acked, app.queue.stats().pending) == (3, 2)


def test_it_claims_no_more_than_it_can_run():
    """Two slots, two jobs: the third waits in its lane, where another worker may take it."""
    queue, go = Queue("late", backend="memory://"), threading.Event()

    @queue.task
    def wait():
        go.wait(60)

    for _ in range(3):
        wait.enqueue("acme")
    with Worker(queue, concurrency=2) as worker:
        wait_until(lambda: worker.health().running == 2)
        assert (queue.stats().leased, queue.stats().pending) == (2, 1)
        go.set()
        wait_until(lambda: queue.stats().acked == 3)


def test_an_idle_queue_does_not_slow_a_busy_one_down():
    """Its turn costs a round trip, and no wait."""
    backend, ends = MemoryBackend(), []
    idle, busy = Queue("idle", backend=backend), Queue("busy", backend=backend)

    @busy.task
    def work():
        time.sleep(0.03)
        ends.append(time.monotonic())

    busy.enqueue_many([("acme", work.call())] * 100)
    with Worker(idle, busy, concurrency=1):
        wait_until(lambda: len(ends) == 100)

    # An idle claim waits for 1, which each of those jobs would have to wait for; the machine may be busy now and then.
    slow = [later - earlier for earlier, later in itertools.pairwise(ends) if later - earlier > 0.9]
    assert len(slow) < 5


async def test_it_lives_in_the_loop_of_an_application(app, shared_url):
    """As in FastAPI's lifespan: started and stopped around what else the loop does."""
    queue = AsyncQueue("loop", backend=shared_url)
    done = asyncio.Event()

    @queue.task
    async def greet(name):
        done.set()
        return name

    worker = AsyncWorker(queue)
    assert not worker.running
    await worker.start()
    await greet.aenqueue("acme", "you")
    await asyncio.wait_for(done.wait(), 60)
    assert worker.running
    assert worker.health().ok
    await worker.stop()

    assert not worker.running
    assert not worker.health().ok
    assert (await queue.stats()).acked == 1
    async with worker:  # as often as one likes
        await greet.aenqueue("acme", "me")
        await queue.enqueue_call(greet.name, lane="acme", args=["us"])
    await queue.close()


def test_a_worker_that_cannot_go_on_says_so(app, shared_url, caplog):
    """A queue of another strategy is an error of whoever stops or runs it."""
    app.add.enqueue("acme", 1, 2)
    with (
        Queue("tasks", backend=shared_url, strategy="round-robin") as wrong,
        pytest.raises(ConfigError, match="strategy"),
    ):
        Worker(wrong).run()
    assert "the worker ends" in caplog.text


@pytest.mark.parametrize("slots", [1, 3])
def test_a_worker_has_at_most_two_leases_for_a_slot(app, slots):
    """Of what runs, and of what has ended and is not acked: so much runs again if it is killed."""
    most = 0

    @app.queue.task(name="look")
    def look():
        nonlocal most
        most = max(most, app.queue.stats().leased)

    app.queue.enqueue_many([("acme", look.call())] * 60)
    Worker(app.queue, concurrency=slots, burst=True).run()
    assert app.queue.stats().acked == 60
    assert 1 <= most <= 2 * slots


class Moody(MemoryBackend):
    """A store that answers with an error, once or until further notice."""

    once: Exception | None = None
    always: Exception | None = None

    async def aperform(self, step):
        if error := self.once or self.always:
            self.once = None
            raise error
        return await super().aperform(step)


def test_an_error_that_no_store_should_raise_costs_one_ack():
    """Its jobs are left to their leases; all others are acked as ever, and the worker ends in good order."""
    store = Moody()
    queue = Queue("mail", backend=store)

    @queue.task
    def send(number):
        if number == 0:
            store.once = ValueError("not today")

    send.enqueue_each("acme", range(3))
    Worker(queue, concurrency=1, burst=True).run()
    stats = queue.stats()
    assert (stats.acked, stats.leased) == (2, 1)


def test_a_store_that_is_away_does_not_hold_up_the_end():
    """What has ended and cannot be settled is left to its lease after `drain_timeout`, too."""
    store = Moody()
    queue = Queue("mail", backend=store)
    ended = threading.Event()

    @queue.task
    def send():
        store.always = BackendUnavailable("out for lunch")
        ended.set()

    send.enqueue("acme")
    worker = Worker(queue, concurrency=1, drain_timeout=0.2)
    worker.start()
    assert ended.wait(60)
    worker.stop()
    assert (worker.running, queue.stats().leased) == (False, 1)


def test_who_stops_a_worker_of_another_thread_waits_for_it():
    """`run` has it there, and not `start`."""
    queue = Queue("mail", backend="memory://")
    begun, end = threading.Event(), threading.Event()

    @queue.task
    def rest():
        begun.set()
        end.wait(60)

    rest.enqueue("acme")
    worker = Worker(queue)
    running = threading.Thread(target=worker.run)
    running.start()
    assert begun.wait(60)
    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    wait_until(lambda: worker.health().state == "stopping")
    assert stopping.is_alive()
    end.set()
    stopping.join()
    assert (worker.health().state, queue.stats().acked) == ("stopped", 1)
    running.join()


def test_what_jobs_send_goes_into_their_lane():
    """Unless it names another one; what has none at all is an error."""
    queue = Queue("lanes", backend="memory://")

    @queue.task(lane="own")
    def leaf():
        pass

    assert leaf.enqueue(None).lane == "own"
    assert leaf.enqueue("given").lane == "given"
    assert leaf.options(lane="other").enqueue(None).lane == "other"
    nowhere = queue.task(name="nowhere")(lambda: None)
    with pytest.raises(InvalidJob, match="needs a lane"):
        nowhere.enqueue(None)


def test_a_task_stays_a_function_and_checks_its_calls():
    """Arguments that do not fit are an error of the caller."""
    queue = Queue("checks", backend="memory://")

    @queue.task(priority=5, retry=Retry.never())
    def half(number: float, *, digits: int = 2) -> float:
        """Halve."""
        return round(number / 2, digits)

    assert half(3) == 1.5
    assert (half.__name__, half.__doc__) == ("half", "Halve.")
    assert half.options(cost=2.0).enqueue("acme", 3, digits=1).payload == {
        "task": half.name,
        "args": [3],
        "kwargs": {"digits": 1},
    }
    assert half.options(timeout=9).call(3) == {"task": half.name, "args": [3], "timeout": 9.0}
    for call in (lambda: half.enqueue("acme"), lambda: half.enqueue("acme", 1, digit=2), half.call):
        with pytest.raises(InvalidJob, match="do not fit"):
            call()
    with pytest.raises(InvalidJob, match="did you mean 'delay'"):
        half.options(dely=1)
    with pytest.raises(InvalidJob, match="priority"):
        queue.task(priority=7)(len)
    assert queue.stats().enqueued == 1
