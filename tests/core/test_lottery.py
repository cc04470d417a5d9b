"""The lottery's chances."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import sqrt
from random import Random

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from ranch import ConfigError, Queue
from ranch.strategies import Lottery

WEIGHTS = st.lists(st.sampled_from([0.25, 0.5, 1.0, 1.7, 3.0]), min_size=2, max_size=5)
SEEDS = st.integers(0, 67_108_858)


def draws(weights: list[float], seed: int, services: int, cost: float = 1.0) -> list[int]:
    """Serve lanes that never run empty; return who was served, by the place of its weight."""
    queue = Queue("q", backend="memory://", strategy={"name": "lottery", "seed": seed}, lease=1e9)
    for lane, weight in enumerate(weights):
        queue.lane(str(lane)).update(weight=weight)
        # The first lane's jobs are of that cost, the others' of 1.
        queue.enqueue_many([(str(lane), None)] * 2, cost=1.0 if lane else cost)
    served = []
    for _ in range(services):
        lease = queue.claim()
        assert lease is not None
        served.append(int(lease.job.lane))
        queue.enqueue(lease.job.lane, None, cost=lease.job.cost)
        lease.ack()
    return served


@settings(max_examples=200)
@given(weights=WEIGHTS, seed=SEEDS)
def test_shares_keep_to_the_binomial_bound(weights: list[float], seed: int) -> None:
    """Of n services a lane gets n * p, p being its part of all 1/weight, within 6 of sqrt(n * p * (1 - p))."""
    n = 200
    counts = Counter(draws(weights, seed, n))

    for lane, weight in enumerate(weights):
        p = (1 / weight) / sum(1 / other for other in weights)
        assert abs(counts[lane] - n * p) <= 6 * sqrt(n * p * (1 - p))


def test_shares_over_a_long_run() -> None:
    """Weights 0.5, 1 and 2 get 4/7, 2/7 and 1/7 of 7,000 services, within 3 standard deviations."""
    n = 7_000
    counts = Counter(draws([0.5, 1.0, 2.0], 0, n))

    for lane, p in enumerate((4 / 7, 2 / 7, 1 / 7)):
        assert abs(counts[lane] - n * p) <= 3 * sqrt(n * p * (1 - p))


def test_draws_do_not_know_of_one_another() -> None:
    """After either lane, the chances of the next are the same; so lanes are passed over in streaks, as by chance."""
    n = 7_000
    pairs = Counter(pairwise(draws([1.0, 1.0], 0, n)))

    assert all(abs(pairs[a, b] - n / 4) <= 4 * sqrt(n * 1 / 4 * 3 / 4) for a in (0, 1) for b in (0, 1))


def test_a_dear_job_is_charged() -> None:
    """It is cost that is shared: of two lanes of one weight, the one with jobs of cost 5 gets a fifth of the jobs."""
    n = 7_000
    counts = Counter(draws([1.0, 1.0], 0, n, cost=5.0))

    assert counts[0] / n == pytest.approx(1 / 6, rel=0.05)


@settings(max_examples=20)
@given(seed=SEEDS)
def test_a_history_is_repeatable(seed: int) -> None:
    """The same seed draws the same, another seed does not."""
    weights = [1.0, 1.0, 2.0]

    assert draws(weights, seed, 60) == draws(weights, seed, 60) != draws(weights, (seed + 1) % 67_108_859, 60)


def test_the_twin_draws_the_same_to_the_last_bit(redis_url: str) -> None:
    """Python and Lua agree on the draws of all seeds and ticks, however late in a queue's life."""
    random, client = Random(0), redis.Redis.from_url(redis_url)
    for seed in (0, 1, 67_108_858):
        lottery = Lottery(seed=seed)
        ticks = [random.randrange(2**bits) for bits in range(1, 49) for _ in range(20)]
        drawn = client.eval(
            f"local options = {{ seed = {seed} }} {lottery.lua} local drawn = {{}} "
            "for i, tick in ipairs(ARGV) do drawn[i] = string.format('%.17g', wait(tonumber(tick))) end return drawn",
            0,
            *ticks,
        )
        assert [float(value) for value in drawn] == [lottery._wait(tick) for tick in ticks]
    client.close()


@pytest.mark.parametrize("seed", [-1, 67_108_859, 0.5])
def test_a_seed_is_a_whole_number_below_the_prime(seed: object) -> None:
    """What would be drawn otherwise in Lua than in Python is refused."""
    with pytest.raises(ConfigError, match="seed"):
        Queue("q", backend="memory://", strategy={"name": "lottery", "seed": seed})
