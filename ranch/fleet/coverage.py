"""Who serves which lanes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import field, frozen

from ranch.fleet.members import FleetWorker
from ranch.selection import ANYTHING, Selection


@frozen(kw_only=True)
class Coverage:
    """Which lanes of a queue are served by which workers, as far as the fleet's configuration says it."""

    #: By each name and pattern that is assigned, and each lane that was asked about, the ids of its workers.
    assigned: Mapping[str, Sequence[str]]
    #: The same of those that steal.
    steal: Mapping[str, Sequence[str]]
    #: Lanes that were asked about and are assigned to nobody; some of them may be stolen from.
    unassigned: Sequence[str] = field(factory=tuple)
    #: Workers that serve all lanes.
    everywhere: Sequence[str] = field(factory=tuple)

    @classmethod
    def of(cls, workers: Sequence[FleetWorker], lanes: Iterable[str] = ()) -> Coverage:
        """Return it for the workers of one queue.

        Args:
            workers: That work on it.
            lanes: About which to tell, beside those that are named.
        """
        asked = list(dict.fromkeys(lanes))
        assigned = _by_lane([(worker.id, worker.assigned) for worker in workers], asked)
        everywhere = [worker.id for worker in workers if worker.assigned is None]
        return cls(
            assigned=assigned,
            steal=_by_lane([(worker.id, worker.steal) for worker in workers if worker.steal], asked),
            unassigned=[lane for lane in asked if lane not in assigned],
            everywhere=everywhere,
        )


def _by_lane(workers: Sequence[tuple[str, list[str] | None]], asked: Sequence[str]) -> dict[str, list[str]]:
    named = {lane for _, lanes in workers for lane in lanes or ()}
    chosen = [(worker, None if lanes is None else Selection.of(lanes), lanes) for worker, lanes in workers]
    found = {}
    for lane in (*sorted(named), *(lane for lane in asked if lane not in named)):
        ids = [
            worker
            for worker, selection, lanes in chosen
            if selection is None or lane in (lanes or ()) or (ANYTHING not in lane and lane in selection)
        ]
        if ids:
            found[lane] = ids
    return found
