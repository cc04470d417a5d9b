"""What scripts could not ask a strategy without a twin, and the answers.

A question is two words: the lane's key, and what the strategy would have been shown, little-endian, without padding:
the tick, in six bytes; then as floats virtual time, now, the cost of the job served or 0 on an entry, and the lane's
weight, tag, since, cost and bid; then its priority in one byte; then as floats the custom data that the strategy reads.
What there is not is NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isnan
from struct import Struct
from typing import Final

from ranch.backends.asking import Asker
from ranch.backends.rows import QueueRow
from ranch.backends.views import Reads, View

# The tick is six bytes, which struct has no letter for: four and two.
_QUESTION: Final = Struct("<IHddddddddB")
_NUMBER: Final = Struct("<d")


def answer(asker: Asker, asked: Sequence[bytes]) -> Iterable[tuple[str, int, str, str]]:
    """Ask the strategy; return for each lane its key, the tick of the last question about it, the rank, and the step.

    The step is by how much the service has raised the lane's rank, 0 if it has not; empty on an entry.

    A lane about which one call asks several times was served several times: each answer is the tag for the next, as if
    the strategy had been asked in between.
    """
    names = Reads.of(asker.strategy).data
    ranks: dict[str, tuple[int, float, str]] = {}
    for name, packed in zip(asked[::2], asked[1::2], strict=True):
        low, high, virtual, now, served, weight, tag, since, cost, bid, priority = _QUESTION.unpack_from(packed)
        key, tick = name.decode(), high << 32 | low
        if key in ranks:
            _, tag, _ = ranks[key]
            virtual = max(virtual, tag) if served else virtual
        numbers = (number for (number,) in _NUMBER.iter_unpack(packed[_QUESTION.size :]))
        data = {name: number for name, number in zip(names, numbers, strict=True) if not isnan(number)}
        lane = View(key, weight, tag, data, since, priority, cost, None if isnan(bid) else bid)
        rank = asker.rank(lane, QueueRow(virtual=virtual, tick=tick, now=now), served or None)
        ranks[key] = tick, rank, repr(max(0.0, rank - tag)) if served else ""
    return [(key, tick, repr(rank), step) for key, (tick, rank, step) in ranks.items()]
