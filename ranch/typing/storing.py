"""The seam about storing: what a backend must be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Protocol

from ranch.answers import Claim, Fault, JobPage, LetterPage, Outcome, Plan, Receipt, Return, Standing, StoredJob
from ranch.choice import StrategyChoice
from ranch.letters import DeadLetter, Death
from ranch.limits import Limits
from ranch.model import Job, Lane, LaneUpdate, Lease, NewJob, QueueStats
from ranch.policy import DEFAULT, Policy
from ranch.schedule import Schedule
from ranch.selection import Selection
from ranch.steps import Performer, Steps
from ranch.typing.choosing import Strategy

#: The queue as a whole, among the names of lanes: none has this one.
WHOLE: Final = ""
#: Of jobs of which nobody asks how they ended.
NO_RESULTS: Final[Mapping[str, Outcome]] = MappingProxyType({})


class Lanes(Protocol):
    """The lanes of one queue in one backend: every operation there is, each atomic on its own.

    All operations take n items in one round trip, or in as few as keep each from holding the store up. They return
    `Steps`, to be driven through the backend. The time is the backend's.

    The first that enqueues or updates writes down which strategy the queue has. Operations that may rank lanes
    (enqueue, claim, release, reclaim, cancel, revive, update and replan) raise `StrategyMismatch`, with nothing
    changed, if it has another one.
    """

    # Jobs

    def enqueue(self, jobs: Sequence[NewJob]) -> Steps[Receipt]:
        """Put each job into its lane, in the given order; all or none.

        A job whose `dedup_key` another one holds is not stored; the answer has that one in its place, marked as a
        duplicate. A job with a negative delay counts as having become ready that long ago.

        Raises:
            QueueFull: More jobs would wait in a lane, or in the queue, than its limits allow. Nothing was stored.
        """
        ...

    def claim(
        self,
        limit: int,
        lease: float,
        owner: str,
        *,
        selections: Sequence[Selection] = (),
        further: str = "",
    ) -> Steps[Claim]:
        """Take up to `limit` next jobs, one service after the other, each leased to `owner` for `lease` seconds.

        With `selections`, from lanes of these only: those of the first in their order; when none of them waits, those
        of the second, and so on. A selection of names costs at most what looking at all of them costs. One with
        patterns may have to look at many lanes: at most `LOOKS_PER_CALL` in one call, however many jobs it takes. It
        takes fewer than there are where a lane that it did not reach may be next; if it has none at all it says in
        `Claim.further` where the next one, with the same selections, is to go on.

        A job's own lease time goes before `lease`. First sees to up to `TIMERS_PER_CALL` things whose time has come:
        delayed jobs fallen due and leased ones whose lease expired go back into their lanes, expired ones leave, lanes
        that were held back are looked at again. Idle lanes and outdated dead letters are forgotten after all that. An
        expired job is never leased; it is met at most `TIMERS_PER_CALL` times more, so a claim may take fewer than
        there are, and says with ``idle_for=0`` that more can be had at once.
        """
        ...

    def ack(self, leases: Sequence[Lease], results: Mapping[str, Outcome] = NO_RESULTS) -> Steps[list[Lease]]:
        """Remove the jobs: done. Return the leases that were lost; for them nothing changed.

        Of those whose token is in `results`, that outcome is kept in the same step, for the job's `result_ttl` seconds.
        """
        ...

    def release(self, leases: Sequence[Lease], delay: float, *, failed: bool = False) -> Steps[Return]:
        """Give the jobs back, to their old places or after a delay; if `failed`, their failures are counted.

        One that has expired meanwhile ends. Takes up to `RELEASES_PER_CALL`.
        """
        ...

    def bury(self, leases: Sequence[Lease], death: Death) -> Steps[list[Lease]]:
        """Make dead letters of the jobs. Return the leases that were lost; for them nothing changed.

        Of more letters than `Policy.max_dead` the oldest go. Takes up to `RELEASES_PER_CALL`.
        """
        ...

    def renew(
        self, leases: Sequence[Lease], seconds: float, *, final: bool = False
    ) -> Steps[tuple[list[Lease], list[Lease]]]:
        """Let the leases end `seconds` from now. Return the renewed and the lost ones.

        If `final`, the jobs are not to run again: they count as reclaimed as often as `Policy.max_reclaims` allows, so
        that a lease that expires makes a dead letter of its job.
        """
        ...

    def reclaim(self, limit: int) -> Steps[Return]:
        """See to up to `limit` things whose time has come, as a claim does; no lease is lost in the answer."""
        ...

    def cancel(self, job_ids: Sequence[str], how: str = "cancelled") -> Steps[list[Job]]:
        """Remove those of the jobs that are ready or delayed, and return them. Takes up to `RELEASES_PER_CALL`."""
        ...

    # How jobs have ended

    def outcome(self, job_id: str) -> Steps[Outcome | None]:
        """Tell how a job has ended, or that it has not; None if it is not there and nothing is kept of it.

        That a job with a `result_ttl` has died, expired, or was cancelled or dropped, is kept in the step in which that
        happens, for so many seconds; of a dead one it is known as long as its letter is there, too. One that is revived
        is open again.
        """
        ...

    def wait_for(self, job_id: str, timeout: float) -> Steps[None]:
        """Wait until it is kept how a job has ended, or `timeout` seconds.

        It may return early. Never polls over a network.
        """
        ...

    # How long jobs took

    def add_times(self, times: Mapping[str, Mapping[str, int]]) -> Steps[None]:
        """Add to what was counted of jobs' times, by lane or `ranch.typing.WHOLE`, and by the names of the counts.

        They are kept as long as their lane; of one that is not there, nothing is. Takes up to `RELEASES_PER_CALL`.
        """
        ...

    def times(self, lane: str) -> Steps[dict[str, int]]:
        """Read what was counted of a lane, or of `ranch.typing.WHOLE`; nothing, if there is nothing."""
        ...

    # Dead letters

    def letters(self, cursor: str, limit: int) -> Steps[LetterPage]:
        """Read up to `limit` dead letters, the oldest first, from a cursor on; ``""`` is the beginning."""
        ...

    def letter(self, job_id: str) -> Steps[DeadLetter | None]:
        """Read one dead letter."""
        ...

    def revive(self, job_ids: Sequence[str]) -> Steps[list[Job]]:
        """Put dead letters back into their lanes, behind those that are ready, and return the jobs.

        They keep their id, priority, cost and bid; their failures and reclaims are forgotten, they do not expire, and
        they hold their dedup_key no more.
        Takes up to `RELEASES_PER_CALL`.
        """
        ...

    def forget(self, job_ids: Sequence[str]) -> Steps[int]:
        """Remove dead letters for good; return how many there were. Takes up to `RELEASES_PER_CALL`."""
        ...

    def restore(self, letters: Sequence[DeadLetter]) -> Steps[None]:
        """Keep dead letters that were read from another store: all they say stays, but their jobs get new ids.

        They count as enqueued, and as died; none goes to make room for them. Takes up to `RELEASES_PER_CALL`.
        """
        ...

    # Schedules

    def schedules(self, names: Sequence[str] | None = None) -> Steps[Plan]:
        """Read schedules, sorted by name: those named which there are, or all."""
        ...

    def replan(
        self, before: Schedule | None, after: Schedule | None, runs: Sequence[float] = ()
    ) -> Steps[Receipt | None]:
        """Put a schedule in the place of what it was seen to be, and enqueue its job for each of its `runs`.

        All or none; and None, with nothing changed, if it is another by now. Of two who do this after they saw the
        same, one does it. `before` is None for one that was not there, `after` for one that goes. The job of a run
        counts as having become ready at the run's time.

        When `Schedule.looked_at` has come, a claim or a reclaim names the schedule among what is `due`; and again every
        `PATIENCE` seconds as long as nobody has done this since.

        Raises:
            QueueFull: As for `enqueue`. Nothing was changed.
        """
        ...

    # Lanes

    def update(self, changes: Sequence[LaneUpdate]) -> Steps[None]:
        """Change lanes, creating those that are new. What the strategy ranks by ranks a waiting lane anew.

        Strategies see the effective weight as `LaneView.weight`. A lane that waits and is now held back by a limit
        leaves the index; one that was held back and is no more is ranked as one that became backlogged.
        """
        ...

    def limit(self, changes: Mapping[str, Any]) -> Steps[Limits]:
        """Change the limits of the whole queue, and return them as they are then. No changes only read them.

        `changes` are as `checked_limits` returns them.
        """
        ...

    def read(self, keys: Sequence[str]) -> Steps[list[Lane]]:
        """Read lanes, in the order of `keys`; a lane never used reads as a default one."""
        ...

    def keys(self, tag: tuple[str, str] | None = None, *, backlogged: bool = False) -> Steps[list[str]]:
        """Name the lanes there are, sorted; with `tag`, those that bear it; if `backlogged`, those that wait.

        A lane that is served meanwhile may be missing from the latter.
        """
        ...

    def standing(self, lane: str) -> Steps[Standing]:
        """Tell where a lane stands among those that wait, and what keeps it."""
        ...

    def find(self, job_id: str) -> Steps[StoredJob | None]:
        """Tell where a job stands; None if there is none."""
        ...

    def jobs(self, cursor: str, limit: int, lane: str | None = None) -> Steps[JobPage]:
        """Read about `limit` of the jobs, dead ones left out, from a cursor on; ``""`` is the beginning.

        With `lane` the ready jobs of that lane, in their order. Else all of the queue, in no order, each at least once,
        except those that come or go meanwhile.
        """
        ...

    def stats(self) -> Steps[QueueStats]:
        """Read the queue's numbers."""
        ...

    def read_strategy(self) -> Steps[StrategyChoice | None]:
        """Read which strategy the queue has; None before its first job."""
        ...

    def set_strategy(self, choice: StrategyChoice) -> Steps[StrategyChoice]:
        """Give the queue another strategy; return it with its generation.

        Lanes that wait keep their places, behind those that are ranked under the new strategy, until they are ranked
        under it in their turn: see `MOVES_PER_CALL`. Virtual time and tags start from 0 again.
        """
        ...

    def check(self, *, repair: bool = False) -> Steps[list[Fault]]:
        """Find what does not agree with the rest, and with `repair` mend it; the queue may be at work meanwhile.

        What changes while it is looked at is no fault. What is mended never ranks a lane: that is left to the next
        claim, under the queue's strategy.
        """
        ...

    def wait(self, timeout: float, tick: int, selections: Sequence[Selection] = ()) -> Steps[None]:
        """Wait until a lane may have become ready since an empty claim saw `tick`, or `timeout` seconds.

        With `selections`, as the claim had them, for lanes of these. It may return early. Never polls over a network.
        """
        ...

    def ring(self) -> Steps[None]:
        """Wake another one who waits: whoever was woken and cannot claim passes it on, where a ring wakes only one."""
        ...


class Backend(Performer, Protocol):
    """Where jobs live: a store, opened by its URL, that holds the lanes of any number of queues.

    Safe to share between threads, and to carry over a fork. Errors of the store are raised as `BackendError`,
    `BackendUnavailable` if it cannot be reached.
    """

    def lanes(
        self, queue: str, strategy: Strategy, choice: StrategyChoice | None = None, policy: Policy = DEFAULT
    ) -> Lanes:
        """Return the lanes of a queue, served in the strategy's order. No round trip.

        `choice` is what the store knows the strategy by; without it, `StrategyChoice.of` the strategy.
        """
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...

    async def aclose(self) -> None:
        """Do as `close`, for whoever used `aperform`."""
        ...
