"""Lanes that follow their queue's strategy when it is set to another one."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ranch.answers import Claim, Fault, JobPage, LetterPage, Outcome, Plan, Receipt, Return, Standing, StoredJob
from ranch.choice import StrategyChoice
from ranch.exceptions import ConfigError, StrategyMismatch
from ranch.hooks.manager import Plugins
from ranch.letters import DeadLetter, Death
from ranch.limits import Limits
from ranch.model import Job, Lane, LaneUpdate, Lease, NewJob, QueueStats
from ranch.policy import DEFAULT, Policy
from ranch.schedule import Schedule
from ranch.selection import Selection
from ranch.steps import Steps
from ranch.typing import NO_RESULTS, Backend, Lanes, Strategy

log = logging.getLogger("ranch")


class AgreedLanes:
    """The lanes of a queue, under the strategy that the queue has: `Lanes` for whoever need not know of the others.

    What ranks lanes is refused by the backend when the queue was set to another strategy since. Then these lanes take
    that one over and do it again.

    Raises:
        StrategyMismatch: From what ranks lanes, if another process uses the queue under another strategy, and nobody
            has set one.
    """

    def __init__(
        self, queue: str, backend: Backend, strategy: Strategy, plugins: Plugins, policy: Policy = DEFAULT
    ) -> None:
        self._queue = queue
        self._backend = backend
        self._plugins = plugins
        self._policy = policy
        #: Under the strategy that this process uses now.
        self._lanes: Lanes = backend.lanes(queue, strategy, plugins.choice(strategy), policy)
        self._followed: set[int] = set()

    # What ranks lanes

    def enqueue(self, jobs: Sequence[NewJob]) -> Steps[Receipt]:
        return self._agreed("enqueue", jobs)

    def claim(
        self, limit: int, lease: float, owner: str, *, selections: Sequence[Selection] = (), further: str = ""
    ) -> Steps[Claim]:
        return self._agreed("claim", limit, lease, owner, selections=selections, further=further)

    def release(self, leases: Sequence[Lease], delay: float, *, failed: bool = False) -> Steps[Return]:
        return self._agreed("release", leases, delay, failed=failed)

    def reclaim(self, limit: int) -> Steps[Return]:
        return self._agreed("reclaim", limit)

    def cancel(self, job_ids: Sequence[str], how: str = "cancelled") -> Steps[list[Job]]:
        return self._agreed("cancel", job_ids, how)

    def revive(self, job_ids: Sequence[str]) -> Steps[list[Job]]:
        return self._agreed("revive", job_ids)

    def update(self, changes: Sequence[LaneUpdate]) -> Steps[None]:
        return self._agreed("update", changes)

    def limit(self, changes: Mapping[str, Any]) -> Steps[Limits]:
        return self._agreed("limit", changes)

    def replan(
        self, before: Schedule | None, after: Schedule | None, runs: Sequence[float] = ()
    ) -> Steps[Receipt | None]:
        return self._agreed("replan", before, after, runs)

    # What does not

    def schedules(self, names: Sequence[str] | None = None) -> Steps[Plan]:
        return self._lanes.schedules(names)

    def ack(self, leases: Sequence[Lease], results: Mapping[str, Outcome] = NO_RESULTS) -> Steps[list[Lease]]:
        return self._lanes.ack(leases, results)

    def outcome(self, job_id: str) -> Steps[Outcome | None]:
        return self._lanes.outcome(job_id)

    def add_times(self, times: Mapping[str, Mapping[str, int]]) -> Steps[None]:
        return self._lanes.add_times(times)

    def times(self, lane: str) -> Steps[dict[str, int]]:
        return self._lanes.times(lane)

    def wait_for(self, job_id: str, timeout: float) -> Steps[None]:
        return self._lanes.wait_for(job_id, timeout)

    def bury(self, leases: Sequence[Lease], death: Death) -> Steps[list[Lease]]:
        return self._lanes.bury(leases, death)

    def renew(
        self, leases: Sequence[Lease], seconds: float, *, final: bool = False
    ) -> Steps[tuple[list[Lease], list[Lease]]]:
        return self._lanes.renew(leases, seconds, final=final)

    def letters(self, cursor: str, limit: int) -> Steps[LetterPage]:
        return self._lanes.letters(cursor, limit)

    def letter(self, job_id: str) -> Steps[DeadLetter | None]:
        return self._lanes.letter(job_id)

    def forget(self, job_ids: Sequence[str]) -> Steps[int]:
        return self._lanes.forget(job_ids)

    def restore(self, letters: Sequence[DeadLetter]) -> Steps[None]:
        return self._lanes.restore(letters)

    def read(self, keys: Sequence[str]) -> Steps[list[Lane]]:
        return self._lanes.read(keys)

    def keys(self, tag: tuple[str, str] | None = None, *, backlogged: bool = False) -> Steps[list[str]]:
        return self._lanes.keys(tag, backlogged=backlogged)

    def standing(self, lane: str) -> Steps[Standing]:
        return self._lanes.standing(lane)

    def find(self, job_id: str) -> Steps[StoredJob | None]:
        return self._lanes.find(job_id)

    def jobs(self, cursor: str, limit: int, lane: str | None = None) -> Steps[JobPage]:
        return self._lanes.jobs(cursor, limit, lane)

    def stats(self) -> Steps[QueueStats]:
        return self._lanes.stats()

    def check(self, *, repair: bool = False) -> Steps[list[Fault]]:
        return self._lanes.check(repair=repair)

    def wait(self, timeout: float, tick: int, selections: Sequence[Selection] = ()) -> Steps[None]:
        return self._lanes.wait(timeout, tick, selections)

    def ring(self) -> Steps[None]:
        return self._lanes.ring()

    def read_strategy(self) -> Steps[StrategyChoice | None]:
        return self._lanes.read_strategy()

    def set_strategy(self, choice: StrategyChoice) -> Steps[StrategyChoice]:
        # As the others will read it, so that what they could not use is refused here.
        lanes = self._lanes_under(StrategyChoice.read(choice.text, 0))
        stored = yield from lanes.set_strategy(choice)
        self._lanes = lanes
        return stored

    def _agreed(self, operation: str, *args: Any, **options: Any) -> Steps[Any]:
        while True:
            try:
                return (yield from getattr(self._lanes, operation)(*args, **options))
            except StrategyMismatch as exc:
                if not exc.stored.generation:
                    raise
                self._follow(exc.stored)

    def _follow(self, stored: StrategyChoice) -> None:
        self._lanes = self._lanes_under(stored)
        if stored.generation not in self._followed:  # by another thread
            self._followed.add(stored.generation)
            log.warning("queue %r was given the strategy %s, and this process follows", self._queue, stored)

    def _lanes_under(self, choice: StrategyChoice) -> Lanes:
        try:
            strategy = self._plugins.strategy({**choice.options, "name": choice.name})
        except ConfigError as exc:
            raise ConfigError(
                [f"queue {self._queue!r} cannot be served by {choice} here: {problem}" for problem in exc.problems],
                where="strategy",
            ) from exc
        return self._backend.lanes(self._queue, strategy, choice, self._policy)
