"""The rows of a queue in dicts, and the heaps that index them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nsmallest
from itertools import chain

from ranch.backends.heap import Heap
from ranch.backends.job_rows import JobRow
from ranch.backends.letter_rows import LetterRow
from ranch.backends.outcome_rows import OutcomeRow
from ranch.backends.rows import LaneRow, Place, QueueRow
from ranch.backends.schedule_rows import ScheduleRow


class _Reversed(str):
    """A text that sorts before those it would sort behind, for what is read backwards from zero."""

    __slots__ = ()

    def __lt__(self, other: str) -> bool:
        return str.__gt__(self, other)


class MemoryTables:
    """The rows of one queue in dicts, indexed by heaps."""

    def __init__(self) -> None:
        self.queue = QueueRow()
        self._jobs: dict[str, JobRow] = {}
        self._lanes: dict[str, LaneRow] = {}
        self._letters: dict[str, LetterRow] = {}
        #: The letters' times and ids, sorted.
        self._deaths: list[tuple[float, str]] = []
        self._holders: dict[str, tuple[str, float | None]] = {}
        self._schedules: dict[str, ScheduleRow] = {}
        self._outcomes: dict[str, OutcomeRow] = {}
        self._outdated: Heap[str] = Heap()
        self._times: dict[str, dict[str, int]] = {}
        #: By generation: those but the queue's own are of earlier strategies, and run empty.
        self._ready: dict[int, Heap[str]] = {}
        self._places: dict[str, Heap[str]] = {}
        self._timers: Heap[str] = Heap()
        #: At positive times.
        self._chores: Heap[str] = Heap()

    # Jobs

    def add_job(self, job: JobRow) -> None:
        self._jobs[job.id] = job

    def put_job(self, job: JobRow) -> None:
        if job.state == "ready":
            self._places.setdefault(job.lane, Heap()).put(job.id, (job.place, job.id))
        else:
            self._leave_lane(job)

    def drop_job(self, job: JobRow) -> None:
        self._leave_lane(job)
        del self._jobs[job.id]

    def _leave_lane(self, job: JobRow) -> None:
        if places := self._places.get(job.lane):
            places.discard(job.id)
            if not places:
                del self._places[job.lane]

    def job(self, job_id: str) -> JobRow | None:
        return self._jobs.get(job_id)

    def head(self, lane: str) -> JobRow | None:
        places = self._places.get(lane)
        first = places.first() if places else None
        return self._jobs[first] if first else None

    def ready_jobs(self, lane: str, offset: int, limit: int) -> Sequence[JobRow]:
        places = self._places.get(lane)
        return [self._jobs[job_id] for job_id in places.sorted()[offset : offset + limit]] if places else []

    def ahead(self, job: JobRow) -> int:
        return self._places[job.lane].sorted().index(job.id)

    def living_jobs(self, after: str, limit: int) -> Sequence[JobRow]:
        living = (job for job_id, job in self._jobs.items() if job_id > after and job.state != "dead")
        return nsmallest(limit, living, key=lambda job: job.id)

    def all_jobs(self, after: str, limit: int) -> Sequence[JobRow]:
        return [self._jobs[job_id] for job_id in nsmallest(limit, (one for one in self._jobs if one > after))]

    # Timers

    def add_timer(self, at: float, timer: str) -> None:
        if at >= 0:
            self._timers.put(timer, (at, timer))
        else:
            self._chores.put(timer, (-at, _Reversed(timer)))

    def drop_timer(self, at: float, timer: str) -> None:
        (self._timers if at >= 0 else self._chores).discard(timer)

    def has_timer(self, at: float, timer: str) -> bool:
        return (self._timers if at >= 0 else self._chores).keys.get(timer) == (abs(at), timer)

    def timers(self, after: tuple[float, str], limit: int) -> Sequence[tuple[float, str]]:
        chores = ((-at, chore) for chore, (at, _) in self._chores.keys.items())
        timers = ((at, timer) for timer, (at, _) in self._timers.keys.items())
        return nsmallest(limit, (timer for timer in chain(chores, timers) if timer > after))

    def due(self, limit: int) -> Sequence[tuple[float, str]]:
        return self._take(self._timers, limit)

    def next_at(self) -> float | None:
        first = self._timers.first()
        return self._timers.keys[first][0] if first else None

    def chores(self, limit: int) -> Sequence[tuple[float, str]]:
        return [(-at, chore) for at, chore in self._take(self._chores, limit)]

    def next_chore(self) -> float | None:
        first = self._chores.first()
        return self._chores.keys[first][0] if first else None

    def _take(self, timers: Heap[str], limit: int) -> list[tuple[float, str]]:
        taken: list[tuple[float, str]] = []
        while len(taken) < limit and (first := timers.first()) and (at := timers.keys[first][0]) <= self.queue.now:
            timers.discard(first)
            taken.append((at, first))
        return taken

    # What jobs hold, and what they leave

    def holder(self, dedup_key: str) -> tuple[str, float | None] | None:
        return self._holders.get(dedup_key)

    def hold(self, dedup_key: str, job_id: str, until: float | None) -> None:
        self._holders[dedup_key] = job_id, until

    def let_go(self, dedup_key: str, job_id: str) -> None:
        if self._holders.get(dedup_key, ("",))[0] == job_id:
            del self._holders[dedup_key]

    def holders(self, after: str, limit: int) -> Sequence[tuple[str, str]]:
        return nsmallest(limit, ((key, job_id) for key, (job_id, _) in self._holders.items() if key > after))

    def add_letter(self, letter: LetterRow) -> None:
        self._letters[letter.id] = letter
        insort(self._deaths, (letter.died_at, letter.id))

    def drop_letter(self, job_id: str) -> None:
        letter = self._letters.pop(job_id)
        del self._deaths[bisect_left(self._deaths, (letter.died_at, letter.id))]

    def letter(self, job_id: str) -> LetterRow | None:
        return self._letters.get(job_id)

    def letters(self, after: tuple[float, str], limit: int) -> Sequence[LetterRow]:
        start = bisect_right(self._deaths, after)
        return [self._letters[job_id] for _, job_id in self._deaths[start : start + max(0, limit)]]

    # Schedules

    def schedule(self, name: str) -> ScheduleRow | None:
        return self._schedules.get(name)

    def schedules(self) -> Iterable[ScheduleRow]:
        return self._schedules.values()

    def put_schedule(self, schedule: ScheduleRow) -> None:
        self._schedules[schedule.name] = schedule

    def drop_schedule(self, name: str) -> None:
        self._schedules.pop(name, None)

    # How jobs have ended

    def add_outcome(self, outcome: OutcomeRow) -> None:
        self._outcomes[outcome.id] = outcome
        self._outdated.put(outcome.id, (outcome.until, outcome.id))

    def outcome(self, job_id: str) -> OutcomeRow | None:
        return self._outcomes.get(job_id)

    def drop_outcome(self, job_id: str) -> None:
        self._outcomes.pop(job_id, None)
        self._outdated.discard(job_id)

    def shed_outcomes(self, limit: int) -> None:
        while limit > 0 and (oldest := self._outdated.first()) and self._outcomes[oldest].until <= self.queue.now:
            self.drop_outcome(oldest)
            limit -= 1

    # How long jobs took

    def times(self, lane: str) -> dict[str, int]:
        return dict(self._times.get(lane, {}))

    def put_times(self, lane: str, counts: Mapping[str, int]) -> None:
        self._times[lane] = dict(counts)

    def shrink(self) -> None:
        """Do nothing: what is gone takes no space."""

    # Lanes

    def lane(self, key: str) -> LaneRow | None:
        return self._lanes.get(key)

    def put_lane(self, lane: LaneRow) -> None:
        self._lanes[lane.key] = lane
        for generation, ready in self._ready.items():
            if generation != lane.generation or not lane.waits:
                ready.discard(lane.key)
        if lane.waits:
            self._ready.setdefault(lane.generation, Heap()).put(lane.key, (lane.tag, lane.order))

    def drop_lane(self, lane: LaneRow) -> None:
        del self._lanes[lane.key]
        self._times.pop(lane.key, None)

    def next_lane(self) -> LaneRow | None:
        ready = self._ready.get(self.queue.generation)
        first = ready.first() if ready else None
        return self._lanes[first] if first else None

    def waiting(self, after: Place | None = None) -> Iterator[tuple[float, int, str]]:
        ready = self._ready.get(self.queue.generation)
        for key in ready.after(after) if ready else ():
            lane = self._lanes[key]
            yield lane.tag, lane.order, key

    def some_of(self, keys: Iterable[str], limit: int) -> Sequence[LaneRow]:
        there = self._ready.get(self.queue.generation, Heap[str]()).keys
        return [self._lanes[key] for key in nsmallest(limit, filter(there.__contains__, keys), there.__getitem__)]

    def stale_lane(self) -> LaneRow | None:
        for generation in sorted(self._ready):
            if generation == self.queue.generation:
                break
            if first := self._ready[generation].first():
                return self._lanes[first]
            del self._ready[generation]
        return None

    def lanes_ahead(self, lane: LaneRow) -> int:
        # Those of the queue's generation are served first.
        own = self.queue.generation
        ahead = sum(len(ready) for number, ready in self._ready.items() if lane.generation != own and number == own)
        earlier = (ready for number, ready in self._ready.items() if number < lane.generation != own)
        return ahead + sum(map(len, earlier)) + self._ready[lane.generation].sorted().index(lane.key)

    def lanes(self) -> Iterable[LaneRow]:
        return self._lanes.values()

    def count_lanes(self) -> dict[str, int]:
        blocked = sum(bool(lane.blocked) for lane in self._lanes.values())
        return {"lanes": len(self._lanes), "backlogged": sum(map(len, self._ready.values())), "blocked": blocked}
