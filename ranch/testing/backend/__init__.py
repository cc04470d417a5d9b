"""What every backend must do: each operation's contract, the same picks as memory, and processes that die."""

from __future__ import annotations

from ranch.testing.backend.agreement import Agreement
from ranch.testing.backend.dead import DeadLetters
from ranch.testing.backend.duplicates import Duplicates
from ranch.testing.backend.endings import Endings
from ranch.testing.backend.idle import IdleLanes
from ranch.testing.backend.jobs import Jobs
from ranch.testing.backend.lanes import LanesOfAQueue
from ranch.testing.backend.leases import Leases
from ranch.testing.backend.limits import LimitsAtWork
from ranch.testing.backend.places import Places
from ranch.testing.backend.processes import Processes
from ranch.testing.backend.races import Races
from ranch.testing.backend.rates import Rates
from ranch.testing.backend.results import Results
from ranch.testing.backend.room import Room
from ranch.testing.backend.schedules import Schedules
from ranch.testing.backend.selections import Selections
from ranch.testing.backend.times import Times
from ranch.testing.backend.waits import Waits

__all__ = ["BackendSuite"]


class BackendSuite(
    Jobs,
    Leases,
    Duplicates,
    Endings,
    DeadLetters,
    LanesOfAQueue,
    LimitsAtWork,
    Rates,
    Room,
    IdleLanes,
    Places,
    Waits,
    Results,
    Times,
    Selections,
    Schedules,
    Agreement,
    Processes,
    Races,
):
    """Holds a backend to its contract: subclass it in a test module, with a name that begins with ``Test``.

    A subclass gives `open`, and `open_shared` if several processes can share the store; without it, what is said of
    processes is not tested. For these tests the backend's distribution must be installed, since each process finds it
    by its URL.

    A backend that passes makes the same picks as memory on random histories, loses no job, and hands none to two owners
    at a time, whatever process is killed whenever.
    """
