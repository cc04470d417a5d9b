"""What an operator does with a queue: look into it, limit it, clear it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ranch.answers import Fault, StoredJob
from ranch.checks import checked_key
from ranch.choice import StrategyChoice
from ranch.dead import DeadLetters
from ranch.explain import Explanation
from ranch.handles import QueueLane
from ranch.limits import Limits
from ranch.metrics import Metrics
from ranch.model import Job, Lane, QueueStats
from ranch.operations import Operations
from ranch.options import EnqueueOptions
from ranch.schedule import GRACE, Missed, Schedule
from ranch.schedules import Schedules
from ranch.steps import Steps, drive
from ranch.tasks import scheduled
from ranch.typing import Strategy

if TYPE_CHECKING:
    from typing_extensions import Unpack

R = TypeVar("R")


class Control:
    """The half of `Queue` that an operator needs: it puts no job in at once, and runs none."""

    _operations: Operations

    # Lanes

    def lane(self, key: str) -> QueueLane:
        """Return a handle of a lane. No round trip."""
        return QueueLane(key=checked_key(key), queue=self)

    def lanes(self, *, tag: tuple[str, str] | None = None) -> list[Lane]:
        """Read all lanes that are known, sorted by key; with `tag`, those that bear it.

        Round trips grow with the number of lanes, one for each 1,000; no single one holds the store up.
        """
        return self._drive(self._operations.read_lanes(tag))

    def refresh_weights(self) -> int:
        """Ask the weight function about all backlogged lanes, and return how many weights changed.

        One round trip for the keys, and for each 1,000 lanes one to look at them and one to write what changed; on
        Redis for each 500 and each 100. Without a weight function there is nothing to do.
        """
        return self._drive(self._operations.refresh_weights())

    @property
    def weight_errors(self) -> int:
        """How often the weight function has given this object no weight, but something else or an error."""
        return self._operations.weight_errors

    # Limits

    def limit(self, **limits: Any) -> Limits:
        """Change the limits of the whole queue, and return them as they are then. One round trip.

        They are kept in the backend and hold for all its workers together, at once. What is not named stays; None
        lifts a limit.

        Args:
            limits: `max_in_flight`, `rate`, `max_pending`, `expires` and `paused`, as in `Limits`.

        Raises:
            InvalidJob: There is no such limit, or a value cannot be; nothing was changed.
        """
        return self._drive(self._operations.limit(limits))

    def limits(self) -> Limits:
        """Read the limits of the whole queue. One round trip."""
        return self._drive(self._operations.limit({}))

    def pause(self) -> None:
        """Let nothing be claimed, by nobody. Jobs can be enqueued, and what is leased goes on. One round trip."""
        self.limit(paused=True)

    def resume(self) -> None:
        """Let jobs be claimed again. One round trip."""
        self.limit(paused=False)

    # Jobs

    def jobs(self, *, lane: str | None = None) -> Iterator[StoredJob]:
        """Read the jobs that are there, dead ones left out. One round trip for each 1,000, as they are needed.

        Args:
            lane: Only the ready jobs of this lane, in their order. None: all there are, in no order, each at least
                once, except those that come or go meanwhile.
        """
        cursor = ""
        while True:
            page = self._drive(self._operations.read_jobs(cursor, lane))
            yield from page.jobs
            if not (cursor := page.cursor):
                return

    def result(self, job_id: str, timeout: float | None = None) -> Any:
        """Return the result of a job; wait until it has one. Two round trips for each time it waits, else one.

        Of jobs with a `result_ttl`, which those of tasks have: how they have ended is kept for so many seconds.

        Args:
            job_id: As in `Job.id`.
            timeout: Seconds to wait; 0 does not wait. None: as long as it takes.

        Raises:
            ResultNotReady: It has not ended in that time.
            JobFailed: It was given up, with the error of its dead letter.
            JobCancelled: It was cancelled, purged, or dropped to make room.
            JobExpired: It has expired.
            ResultUnknown: There is no such job, or nothing is kept of how it ended: not any more, or never.
            SerializationError: The serializer did not take the result, or does not read it here.
        """
        return self._drive(self._operations.result(job_id, timeout))

    def cancel(self, job_id: str) -> bool:
        """Remove a job that is ready or delayed; return whether it was. A leased one goes on. One round trip."""
        return bool(self.cancel_many([job_id]))

    def cancel_many(self, job_ids: Iterable[str]) -> list[Job]:
        """Remove those of the jobs that are ready or delayed, and return them. A round trip for each 100."""
        return self._drive(self._operations.cancel(job_ids))

    def purge(self) -> int:
        """Remove all jobs that are ready or delayed, and return how many. What is leased goes on.

        One round trip for each 1,000 jobs that there are, and one for each 100 that are removed. What comes in
        meanwhile may stay.
        """
        return self._drive(self._operations.purge())

    def reclaim(self, limit: int = 1000) -> int:
        """Take back jobs whose lease has expired, and let delayed ones in that have fallen due, up to `limit` in all.

        Every claim does a little of this itself; nobody has to call it. One round trip, on Redis one for each 50.

        Returns:
            How many jobs came from an expired lease.
        """
        return self._drive(self._operations.reclaim(limit))

    def explain(self, job_id: str | None = None, *, lane: str | None = None) -> Explanation:
        """Tell where a job, or a lane, stands: what is before it, what keeps it, or why it is dead.

        Print it for words. Three to five round trips; on Redis, of a leased job, about one more for each 500 leases,
        delayed jobs and other timers there are, among which its lease is looked for.

        Args:
            job_id: The id of a job; of one that is not there (any more) this is said.
            lane: A lane, in place of a job.
        """
        return self._drive(self._operations.explain(job_id, lane))

    @property
    def dead(self) -> DeadLetters:
        """The dead letters. No round trip."""
        return DeadLetters(self._operations)

    def stats(self) -> QueueStats:
        """Read the queue in numbers. One round trip."""
        return self._drive(self._operations.stats())

    def metrics(self, lane: str | None = None) -> Metrics:
        """Read the queue, or a lane of it, in the numbers that a dashboard shows: those of all processes.

        What others have measured comes with some ten seconds' delay. Two round trips, and one for each 100 lanes of
        which this object has measured something since it last left it in the store.
        """
        return self._drive(self._operations.metrics(lane))

    def check(self, *, repair: bool = False) -> list[Fault]:
        """Look whether all that is stored of the queue agrees, and return what does not.

        The queue may be at work meanwhile; what only changes is no fault. It reads every job, so its time grows with
        them: on Redis some 200 jobs, lanes or timers in a round trip, and no one holds the server up; the other stores
        read all in one transaction.

        Args:
            repair: Mend what is found. No job is dropped: one that is found in no place goes back into its lane, and
                one in two stays where it is nearest to its end. Stores of tables let nobody else write meanwhile.
        """
        return self._drive(self._operations.check(repair=repair))

    # Schedules

    def schedule(
        self,
        cron: str | None = None,
        payload: Any = None,
        *,
        name: str | None = None,
        lane: str | None = None,
        every: float | None = None,
        timezone: str = "UTC",
        missed: Missed = "one",
        grace: float = GRACE,
        **options: Unpack[EnqueueOptions],
    ) -> Schedule:
        """Enqueue a job again and again: exactly once for each time at which it is due. Two round trips.

        The schedule is kept in the backend. Whoever claims from the queue when it is due enqueues the job, so any
        number of processes may do so, and any of them die; while nobody claims, runs are missed. Every process may
        declare the same: nothing changes then. Under a name that is there, it changes; while its times stay the same,
        it is due when it was.

        Args:
            cron: Five columns, minute, hour, day of the month, month and day of the week, as Debian's cron reads them.
            payload: As for `enqueue`; or a task without arguments, whose options hold for its jobs. For one with some
                there is `Task.schedule`.
            name: Of the schedule, unique in the queue; a task's by default its own.
            lane: As for `enqueue`; of a task as there.
            every: Seconds from one run to the next, at least 1, in place of a cron line; the first is so long from now.
            timezone: In which the cron line is read, such as ``"Europe/Berlin"``; see `Timetable` for summer time.
            missed: Of runs whose time went by while nobody claimed: ``"one"`` makes up for the last of them, ``"all"``
                for each, ``"skip"`` for none.
            grace: Seconds after which a run counts as missed under ``"skip"``.
            options: As for `enqueue`, but for `delay`. With `dedup`, a run is left out while the job of an earlier one
                waits or runs.

        Raises:
            InvalidJob: A value cannot be, or a cron line is never due; of a cron line the column is named.
            SerializationError: The serializer does not take the payload.
        """
        return self._drive(
            scheduled(
                self._operations,
                cron,
                payload,
                name=name,
                lane=lane,
                every=every,
                timezone=timezone,
                missed=missed,
                grace=grace,
                **options,
            )
        )

    @property
    def schedules(self) -> Schedules:
        """The schedules that there are. No round trip."""
        return Schedules(self._operations)

    # The strategy

    def read_strategy(self) -> StrategyChoice | None:
        """Read which strategy the queue has; None before its first job. One round trip."""
        return self._drive(self._operations.read_strategy())

    def set_strategy(self, strategy: str | Mapping[str, Any] | Strategy) -> StrategyChoice:
        """Give the queue another strategy while it runs, and return it as it is stored. One round trip.

        Every process follows with its next operation, whatever it was configured with. Lanes that wait are ranked anew
        bit by bit: 32 with each operation, in their old order, behind those that are ranked by then.

        Args:
            strategy: A name, a mapping of ``name`` and options, or a strategy of a class that a plugin gives a name.

        Raises:
            ConfigError: It cannot be looked up by name; nothing was changed.
        """
        return self._drive(self._operations.set_strategy(strategy))

    def _drive(self, steps: Steps[R]) -> R:
        return drive(self._operations.backend, steps)
