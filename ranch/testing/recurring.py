"""What time brings in a random history: what falls due, once or again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from ranch.queue import Queue
from ranch.schedule import Missed, Schedule
from ranch.testing.clock import FakeClock

NAMES: Final = st.sampled_from(["s", "ü|"])
TIMES: Final = st.sampled_from(
    [{"every": 1.0}, {"every": 40.0}, {"cron": "* * * * *"}, {"cron": "*/2 3 * * *", "timezone": "Europe/Berlin"}]
)
#: What is said of the jobs of schedules.
SAID: Final = st.fixed_dictionaries({}, optional={"dedup_key": st.just("k"), "expires": st.just(1.5)})


class Recurring(RuleBasedStateMachine):
    """The rules of time; who plays them has queues, one on each backend, and one clock for all."""

    clock: FakeClock
    queues: list[Queue]
    each: Callable[..., Any]
    lanes: Callable[..., Any]

    def __init__(self) -> None:
        super().__init__()
        #: How many jobs schedules have enqueued.
        self.fired = 0

    @rule(seconds=st.sampled_from([0.001, 1.0, 10.0, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(limit=st.integers(1, 4))
    def reclaim(self, limit: int) -> None:
        self.firing(lambda: self.each(lambda queue: queue._operations.reclaim(limit)))

    @rule(
        name=NAMES,
        lane=st.sampled_from(["a", "s"]),
        times=TIMES,
        missed=st.sampled_from(["skip", "one", "all"]),
        said=SAID,
    )
    def schedule(self, name: str, lane: str, times: dict[str, Any], missed: Missed, said: dict[str, Any]) -> None:
        for queue in self.queues:
            queue.schedule(name=name, payload=lane, lane=lane, missed=missed, grace=5.0, **times, **said)

    @rule(name=NAMES, operation=st.sampled_from(["pause", "resume", "resume", "remove", "list"]))
    def change_schedules(self, name: str, operation: str) -> None:
        for queue in self.queues:
            getattr(queue.schedules, operation)(*[] if operation == "list" else [name])
        self.lanes("schedules")

    def firing(self, act: Callable[[], Any]) -> Any:
        """Do what may fire schedules, and count the jobs; those that were not due fire nothing."""
        before = {schedule.name: schedule for schedule in self.queues[0].schedules.list()}
        enqueued = self.queues[0].stats().enqueued
        answer = act()
        jobs = self.queues[0].stats().enqueued - enqueued
        most = 0
        for schedule in self.lanes("schedules").schedules:
            seen = before[schedule.name]
            if schedule != seen:
                assert not seen.paused
                assert seen.next_at <= schedule.last_at <= self.clock()
                most += 1 if schedule.missed != "all" else _count(seen, schedule)
        assert jobs <= most, "a run was enqueued twice, or one that was not due"
        self.fired += jobs
        return answer


def _count(seen: Schedule, schedule: Schedule) -> int:
    """Count the times from one state of a schedule to a later one."""
    count, times = 1, seen.timetable.after(seen.next_at)
    while next(times) < schedule.next_at:
        count += 1
    return count
