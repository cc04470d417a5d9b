"""What a listener is told of the times of jobs."""

from __future__ import annotations

import pytest

from ranch import Queue, Retry
from ranch.hooks.manager import Plugins
from ranch.listener import Listener
from ranch.testing import FakeClock
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
def notes() -> Notes:
    """A listener without a word so far."""
    return Notes()


@pytest.fixture
def queue(backend: Backend, notes: Notes) -> Queue:
    """A queue that it listens to."""
    return Queue("mail", backend=backend, plugins=Plugins([notes]))


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


def test_a_job_runs_from_its_claim_until_it_is_settled(
    queue: Queue, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Acked or failed, each once; not if it was given back, for then it has not run."""
    process_time = FakeClock()
    monkeypatch.setattr("ranch.times.monotonic", process_time)
    queue.enqueue_many([("acme", n) for n in range(3)])
    done, failed, back = queue.claim_many(3)
    process_time.advance(0.05)
    done.ack()
    failed.fail("away")
    back.release()
    (queue.claim() or back).ack()

    assert [(name, lane) for name, lane, _ in notes.runs] == [("mail", "acme")] * 3
    assert [seconds for _, _, seconds in notes.runs] == pytest.approx([0.05, 0.05, 0.0])


def test_who_tells_how_long_a_job_ran_is_believed(queue: Queue, notes: Notes) -> None:
    """A worker that acks jobs as they start says so, and the time until the ack counts for nothing."""
    queue.enqueue("acme", 1)
    operations = queue._operations
    (lease,) = queue._drive(operations.take(1, timed=True)).leases
    queue.ack([lease])
    operations.ran(lease, 2.5)

    assert notes.runs == [("mail", "acme", 2.5)]
    assert operations.events.errors == 0
