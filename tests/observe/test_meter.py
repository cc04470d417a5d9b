"""What a meter says is what has happened: the counters everywhere, the times here."""

from __future__ import annotations

import random
import time
from statistics import quantiles

import pytest

from ranch import AsyncQueue, Queue, Retry
from ranch.hooks.details import Ran
from ranch.hooks.manager import Plugins
from ranch.observe import Meter, Summary
from ranch.observe.histogram import Histogram
from ranch.observe.listener import Listener
from ranch.testing import FakeClock
from ranch.testing.forking import Child
from ranch.typing import Backend


class Notes(Listener):
    """Writes down what it is told."""

    def _begin(self):
        super()._begin()
        self.waits, self.runs = [], []

    def waited(self, queue, lane, seconds):
        self.waits.append((queue, lane, seconds))

    def took(self, queue, lane, seconds):
        self.runs.append((queue, lane, seconds))


@pytest.fixture
def meter() -> Meter:
    """A new one."""
    return Meter()


@pytest.fixture
def notes() -> Notes:
    """A listener without a word so far."""
    return Notes()


@pytest.fixture
def queue(backend: Backend, meter: Meter, notes: Notes) -> Queue:
    """A queue that both listen to."""
    return Queue("mail", backend=backend, plugins=Plugins([meter, notes]))


def test_counters_are_those_of_the_fleet(queue: Queue, backend: Backend, meter: Meter) -> None:
    """What another process did counts, for the queue and for each lane; its retries do not, as documented."""
    other = Queue("mail", backend=backend, plugins=Plugins())
    other.enqueue_many([("acme", n) for n in range(3)] + [("zoe", 1)])
    other.claim().ack()
    for lease in queue.claim_many(3):
        if lease.job.lane == "zoe":
            lease.ack()
        else:
            lease.fail("away", retry=Retry.fixed(0))
    other.claim().fail("away", retry=Retry.fixed(0))

    whole, acme, zoe = meter.metrics(queue), meter.metrics(queue, "acme"), meter.metrics(queue, "zoe")

    assert (whole.enqueued, whole.processed, whole.failed, whole.retried) == (4, 2, 3, 2)
    assert whole.success_rate == pytest.approx(40)
    assert (acme.enqueued, acme.processed, acme.failed, acme.retried) == (3, 1, 3, 2)
    assert (zoe.enqueued, zoe.processed, zoe.failed, zoe.success_rate) == (1, 1, 0, 100)
    assert (whole.wait_time.count, acme.wait_time.count, zoe.wait_time.count) == (3, 2, 1)
    assert whole.process_time.count == 3


def test_a_queue_without_jobs_has_no_numbers(queue: Queue, meter: Meter) -> None:
    """Nothing is made up: what was not measured is None."""
    metrics = meter.metrics(queue)

    assert (metrics.enqueued, metrics.success_rate) == (0, None)
    assert metrics.process_time == metrics.wait_time == Summary(count=0, mean=None, p50=None, p95=None)


async def test_an_awaited_queue_has_the_same(backend: Backend, meter: Meter) -> None:
    """By `ametrics`."""
    queue = AsyncQueue("mail", backend=backend, plugins=Plugins([meter]))
    await queue.enqueue("acme", 1)
    lease = await queue.claim()
    assert lease is not None
    await lease.ack()
    whole, lane = await meter.ametrics(queue), await meter.ametrics(queue, "acme")
    await queue.close()

    assert whole == lane
    assert (whole.processed, whole.process_time.count, whole.success_rate) == (1, 1, 100)


def test_a_job_waits_from_when_it_is_ready_to_its_first_claim(queue: Queue, notes: Notes, clock: FakeClock) -> None:
    """By the backend's clock, whatever the lease; neither its delay nor a second claim counts."""
    queue.enqueue("acme", 1, delay=5)
    clock.advance(8)
    first = queue.claim(lease=1000)
    assert first is not None
    first.release()
    clock.advance(7)
    again = queue.claim()
    assert again is not None
    again.fail("away", retry=Retry.fixed(2))
    queue.enqueue("zoe", 1, lease=7)
    clock.advance(3)
    assert {queue.claim().job.lane, queue.claim().job.lane} == {"acme", "zoe"}

    assert notes.waits == [("mail", "acme", pytest.approx(3)), ("mail", "zoe", pytest.approx(3))]


def test_a_job_runs_from_its_claim_until_it_is_settled(queue: Queue, notes: Notes) -> None:
    """Acked or failed, each once; not if it was given back, for then it has not run."""
    queue.enqueue_many([("acme", n) for n in range(3)])
    done, failed, back = queue.claim_many(3)
    time.sleep(0.05)
    done.ack()
    failed.fail("away")
    back.release()
    (queue.claim() or back).ack()

    assert [(name, lane) for name, lane, _ in notes.runs] == [("mail", "acme")] * 3
    assert [seconds >= 0.05 for _, _, seconds in notes.runs] == [True, True, False]


def test_who_tells_how_long_a_job_ran_is_believed(queue: Queue, notes: Notes) -> None:
    """A worker that acks jobs as they start says so, and the time until the ack counts for nothing."""
    queue.enqueue("acme", 1)
    operations = queue._operations
    (lease,) = queue._drive(operations.take(1, timed=True)).leases
    queue.ack([lease])
    operations.ran(lease, 2.5)

    assert notes.runs == [("mail", "acme", 2.5)]
    assert operations.events.errors == 0


@pytest.mark.parametrize("seed", range(5))
def test_quantiles_are_within_their_bound(seed: int) -> None:
    """A histogram of times over nine decades is off by 2.5 % at most."""
    draw, histogram = random.Random(seed), Histogram()
    times = [10 ** draw.uniform(-5, 4) for _ in range(2001)]
    for seconds in times:
        histogram.add(seconds)
    summary, exact = histogram.summary(), quantiles(times, n=20, method="inclusive")

    assert summary.count == 2001
    assert summary.mean == pytest.approx(sum(times) / 2001)
    assert summary.p50 == pytest.approx(exact[9], rel=0.025)
    assert summary.p95 == pytest.approx(exact[18], rel=0.025)
    assert len(histogram._buckets) <= 700


def test_times_beyond_all_measure_are_counted() -> None:
    """A clock that stands still, or a job of a century."""
    histogram = Histogram()
    for seconds in (0.0, 3e9):
        histogram.add(seconds)

    assert histogram.summary().count == 2
    assert len(histogram._buckets) == 2


def test_lanes_that_are_forgotten_are_those_longest_without_news(meter: Meter) -> None:
    """Users invent lanes without end, and memory has one."""
    for number in range(10_000):
        meter.waited("mail", f"lane-{number}", 1.0)
    meter.waited("mail", "lane-0", 1.0)
    meter.waited("mail", "new", 1.0)

    assert len(meter._lanes) == 10_000
    assert ("mail", "lane-0") in meter._lanes
    assert ("mail", "lane-1") not in meter._lanes


def test_a_forked_child_begins_anew(meter: Meter) -> None:
    """Its parent's times are not counted twice, and a lock that another thread held does not stop it."""
    meter.ranch_ran(Ran(queue="mail", lease=_lease(), seconds=1.0))

    def begin_anew() -> None:
        assert not meter._queues
        assert meter._lock.acquire(timeout=5)

    with meter._lock:
        child = Child.doing(begin_anew)
    child.join()

    assert meter._queues["mail"].process_time.summary().count == 1


def _lease():
    with Queue("mail", backend="memory://") as queue:
        queue.enqueue("acme", 1)
        return queue.claim()
