"""What the operations of a random history are given."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from ranch.limits import Rate
from ranch.selection import selections

LANES: Final = st.sampled_from(["a", "b", "c", "d", "ü|{e}"])
#: What is said of jobs beside cost and bid.
OPTIONS: Final = st.fixed_dictionaries(
    {"priority": st.integers(1, 6), "delay": st.sampled_from([0.0, 0.0, 0.0, 0.001, 1.5, 90.0, -2.0])},
    optional={
        "expires": st.sampled_from([0.5, 1.5, 15.0]),
        "lease": st.sampled_from([0.5, 40.0]),
        "dedup_key": st.sampled_from(["k", "ü|"]),
        "dedup_for": st.sampled_from([1.0, 30.0]),
        # Long, for a store may go by its own time to remove what is kept.
        "result_ttl": st.sampled_from([60.0, 3600.0]),
    },
)
LIMITS: Final = st.fixed_dictionaries(
    {},
    optional={
        "paused": st.sampled_from([True, None, None]),
        "max_in_flight": st.sampled_from([1, 2, None]),
        "rate": st.sampled_from([Rate(1), Rate(3, 10.0, burst=2), Rate(7, 0.01), None]),
        "max_pending": st.sampled_from([1, 3, None]),
        "overflow": st.sampled_from(["drop-oldest", None]),
        "expires": st.sampled_from([1.0, 30.0, None]),
    },
)
TAGS: Final = st.fixed_dictionaries(
    {}, optional={"tier": st.sampled_from(["gold", "ü", None]), "team": st.sampled_from(["red", None])}
)
#: What claims are restricted to; of every other one to nothing.
SELECTIONS: Final = st.just(()) | st.sampled_from(
    [
        selections(["a", "b"], None),
        selections(["ü*"], ["c", "a"]),
        selections(["d"], ["*"]),
        selections([], ["b", "*|*"]),
    ]
)
