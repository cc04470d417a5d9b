"""What all processes of the chaos go by: the queue, its lanes, and how long things take."""

from __future__ import annotations

from typing import Any, Final

QUEUE: Final = "chaos"
#: Seconds for which a job is leased, if its claim says nothing else.
LEASE: Final = 1.5
STRATEGIES: Final = ("weighted-lru", "round-robin", "bid", "priority", "lottery")
#: The limits of each lane. They stay what they are, so that they can be checked afterwards.
LANES: Final[dict[str, dict[str, Any]]] = {
    **{f"free{number}": {} for number in range(6)},
    "capped-1": {"max_in_flight": 1},
    "capped-3": {"max_in_flight": 3},
    "rated": {"rate": "20/s"},
    "expiring": {"expires": 1.0},
    "dropping": {"max_pending": 15, "overflow": "drop-oldest"},
    "full": {"max_pending": 15},
    "paused-0": {},
    "paused-1": {"max_in_flight": 2},
}
#: Those that are paused now and then.
PAUSED: Final = ("paused-0", "paused-1")
#: For how long claims in the lane with a rate are apart, in seconds.
RATE_INTERVAL: Final = 0.05
#: The whole queue's limit.
MAX_IN_FLIGHT: Final = 16
#: While more jobs than this wait, nobody enqueues.
MOST_PENDING: Final = 400
KEYS: Final = 30
