from __future__ import annotations

from typing import Any

import pytest

from ranch import ConfigError
from ranch.config import Config


def resolve(settings: Any) -> Config:
    """Resolve settings as the embedding does."""
    return Config.resolve(settings, where="app.conf.ranch")


def test_nothing_set_is_the_default() -> None:
    """No setting is needed."""
    assert resolve({}) == Config()


def test_settings_are_taken() -> None:
    """Each setting arrives."""
    config = resolve({"backend": "sqlite:///r.db", "lease": 5, "strategies": {"mail": {"name": "bid", "ageing": 0.1}}})
    assert (config.backend, config.lease) == ("sqlite:///r.db", 5.0)
    assert config.strategy_of("mail") == {"name": "bid", "ageing": 0.1}
    assert config.strategy_of("other") == "weighted-lru"


def test_old_names_of_keys_work() -> None:
    """What was written `redis_prefix` is the prefix."""
    assert resolve({"redis_prefix": "mine:"}).prefix == "mine:"


def test_all_faults_come_in_one_error() -> None:
    """Every fault is reported at once, with its value and its place."""
    with pytest.raises(ConfigError) as caught:
        resolve(
            {
                "backnd": "sqlite:///r.db",
                "prefix": 7,
                "lease": 0,
                "share": 1.5,
                "strategy": "wieghted-lru",
                "strategies": {"mail": {"name": "bid", "agening": 1}},
            }
        )
    text = str(caught.value)
    for part in (
        "unknown key 'backnd', did you mean 'backend'?",
        "got int 7",
        "lease must be a number of seconds > 0, not 0",
        "share must be a number from 0 to 1, not 1.5",
        "'wieghted-lru'",
        "unknown key 'agening', did you mean 'ageing'? @",
        "app.conf.ranch.strategies['mail']",
    ):
        assert part in text, text
    assert len(caught.value.problems) == 6


@pytest.mark.parametrize("lease", [-1, float("nan"), float("inf")])
def test_a_lease_is_a_time(lease: float) -> None:
    """A lease that never or always has expired is refused."""
    with pytest.raises(ConfigError, match="lease must be"):
        resolve({"lease": lease})


def test_two_names_of_one_key_must_agree() -> None:
    """Nobody has to guess which of the two counts."""
    with pytest.raises(ConfigError, match="'redis_prefix' is another name for 'prefix'"):
        resolve({"redis_prefix": "a:", "prefix": "b:"})


def test_settings_are_a_mapping() -> None:
    """A URL alone is no configuration."""
    with pytest.raises(ConfigError, match="expected a mapping"):
        resolve("sqlite:///r.db")


def test_a_delivery_is_one_of_two() -> None:
    """A promise that ranch does not know is refused."""
    assert resolve({"delivery": "at-least-once"}).delivery == "at-least-once"
    with pytest.raises(ConfigError, match=r"'as-task' or 'at-least-once', got 'exactly-once' @ app\.conf\.ranch"):
        resolve({"delivery": "exactly-once"})
