"""The circuit breaker: when it opens, who may try, when it closes, and what it tells."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ranch import Queue
from ranch.backends.guard import GuardedBackend
from ranch.backends.memory import MemoryBackend
from ranch.breaker import Breaker
from ranch.exceptions import BackendError, BackendUnavailable, ConfigError
from ranch.steps import drive
from ranch.strategies import WeightedLRU
from ranch.testing import FakeClock
from ranch.testing.forking import Child


class Store(MemoryBackend):
    """A store that can be away."""

    away = False
    asked = 0

    def perform(self, step):
        self.asked += 1
        if self.away:
            raise BackendUnavailable("the store is away")
        return super().perform(step)

    async def aperform(self, step):
        return self.perform(step)


@pytest.fixture
def clock():
    """The breaker's time."""
    return FakeClock()


@pytest.fixture
def changes():
    """What the breaker has told, as it came."""
    return []


@pytest.fixture
def store():
    """An empty store, which is there."""
    return Store()


@pytest.fixture
def queue(store, clock, changes):
    """A queue on the store, behind a breaker that opens after 3 failures for 5 seconds."""
    breaker = Breaker(3, 5.0, lambda is_open, error: changes.append((is_open, str(error))), clock=clock)
    return Queue("q", backend=GuardedBackend(store, breaker))


def fail(queue, times):
    """Make calls that find the store away."""
    for _ in range(times):
        with pytest.raises(BackendUnavailable):
            queue.stats()


def test_a_store_that_is_there_is_asked_each_time(queue, store):
    """Closed, it is not noticed."""
    queue.enqueue("acme", 1)

    assert queue.claim().job.payload == 1
    assert not queue.backend.breaker.is_open


def test_it_opens_after_failures_in_a_row_and_asks_no_more(queue, store, changes):
    """The third opens it, and from then on the store has its peace."""
    store.away = True
    fail(queue, 3)
    asked = store.asked

    with pytest.raises(BackendUnavailable, match=r"3 calls in a row, and is not asked for another 5.0 s: the store is"):
        queue.stats()

    assert store.asked == asked == 3
    assert changes == [(True, "the store is away")]


def test_an_answer_in_between_starts_the_count_again(queue, store, changes):
    """Only failures in a row count."""
    for _ in range(3):
        store.away = True
        fail(queue, 2)
        store.away = False
        queue.stats()

    assert changes == []


def test_a_trial_that_is_answered_closes_it(queue, store, clock, changes):
    """After its time one call is let through, and then all."""
    store.away = True
    fail(queue, 3)
    store.away = False
    clock.advance(5.0)

    queue.stats()
    queue.stats()

    assert changes == [(True, "the store is away"), (False, "None")]


def test_a_trial_that_fails_keeps_it_open_for_as_long_again(queue, store, clock, changes):
    """And nothing is told twice."""
    store.away = True
    fail(queue, 3)
    clock.advance(5.0)
    fail(queue, 1)
    asked = store.asked
    clock.advance(4.9)
    fail(queue, 1)
    assert store.asked == asked == 4

    clock.advance(0.1)
    store.away = False
    queue.stats()

    assert [is_open for is_open, _ in changes] == [True, False]


def test_one_call_at_a_time_is_the_trial(store, clock):
    """Of those that come while the trial is under way none is let through."""
    backend = GuardedBackend(store, Breaker(1, 5.0, clock=clock))
    queue = Queue("q", backend=backend)
    store.away = True
    fail(queue, 1)
    clock.advance(5.0)
    under_way, go_on = threading.Event(), threading.Event()

    def answer_late(step):
        under_way.set()
        go_on.wait(10.0)
        return MemoryBackend.perform(store, step)

    store.perform = answer_late
    with ThreadPoolExecutor(1) as pool:
        trial = pool.submit(queue.stats)
        under_way.wait(10.0)
        fail(queue, 5)
        go_on.set()

        assert trial.result(10.0).pending == 0
    assert not backend.breaker.is_open


def test_an_error_of_another_kind_is_an_answer(store, clock, changes):
    """Whoever refuses is there."""
    breaker = Breaker(1, 5.0, lambda *change: changes.append(change), clock=clock)

    for error in (BackendError("refused"), ValueError("no")):
        with pytest.raises(type(error)), breaker.watching():
            raise error

    assert changes == []


def test_a_late_answer_does_not_close_it(store, clock):
    """A call that was made before it opened, and is answered after, says nothing of now."""
    breaker = Breaker(1, 5.0, clock=clock)

    with breaker.watching(), pytest.raises(BackendUnavailable), breaker.watching():
        raise BackendUnavailable

    assert breaker.is_open


async def test_a_cancelled_trial_leaves_the_trial_to_the_next(store, clock):
    """Who is cancelled has learnt nothing: the next call tries."""
    breaker = Breaker(1, 5.0, clock=clock)
    with pytest.raises(BackendUnavailable), breaker.watching():
        raise BackendUnavailable
    clock.advance(5.0)

    with pytest.raises(asyncio.CancelledError), breaker.watching():
        raise asyncio.CancelledError
    with breaker.watching():
        pass

    assert not breaker.is_open


async def test_awaited_and_blocking_calls_share_it(store, clock):
    """What one learns the other knows."""
    backend = GuardedBackend(store, Breaker(2, 5.0, clock=clock))
    lanes = backend.lanes("q", WeightedLRU())
    store.away = True
    step = next(lanes.stats())

    with pytest.raises(BackendUnavailable, match="store is away"):
        await backend.aperform(step)
    with pytest.raises(BackendUnavailable, match="store is away"):
        drive(backend, lanes.stats())
    with pytest.raises(BackendUnavailable, match="in a row"):
        await backend.aperform(step)

    assert backend.breaker.is_open


def test_many_threads_open_it_once(store, changes):
    """However many calls fail together, one change is told."""
    breaker = Breaker(3, 60.0, lambda *change: changes.append(change[0]))
    queue = Queue("q", backend=GuardedBackend(store, breaker))
    store.away = True

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: fail(queue, 50), range(8)))

    assert changes == [True]


def test_a_callback_that_raises_is_logged(store, caplog):
    """And stops nothing: the caller sees the store's error."""

    def hurt(is_open, error):
        raise ValueError("no")

    queue = Queue("q", backend=GuardedBackend(store, Breaker(1, 60.0, hurt)))
    store.away = True

    with caplog.at_level(logging.ERROR, "ranch"), pytest.raises(BackendUnavailable, match="store is away"):
        queue.stats()

    assert "telling that the store is away failed" in caplog.text


@pytest.mark.parametrize(("failures", "seconds", "said"), [(0, 5.0, "failures"), (3, 0.0, "seconds")])
def test_numbers_that_cannot_be_are_refused(failures, seconds, said):
    """With the number in the message."""
    with pytest.raises(ConfigError, match=f"{said} must be > 0, not 0"):
        Breaker(failures, seconds)


def test_a_child_forked_in_the_middle_is_not_held_up(queue, store):
    """Another thread of its parent was counting a failure as it was forked: it will never let go in the child."""
    store.away = True

    def fail():
        with pytest.raises(BackendUnavailable):
            queue.enqueue("acme", 1)

    fail()
    with queue.backend.breaker._lock:
        child = Child.doing(fail)
    child.join()
