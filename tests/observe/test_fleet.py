"""Times of a fleet: what each process has measured, added up."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from ranch import Queue, Retry
from ranch.hooks.manager import Plugins
from ranch.observe import FleetMeter, Meter
from ranch.observe.fleet import QUEUE
from ranch.observe.histogram import Histogram
from ranch.testing.waiting import wait_until
from ranch.typing import Backend

PROCESS = """
import sys
from ranch import Queue
from ranch.hooks.manager import Plugins
from ranch.observe import FleetMeter, Meter

meter = Meter()
with Queue("mail", backend=sys.argv[1], plugins=Plugins([meter])) as queue, FleetMeter(meter, queue):
    queue.enqueue_many([("acme", number) for number in range(5)])
    for lease in queue.claim_many(5):
        lease.ack()
"""


def opened(backend: Backend | str) -> tuple[Queue, FleetMeter]:
    """Return a queue as a process has it, and its meter."""
    meter = Meter()
    queue = Queue("mail", backend=backend, plugins=Plugins([meter]))
    return queue, FleetMeter(meter, queue, every=0.01)


def work(queue: Queue, jobs: int) -> None:
    """Do jobs, and let one fail."""
    queue.enqueue_many([("acme", number) for number in range(jobs + 1)])
    for lease in queue.claim_many(jobs):
        lease.ack()
    queue.claim_many(1)[0].fail("away", retry=Retry.fixed(60))


def test_times_of_all_are_added_up(backend: Backend) -> None:
    """Whoever asks: those who share theirs, and its own, each once."""
    (one, first), (other, second) = opened(backend), opened(backend)
    work(one, 3)
    work(other, 4)
    assert first.metrics().process_time.count == 4
    second.leave()
    first.leave()

    both = first.metrics()

    assert (both.enqueued, both.processed, both.failed, both.retried) == (9, 7, 2, 2)
    assert (both.process_time.count, both.wait_time.count) == (9, 9)
    assert second.metrics() == both
    assert opened(backend)[1].metrics() == both


def test_they_are_left_again_and_again(backend: Backend) -> None:
    """While it is started; and once more when it is stopped."""
    (queue, meter), (_, other) = opened(backend), opened(backend)
    with meter:
        work(queue, 1)
        wait_until(lambda: other.metrics().process_time.count == 2)
    work(queue, 1)
    meter.start()
    meter.stop()

    assert other.metrics().process_time.count == 4


def test_another_process_counts(tmp_path) -> None:
    """Also when it has ended."""
    url = f"sqlite:///{tmp_path}/ranch.db"
    subprocess.run([sys.executable, "-c", PROCESS, url], check=True, timeout=60)
    queue, meter = opened(url)

    assert meter.metrics().process_time.count == 5
    queue.close()


def test_other_queues_do_not_count(backend: Backend) -> None:
    """Each has its own lanes; and those who keep the numbers have no jobs."""
    queue, meter = opened(backend)
    work(queue, 1)
    meter.leave()
    plugin = Meter()
    other = Queue("reports", backend=backend, plugins=Plugins([plugin]))

    assert FleetMeter(plugin, other).metrics().process_time.count == 0
    assert Queue(QUEUE, backend=backend).stats().enqueued == 0


def test_who_says_nothing_for_long_is_forgotten(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not counted, and cleared by the next who starts."""
    (queue, meter), (_, other) = opened(backend), opened(backend)
    work(queue, 1)
    meter.leave()
    now = time.time() + 8 * 86400
    monkeypatch.setattr("ranch.observe.fleet.time.time", lambda: now)

    assert other.metrics().process_time.count == 0
    with other:
        wait_until(lambda: [lane.data.keys() for lane in Queue(QUEUE, backend=backend).lanes() if lane.data] != [])
    data = [set(lane.data) for lane in Queue(QUEUE, backend=backend).lanes()]
    assert sorted(map(len, data)) == [0, 4]


def test_a_sum_of_histograms_has_all_times() -> None:
    """As if one had counted them all."""
    one, other, both = Histogram(), Histogram(), Histogram()
    for number in range(100):
        (one if number % 3 else other).add(number / 7)
        both.add(number / 7)

    assert Histogram.sum([one.as_dict(), other.as_dict()]).summary() == pytest.approx(both.summary())
