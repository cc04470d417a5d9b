"""What an error says, and that it survives the way back from a worker."""

from __future__ import annotations

import pickle

import pytest

from ranch import exceptions
from ranch.choice import StrategyChoice
from ranch.exceptions import (
    BackendUnavailable,
    ConfigError,
    JobCancelled,
    JobExpired,
    JobFailed,
    LeaseLost,
    NoResult,
    RanchError,
    ResultNotReady,
    ResultUnknown,
    StrategyMismatch,
)

EXAMPLES = [
    RanchError(),
    RanchError("something"),
    ConfigError("one fault"),
    ConfigError(["one fault", "another"], where="ranch.toml"),
    LeaseLost(["00000000001", "00000000002"]),
    BackendUnavailable("no answer"),
    NoResult("00000000001"),
    ResultUnknown("00000000001", "gone"),
    ResultNotReady("00000000001", 1.5),
    JobFailed("00000000001", "failed", "ValueError: no", "Traceback …"),
    JobCancelled("00000000001", "cancelled"),
    JobExpired("00000000001"),
    StrategyMismatch(StrategyChoice("bid", {"ageing": 0.1}, 2), StrategyChoice("round-robin")),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=repr)
def test_an_error_pickles(error: RanchError) -> None:
    """With its words and its facts: Celery sends errors back as results."""
    back = pickle.loads(pickle.dumps(error))

    assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))


def test_all_errors_are_one_family() -> None:
    """Whoever catches `RanchError` catches them all; each has words for when it is given none."""
    errors = [
        cls
        for name, cls in vars(exceptions).items()
        if isinstance(cls, type) and issubclass(cls, Exception) and name != "PluginWarning"
    ]

    assert all(issubclass(cls, RanchError) for cls in errors)
    assert all(cls.__doc__ for cls in errors)
    assert str(BackendUnavailable()) == "The backend cannot be reached."


def test_several_faults_are_a_list() -> None:
    """One fault stays on the line; several get a line each."""
    assert str(ConfigError("one fault", where="ranch.toml")) == "ranch.toml: one fault"
    assert str(ConfigError(["one", "two"], where="ranch.toml")) == "ranch.toml:\n  - one\n  - two"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("'redis://me:p%40ss&word@host:1/0' is wrong", "'redis://me:***@host:1/0' is wrong"),
        (
            "redis+sentinel://:old@a:1,b:2/main/0?sentinel_password=new&db=1",
            "redis+sentinel://:***@a:1,b:2/main/0?sentinel_password=***&db=1",
        ),
        ("redis://host:6379/0: no @ app.conf.ranch", "redis://host:6379/0: no @ app.conf.ranch"),
    ],
)
def test_faults_of_a_configuration_tell_no_password(fault: str, told: str) -> None:
    """They name the value, and go to logs."""
    assert ConfigError([fault, "another"]).problems == [told, "another"]
    assert told in str(ConfigError(fault))
