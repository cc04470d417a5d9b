"""Decorators for functions that call what may be slow, away or flaky; each for both kinds of functions."""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ranch import CircuitOpen, ConfigError, lane
from ranch.context import current_lane
from ranch.resilience import circuit_breaker, retry_with_backoff, with_timeout
from ranch.testing import FakeClock
from ranch.testing.waiting import wait_until

DECORATORS = [with_timeout(60.0), circuit_breaker(), retry_with_backoff()]


def both(function):
    """Return a function, and a coroutine function that does the same."""

    async def awaited(*args, **kwargs):
        return function(*args, **kwargs)

    return [function, awaited]


def call(function, *args, **kwargs):
    """Call a function of either kind."""
    result = function(*args, **kwargs)
    return asyncio.run(result) if inspect.iscoroutine(result) else result


@pytest.fixture(params=["blocking", "awaited"])
def kind(request):
    """Make a function of that kind."""
    return lambda function: both(function)[request.param == "awaited"]


@pytest.mark.parametrize("decorate", DECORATORS, ids=["timeout", "breaker", "retry"])
def test_a_function_stays_what_it_is(kind, decorate):
    """Its name, its words, its arguments, its result, what it raises, and whether it is to be awaited."""

    def divide(a, b=2):
        """Divide."""
        return a / b

    function = kind(divide)
    decorated = decorate(function)

    assert decorated.__name__ == function.__name__
    assert decorated.__doc__ == function.__doc__
    assert inspect.iscoroutinefunction(decorated) == inspect.iscoroutinefunction(function)
    assert (call(decorated, 4), call(decorated, 9, b=3)) == (2, 3)
    if decorate is not DECORATORS[2]:
        with pytest.raises(ZeroDivisionError):
            call(decorated, 1, 0)


# Timeouts


def test_a_coroutine_that_is_late_is_cancelled():
    """And has ended when its caller goes on."""
    ended = []

    @with_timeout(0.05)
    async def wait():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cleaned up")

    with pytest.raises(TimeoutError, match=r"wait took longer than 0\.05 seconds"):
        asyncio.run(wait())
    assert ended == ["cleaned up"]


def test_a_function_that_is_late_is_interrupted():
    """Its caller goes on in time, and it ends with the next instruction of Python."""
    began, ended = threading.Event(), threading.Event()

    @with_timeout(default_timeout=0.05)
    def spin():
        try:
            began.set()
            while True:
                time.sleep(0.001)
        finally:
            ended.set()

    while not began.is_set():  # its thread may come late, where the machine is busy
        with pytest.raises(TimeoutError, match="spin took longer"):
            spin()
    assert ended.wait(60)


def test_a_thread_that_comes_late_is_left_in_peace(monkeypatch):
    """What is raised in it is raised while the function runs, and in nobody else's code; here it is not even called."""
    go, over, ran = threading.Event(), threading.Event(), []

    class Late(threading.Thread):
        def run(self):
            go.wait(60)
            super().run()
            over.set()

    with monkeypatch.context() as patch:
        patch.setattr(threading, "Thread", Late)
        with pytest.raises(TimeoutError):
            with_timeout(0.01)(ran.append)(1)
    go.set()

    assert over.wait(60)
    assert ran == []


def test_a_call_that_blocks_holds_nobody_up():
    """Its thread is left to it."""
    go = threading.Event()

    @with_timeout(0.05)
    def block():
        go.wait(100)

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        block()
    assert time.monotonic() - began < 60
    go.set()


def test_who_is_cancelled_cancels():
    """Whoever awaits a function with a timeout, and is cancelled, leaves nothing running."""
    ended = []

    @with_timeout(60)
    async def wait():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cleaned up")

    async def main():
        running = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
    assert ended == ["cleaned up"]


def test_a_thread_has_the_context_of_its_caller(kind):
    """Such as the lane around it. An error of its own that is a TimeoutError is told as it is."""

    def where():
        return current_lane()

    def raises():
        raise TimeoutError("mine")

    with lane("acme"):
        assert call(with_timeout(60)(kind(where))) == "acme"
    with pytest.raises(TimeoutError, match="mine"):
        call(with_timeout(60)(kind(raises)))


# Breakers


def flaky(kind, **options):
    """Return a function that fails if it is told to, what it was called with, and its decorated form."""
    calls = []

    def work(fails):
        calls.append(fails)
        if fails:
            raise ConnectionError("away")

    return calls, circuit_breaker(**options)(kind(work))


def test_it_opens_after_failures_and_closes_after_trials(kind, monkeypatch):
    """Five failures of the last minute; then three calls half a minute later have to return."""
    clock = FakeClock()
    monkeypatch.setattr("ranch.resilience.circuit.clock", clock)
    calls, work = flaky(kind)

    for fails in (True, False, True, False, True, True, True):
        if fails:
            with pytest.raises(ConnectionError):
                call(work, fails)
        else:
            call(work, fails)
    with pytest.raises(CircuitOpen, match=r"failed too often, and is not called for another 30\.0 s: .*away"):
        call(work, False)
    assert len(calls) == 7
    clock.advance(30.0)
    call(work, False)
    call(work, False)
    with pytest.raises(ConnectionError):
        call(work, True)
    with pytest.raises(CircuitOpen):
        call(work, False)
    clock.advance(30.0)
    for _ in range(3):
        call(work, False)
    for _ in range(4):
        with pytest.raises(ConnectionError):
            call(work, True)
    call(work, False)


