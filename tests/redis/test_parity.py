"""The definition in Python and the scripts on a real server, through the same random histories."""

from __future__ import annotations

import random
from typing import Any

import pytest
from attrs import evolve

from ranch.backends.memory import MemoryBackend
from ranch.backends.redis import RedisBackend
from ranch.model import Claim, LaneUpdate, NewJob, Priority
from ranch.steps import drive
from ranch.strategies import Bid, RoundRobin, WeightedLRU

STEPS = 800


class Both:
    """Two backends that must give the same answer to everything."""

    def __init__(self, redis_url: str, strategy: Any) -> None:
        self.now = 1_800_000_000.0
        self.memory = MemoryBackend(clock=lambda: self.now)
        self.redis = RedisBackend(redis_url, clock=lambda: self.now)
        self.lanes = [(backend, backend.lanes("q", strategy)) for backend in (self.memory, self.redis)]

    def __call__(self, operation: str, *args: Any) -> Any:
        expected, actual = (drive(backend, getattr(lanes, operation)(*args)) for backend, lanes in self.lanes)
        if isinstance(expected, Claim) and expected.idle_for is not None:
            # A difference of two floats there, of whole milliseconds here.
            expected = evolve(expected, idle_for=round(expected.idle_for, 3))
        assert actual == expected, f"{operation}{args}"
        return actual


def random_update(rng: random.Random, lane: str) -> LaneUpdate:
    """A change of some of what a lane has."""
    return LaneUpdate(
        key=lane,
        weight=rng.choice([None, 0.1, 0.5, 1.0, 2.0, rng.uniform(0.01, 9)]),
        tags={rng.choice("st"): rng.choice([None, "u", "v"])} if rng.random() < 0.4 else None,
        data={rng.choice(["bid", "plan"]): rng.choice([None, 1, 2.5, -3, "9", [1], 1e16])}
        if rng.random() < 0.6
        else None,
    )


@pytest.mark.parametrize(
    "strategy",
    [WeightedLRU(), RoundRobin(), Bid(), Bid(ageing=0.5)],
    ids=["weighted-lru", "round-robin", "bid", "bid-ageing"],
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_histories_end_the_same(redis_url: str, strategy: Any, seed: int) -> None:
    """Every answer, lane and number is the same on Redis as in memory, after every step."""
    rng, both = random.Random(seed), Both(redis_url, strategy)
    names = ["a", "b", "c", "d", "é}{:", "0" * 256]
    held: list[Any] = []

    for step in range(STEPS):
        both.now = round(both.now + rng.choice([0, 0, 0.001, 0.25, 1, 7]), 3)
        match rng.choice(["enqueue"] * 5 + ["claim"] * 4 + ["ack", "release", "renew", "update", "reclaim"]):
            case "enqueue":
                both(
                    "enqueue",
                    [
                        NewJob(
                            lane=rng.choice(names),
                            body=rng.randbytes(rng.choice([0, 1, 40])),
                            content_type=rng.choice(["application/json", "text/x-own"]),
                            priority=rng.choice(list(Priority)),
                            cost=rng.choice([1, 1, 0.3, 5]),
                            delay=rng.choice([0, 0, 0, 0.5, 3, 20]),
                        )
                        for _ in range(rng.randint(1, 4))
                    ],
                )
            case "claim":
                held += both("claim", rng.randint(1, 5), rng.choice([0.5, 3, 30])).leases
            case "renew":
                both("renew", rng.choices(held, k=3) if held else [], rng.choice([0.5, 60]))
            case "ack" | "release" as operation:
                chosen = rng.choices(held, k=rng.randint(0, 4)) if held else []
                both(operation, chosen, *([rng.choice([0, 0, 2])] if operation == "release" else []))
                if rng.random() < 0.8:
                    held = [lease for lease in held if lease not in chosen]
            case "update":
                both("update", [random_update(rng, rng.choice(names)) for _ in range(2)])
            case "reclaim":
                both("reclaim", rng.choice([1, 3, 50]))
        both("read", [*names, "never used"])
        both("stats")
        if step % 20 == 0:
            both("keys", ("s", "u"))
            both("keys")
