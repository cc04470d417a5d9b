"""Lanes and the queue as a whole: changed, and read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ranch.answers import Fault
from ranch.checks import checked_key
from ranch.choice import StrategyChoice
from ranch.exceptions import InvalidJob
from ranch.explain import Explanation
from ranch.hooks.details import LaneChanged
from ranch.limits import Limits, checked_limits
from ranch.model import JSONValue, Lane, LaneUpdate, QueueStats
from ranch.operations.core import PER_CALL, Core, checked_id, chunks
from ranch.steps import Steps
from ranch.typing import Strategy


class LaneOperations(Core):
    """Weights, limits, the strategy, and what there is to be seen of them."""

    __slots__ = ()

    def update_lane(
        self,
        key: str,
        *,
        weight: float | None = None,
        tags: Mapping[str, str | None] | None = None,
        data: Mapping[str, JSONValue] | None = None,
        limits: Mapping[str, Any] | None = None,
    ) -> Steps[None]:
        change = LaneUpdate(key=key, weight=weight, tags=tags, data=data, limits=limits)
        if self.weigher:
            change = yield from self.weigher.weighed(change)
        yield from self.lanes.update([change])
        if self.events.lane_changed:
            self.events.lane_changed(LaneChanged(queue=self.name, change=change))

    def read_lane(self, key: str) -> Steps[Lane]:
        (lane,) = yield from self.lanes.read([key])
        return lane

    def read_lanes(self, tag: tuple[str, str] | None) -> Steps[list[Lane]]:
        lanes: list[Lane] = []
        if tag is not None:
            tag = checked_key(tag[0], "tag"), checked_key(tag[1], "tag value")
        for chunk in chunks((yield from self.lanes.keys(tag)), PER_CALL):
            lanes += yield from self.lanes.read(chunk)
        return lanes

    def refresh_weights(self) -> Steps[int]:
        changed = 0
        if self.weigher:
            for chunk in chunks((yield from self.lanes.keys(backlogged=True)), PER_CALL):
                changed += yield from self.weigher.look(chunk)
        return changed

    @property
    def weight_errors(self) -> int:
        return self.weigher.errors if self.weigher else 0

    def limit(self, changes: Mapping[str, Any]) -> Steps[Limits]:
        if changes.get("overflow") == "drop-oldest":
            raise InvalidJob("overflow='drop-oldest' is for a lane: a queue cannot say whose job to drop")
        return (yield from self.lanes.limit(checked_limits(changes)))

    def stats(self) -> Steps[QueueStats]:
        return (yield from self.lanes.stats())

    def explain(self, job_id: str | None, lane: str | None) -> Steps[Explanation]:
        if (job_id is None) == (lane is None):
            raise InvalidJob("it is one job that is explained, or one lane: explain(job_id) or explain(lane=…)")
        stored = None if job_id is None else (yield from self.lanes.find(checked_id(job_id)))
        letter = None
        if stored and stored.state == "dead":
            letter = yield from self.lanes.letter(stored.job.id)
        key = stored.job.lane if stored else lane
        if key is None:
            return Explanation(queue=self.name, job_id=job_id, state="unknown")
        found = yield from self.read_lane(checked_key(key))
        standing = yield from self.lanes.standing(key)
        limits = yield from self.lanes.limit({})
        return Explanation.of(
            self.name, stored=stored, letter=letter, lane=found, standing=standing, queue_limits=limits
        )

    def check(self, *, repair: bool) -> Steps[list[Fault]]:
        return (yield from self.lanes.check(repair=repair))

    # The queue's strategy

    def read_strategy(self) -> Steps[StrategyChoice | None]:
        return (yield from self.lanes.read_strategy())

    def set_strategy(self, strategy: str | Mapping[str, Any] | Strategy) -> Steps[StrategyChoice]:
        return (yield from self.lanes.set_strategy(self.plugins.choice(self.plugins.strategy(strategy))))