def test_old_failures_do_not_count(kind, monkeypatch):
    """Those before the window, however many."""
    clock = FakeClock()
    monkeypatch.setattr("ranch.resilience.circuit.clock", clock)
    _, work = flaky(kind, failure_threshold=2, window_size=10.0)

    for _ in range(5):
        with pytest.raises(ConnectionError):
            call(work, True)
        clock.advance(10.1)
    call(work, False)


def test_no_more_calls_than_trials(monkeypatch):
    """While the trials are under way, all others fail at once."""
    clock = FakeClock()
    monkeypatch.setattr("ranch.resilience.circuit.clock", clock)
    go, inside = threading.Event(), []

    @circuit_breaker(failure_threshold=1, half_open_max_calls=2)
    def work(fails):
        if fails:
            raise ConnectionError
        inside.append(1)
        go.wait(60)

    with pytest.raises(ConnectionError):
        work(fails=True)
    clock.advance(30.0)
    with ThreadPoolExecutor(2) as pool:
        trials = [pool.submit(work, fails=False) for _ in range(2)]
        wait_until(lambda: len(inside) == 2)
        with pytest.raises(CircuitOpen):
            work(fails=False)
        go.set()
        for trial in trials:
            trial.result(60)
    work(fails=False)
    assert len(inside) == 3


def test_functions_of_one_name_share_a_breaker(kind, request):
    """What one has found out holds for the other; a name stands for one description."""
    _, get = flaky(kind, name=request.node.name, failure_threshold=1)
    _, put = flaky(kind, name=request.node.name, failure_threshold=1)
    _, apart = flaky(kind, failure_threshold=1)

    with pytest.raises(ConnectionError):
        call(get, True)

    with pytest.raises(CircuitOpen, match="test_functions"):
        call(put, False)
    call(apart, False)
    with pytest.raises(ConfigError, match="is another one"):
        circuit_breaker(request.node.name, failure_threshold=2)(flaky)


# Retries


def test_it_is_called_again(kind):
    """As often as was said; then what it raised last is raised."""
    calls = []

    def work(needs):
        calls.append(needs)
        if len(calls) < needs:
            raise ConnectionError(len(calls))
        return "done"

    decorated = retry_with_backoff(max_retries=3, base_delay=0.001, exceptions=(ConnectionError,))(kind(work))

    assert call(decorated, 4) == "done"
    calls.clear()
    with pytest.raises(ConnectionError, match="4"):
        call(decorated, 9)
    assert len(calls) == 4


def test_only_what_was_named_is_retried(kind):
    """Another error is raised at once."""
    calls = []

    def work():
        calls.append(1)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - which has no words
        call(retry_with_backoff(base_delay=0.001, exceptions=ConnectionError)(kind(work)))
    assert len(calls) == 1


def test_it_ends_in_time(kind):
    """No pause is begun that would end after the total timeout."""

    def work():
        raise ConnectionError

    decorated = retry_with_backoff(max_retries=100, base_delay=60.0, max_delay=60.0, total_timeout=5.0)(kind(work))

    began = time.monotonic()
    with pytest.raises(ConnectionError):
        call(decorated)
    assert time.monotonic() - began < 25  # the first pause would last for half a minute, or more


def test_pauses_grow_up_to_a_limit(monkeypatch):
    """Each is twice the one before, but for a part that is left to chance."""
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)

    @retry_with_backoff(max_retries=5, base_delay=1.0, max_delay=4.0, total_timeout=None)
    def work():
        raise ConnectionError

    with pytest.raises(ConnectionError):
        work()

    for pause, most in zip(pauses, [1.0, 2.0, 4.0, 4.0, 4.0], strict=True):
        assert most / 2 <= pause <= most


def test_without_tenacity_it_says_what_to_install(monkeypatch):
    """The other decorators need nothing."""
    monkeypatch.setitem(sys.modules, "tenacity", None)

    with pytest.raises(ConfigError, match=r"pip install 'ranch-scheduler\[resilience\]'"):
        retry_with_backoff()


@pytest.mark.parametrize(
    ("decorator", "options"),
    [
        (with_timeout, {"default_timeout": 0}),
        (circuit_breaker, {"failure_threshold": 0}),
        (circuit_breaker, {"half_open_max_calls": 1.5}),
        (circuit_breaker, {"recovery_timeout": -1}),
        (circuit_breaker, {"window_size": "long"}),
        (circuit_breaker, {"name": print}),
        (retry_with_backoff, {"max_retries": -1}),
        (retry_with_backoff, {"max_retries": 1.5}),
        (retry_with_backoff, {"exceptions": "ConnectionError"}),
        (retry_with_backoff, {"exceptions": [ConnectionError, OSError()]}),
        (retry_with_backoff, {"exceptions": 3}),
        (retry_with_backoff, {"base_delay": "short"}),
        (retry_with_backoff, {"total_timeout": 0}),
    ],
)
def test_a_value_that_cannot_be_is_refused(decorator, options):
    """When the function is decorated, by the name that was given."""
    with pytest.raises(ConfigError, match=next(iter(options))):
        decorator(**options)
