"""Lottery: each service is a draw, and a lane's chance is in proportion to 1/weight."""

from __future__ import annotations

import math
from typing import ClassVar

from attrs import field, frozen, validators

from ranch.strategies.twin import twin_of
from ranch.typing import LaneView, QueueClock, Strategy

#: A prime below 2**26, so products stay below 2**52, exact in Lua too; and 2 modulo 3, so cubing is one to one.
PRIME = 67_108_859
#: What parts one round from the next.
ROUND = 41_421_356


@frozen
class Lottery(Strategy):
    """Draw the next lane at random, backlogged lanes with chances in proportion to 1/weight.

    Each lane has a clock that rings after a random time, exponentially distributed with mean weight; the first to ring
    is served. Such a clock has no memory, so a lane that is passed over need not draw anew: it draws when it enters,
    and when it was served. A service of cost c is followed by a time of mean ``weight * c``, so it is cost that is
    shared, as with the compensation tickets of the source.

    Guarantee: of n jobs of cost 1 claimed while the same lanes are backlogged, a lane's part is n * p in expectation,
    with p its 1/weight over the sum of them, and the standard deviation is ``sqrt(n * p * (1 - p))``. The chance to be
    passed over k times in a row is ``(1 - p)**k``.

    The draws follow from `seed` and the number of the service, so the same history gives the same picks.

    Source: C. Waldspurger, W. Weihl, "Lottery scheduling: flexible proportional-share resource management", OSDI 1994.
    """

    #: Another seed, another sequence of draws.
    seed: int = field(default=0, validator=[validators.instance_of(int), validators.ge(0), validators.lt(PRIME)])

    lua: ClassVar[str | None] = twin_of(__name__)

    def enter(self, lane: LaneView, clock: QueueClock) -> float:
        return clock.virtual + lane.weight * self._wait(clock.tick)

    def served(self, lane: LaneView, clock: QueueClock, cost: float) -> float:
        return clock.virtual + lane.weight * cost * self._wait(clock.tick)

    def _wait(self, tick: int) -> float:
        """Return the random number of a tick, exponentially distributed with mean 1."""
        x = tick % PRIME
        for number in range(1, 5):  # the cipher MiMC: cheap in Lua, and mixes well
            x = (x + self.seed + number * ROUND) % PRIME
            x = x * x % PRIME * x % PRIME
        # Logarithms may differ in the last digit from one C library to another.
        return math.floor(-math.log((x + 0.5) / PRIME) * 2**20 + 0.5) / 2**20
