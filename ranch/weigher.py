"""Weighing lanes: a weight function is asked at few moments, and what it says is kept on the lane."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Final

from attrs import evolve

from ranch.checks import checked_number
from ranch.exceptions import InvalidJob
from ranch.metadata import LaneMetadata
from ranch.model import Lane, LaneUpdate, Lease, merged
from ranch.seldom import SeldomLine
from ranch.steps import Steps
from ranch.times import Times
from ranch.typing import Lanes, WeightFunction

log = logging.getLogger("ranch")

#: How many lanes are remembered to have been looked at, before those of long ago are forgotten.
_REMEMBERED: Final = 1000


class Weigher:
    """Keeps the weights of one queue's lanes at what a weight function says of them.

    Safe to share between threads; two that serve a lane at the same instant may both look at it.

    Args:
        function: The weight function.
        lanes: The lanes that it weighs.
        refresh: Seconds for which a lane is not looked at again, however often it is served.
    """

    def __init__(self, function: WeightFunction, lanes: Lanes, refresh: float) -> None:
        self.function = function
        #: How long jobs take; None if the function does not read it.
        self.times = Times() if "mean_time" in getattr(function, "reads", ()) else None
        self._lanes = lanes
        self._refresh = refresh
        # When each lane was looked at. No lock, which a fork could inherit locked: single operations need none.
        self._looked_at: dict[str, float] = {}
        self._room = _REMEMBERED
        self._faults = SeldomLine(logging.WARNING)

    @property
    def errors(self) -> int:
        """How often the function gave no weight."""
        return self._faults.count

    def weigh(self, lane: Lane) -> float:
        """Ask the function for the weight of a lane; where it gives none, return the weight that was set."""
        try:
            return checked_number(self.function(lane.key, LaneMetadata.of(lane)), "a weight", positive=True)
        except InvalidJob as exc:
            self._fault(lane, str(exc), None)
        except Exception as exc:  # noqa: BLE001 - whatever a stranger's function raises
            self._fault(lane, f"{type(exc).__name__}: {exc}", exc)
        return lane.weight

    def _fault(self, lane: Lane, what: str, exc: Exception | None) -> None:
        self._faults.say(
            "weight function %r fails on lane %r, which keeps its own weight, %r: %s",
            self.function,
            lane.key,
            lane.weight,
            what,
            error=exc,
        )

    def weighed(self, change: LaneUpdate) -> Steps[LaneUpdate]:
        """Return a change of a lane together with the weight that follows from it. One round trip."""
        (lane,) = yield from self._lanes.read([change.key])
        self._remember([change.key], monotonic())
        weight = self.weigh(_changed(lane, change))
        # A weight that is set would count, if nothing else were said.
        is_new = change.weight is not None or weight != lane.effective_weight
        return evolve(change, effective_weight=weight) if is_new else change

    def served(self, leases: Iterable[Lease]) -> Steps[None]:
        """Look at the lanes that were served, but those looked at lately.

        It raises nothing: the leases are there, and must get to their owner.
        """
        if keys := self._due({lease.job.lane: None for lease in leases}):
            try:
                yield from self.look(keys)
            except Exception as exc:  # noqa: BLE001 - also that the queue has another strategy by now
                log.warning("the weights of %d lanes stay as they are, for now: %s", len(keys), exc)

    def look(self, keys: Sequence[str]) -> Steps[int]:
        """Ask for the weights of lanes, and keep what is new; return how many weights are.

        One round trip, and one more if there was something to keep; on Redis, for each hundred lanes.
        """
        lanes = yield from self._lanes.read(keys)
        changes, changed = [], 0
        for lane in lanes:
            mean_time = self.times.mean(lane.key, lane.mean_time) if self.times else None
            weight = self.weigh(evolve(lane, mean_time=mean_time))
            if weight != lane.effective_weight:
                changed += 1
                changes.append(LaneUpdate(key=lane.key, effective_weight=weight, mean_time=mean_time))
            elif self.times and mean_time != lane.mean_time:
                changes.append(LaneUpdate(key=lane.key, mean_time=mean_time))
        if changes:
            yield from self._lanes.update(changes)
        return changed

    def _due(self, keys: Mapping[str, None]) -> list[str]:
        """Return those not looked at lately, which they are now."""
        now = monotonic()
        due = [key for key in keys if now - self._looked_at.get(key, -math.inf) >= self._refresh]
        self._remember(due, now)
        return due

    def _remember(self, keys: Iterable[str], now: float) -> None:
        self._looked_at.update(dict.fromkeys(keys, now))
        if len(self._looked_at) > self._room:
            lately = {key: at for key, at in self._looked_at.copy().items() if now - at < self._refresh}
            self._looked_at, self._room = lately, max(_REMEMBERED, 2 * len(lately))


def _changed(lane: Lane, change: LaneUpdate) -> Lane:
    return evolve(
        lane,
        weight=lane.weight if change.weight is None else change.weight,
        tags=merged(lane.tags, change.tags),
        data=merged(lane.data, change.data),
    )
