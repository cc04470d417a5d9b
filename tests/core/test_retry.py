"""When a failed job is tried again: a pure function of its failures and its age."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranch import InvalidJob, Retry
from ranch.retry import DEFAULT

SECONDS = st.floats(0, 1e6)
FAILURES = st.integers(1, 10_000)


@given(delay=SECONDS, failures=FAILURES)
def test_a_fixed_delay_is_fixed(delay: float, failures: int) -> None:
    """The same after each failure, until the attempts are used up: the first one counts."""
    retry = Retry.fixed(delay, max_attempts=7)

    assert retry.delay(failures) == (delay if failures < 7 else None)


@given(base=st.floats(1, 10), low=st.floats(0, 100), more=st.floats(0, 1e6), failures=FAILURES)
def test_an_exponential_delay_grows_up_to_its_limit(base: float, low: float, more: float, failures: int) -> None:
    """From `min_delay` on, never less than before, and never more than `max_delay`, however often it has failed."""
    retry = Retry.exponential(base, min_delay=low, max_delay=low + more, max_attempts=None, jitter=0)
    first, delay, later = retry.delay(1), retry.delay(failures), retry.delay(failures + 1)

    assert first == low
    assert delay is not None
    assert later is not None
    assert low <= delay <= later <= low + more


def test_an_exponential_delay_multiplies() -> None:
    """1, 2, 4, 8 seconds and so on."""
    retry = Retry.exponential(max_attempts=8, jitter=0)

    assert [retry.delay(failures) for failures in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, None]


def test_a_list_of_delays_is_used_once() -> None:
    """One delay for each failure, and then no more; with more attempts the last one is repeated."""
    once, longer = Retry.custom([60, 300, 1800]), Retry.custom([60, 300], max_attempts=5)

    assert [once.delay(failures) for failures in range(1, 5)] == [60, 300, 1800, None]
    assert [longer.delay(failures) for failures in range(1, 6)] == [60, 300, 300, 300, None]


def test_a_function_decides_for_itself() -> None:
    """Of the number of failures; None gives the job up."""
    retry = Retry.custom(lambda failures: None if failures == 3 else failures * 10)

    assert [retry.delay(failures) for failures in (1, 2, 3, 4)] == [10, 20, None, 40]
    with pytest.raises(InvalidJob, match="function returned"):
        Retry.custom(lambda _: "soon").delay(1)


@given(delay=st.floats(0, 100), timeout=st.floats(1, 200), elapsed=st.floats(0, 300))
def test_no_attempt_begins_after_the_timeout(delay: float, timeout: float, elapsed: float) -> None:
    """The whole time counts, from the enqueue on."""
    answer = Retry.fixed(delay, timeout=timeout).delay(1, elapsed)

    assert answer == (delay if elapsed + delay <= timeout else None)


@given(delay=SECONDS, jitter=st.floats(0, 1), failures=st.integers(1, 4))
def test_jitter_only_shortens(delay: float, jitter: float, failures: int) -> None:
    """By its part of the delay at most: who sets a limit can rely on it."""
    answer = Retry.fixed(delay, jitter=jitter).delay(failures)

    assert answer is not None
    assert delay * (1 - jitter) <= answer <= delay


def test_jitter_parts_what_failed_together() -> None:
    """A hundred jobs do not come back at the same instant."""
    retry = Retry.exponential()

    assert len({retry.delay(3) for _ in range(100)}) > 90


def test_never_is_never() -> None:
    """The first failure is the last."""
    assert Retry.never().delay(1) is None


def test_without_a_word_there_are_five_attempts() -> None:
    """After 1, 2, 4 and 8 seconds, or a little sooner."""
    delays = [DEFAULT.delay(failures) for failures in range(1, 6)]

    assert delays.pop() is None
    for delay, most in zip(delays, (1, 2, 4, 8), strict=True):
        assert delay is not None
        assert 0.9 * most <= delay <= most


def test_a_retry_is_a_value() -> None:
    """It can be compared, printed and sent to another process."""
    for retry in (Retry.fixed(5), Retry.exponential(3), Retry.custom([1, 2]), Retry.never()):
        assert pickle.loads(pickle.dumps(retry)) == retry
        assert "schedule=" in repr(retry)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Retry.fixed(-1), "a delay must be a finite number >= 0, not -1"),
        (lambda: Retry.fixed("5"), "a number, not str '5'"),
        (lambda: Retry.fixed(5, max_attempts=0), "max_attempts is a whole number, at least 1, not 0"),
        (lambda: Retry.fixed(5, timeout=0), "timeout"),
        (lambda: Retry.fixed(5, jitter=1.5), "from 0 to 1, not 1.5"),
        (lambda: Retry.exponential(0.5), "at least 1, not 0.5"),
        (lambda: Retry.exponential(min_delay=5, max_delay=1), "max_delay, 1.0, is less than min_delay, 5.0"),
        (lambda: Retry.custom([]), "Retry.never"),
        (lambda: Retry.custom("5"), "not '5'"),
        (lambda: Retry.custom([1, None]), "a delay is a number"),
        (lambda: Retry.fixed(5).delay(0), "failures"),
    ],
)
def test_what_cannot_be_is_refused(make: object, said: str) -> None:
    """With the value, and what it should be."""
    with pytest.raises(InvalidJob, match=said):
        make()
