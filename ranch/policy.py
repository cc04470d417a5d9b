"""How long a queue goes on with a job, and how long it remembers."""

from __future__ import annotations

from typing import Final

from attrs import field, frozen

from ranch.checks import checked_count, checked_number


def _checked_ttl(value: object) -> float | None:
    return None if value is None else checked_number(value, "a time to live", positive=True)


def _checked_reclaims(value: object) -> int:
    return checked_count(value, "max_reclaims is")


def _checked_dead(value: object) -> int:
    return checked_count(value, "max_dead is")


@frozen(kw_only=True)
class Policy:
    """What holds for each job and lane of a queue, as far as this process looks after them."""

    #: How often a job may come back from an expired lease before it is a dead letter.
    max_reclaims: int = field(default=3, converter=_checked_reclaims)
    #: Seconds after which a lane is forgotten that has no job and no dead letter, was given no weight, tag, data or
    #: limit, and was not served since: between once and twice as long. None: never.
    lane_ttl: float | None = field(default=3600.0, converter=_checked_ttl)
    #: How many dead letters are kept; the oldest go first.
    max_dead: int = field(default=10_000, converter=_checked_dead)
    #: Seconds for which a dead letter is kept. None: until there are too many.
    dead_ttl: float | None = field(default=30 * 86400.0, converter=_checked_ttl)


#: What holds if nothing else is said.
DEFAULT: Final = Policy()
