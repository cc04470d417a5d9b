"""The operations on Redis.

Each is one call of a script. Claims, acks, renewals, updates and reads of long lists go in pages of a hundred: each
page is atomic on its own, and others get their turn in between. What is all or nothing is one call, however long its
list: an enqueue takes up to `MAX_ENQUEUE` jobs, and who releases, buries, cancels, revives, forgets or restores keeps
to `RELEASES_PER_CALL`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

from attrs import evolve

from ranch.answers import Claim, Ending, Fault, Outcome, Receipt, Return
from ranch.backends.asking import Asker
from ranch.backends.redis.calls import Caller, nothing, pages
from ranch.backends.redis.checks import Check
from ranch.backends.redis.keys import Keys
from ranch.backends.redis.limits import read_limits, write_changes
from ranch.backends.redis.questions import answer
from ranch.backends.redis.records import pack, pack_result, pack_whole, to_ms, write_options, write_times
from ranch.backends.redis.replies import claimed, endings, enqueued, lost, names, replanned, revived, write_death
from ranch.backends.redis.runners import Call, UnknownSelectionError
from ranch.backends.redis.selections import write_selections
from ranch.backends.redis.times import RedisTimes
from ranch.choice import StrategyChoice
from ranch.exceptions import BackendError, InvalidJob, RanchError, StrategyMismatch
from ranch.letters import DeadLetter, Death
from ranch.limits import Limits
from ranch.model import Job, LaneUpdate, Lease, NewJob
from ranch.policy import Policy
from ranch.schedule import Schedule
from ranch.selection import Selection
from ranch.steps import Steps
from ranch.typing import MOVES_PER_CALL, NO_RESULTS, TIMERS_PER_CALL, Clock, Strategy

R = TypeVar("R")

#: The most jobs that one enqueue takes: all or none go in, so it is one script, and holds up the server while it runs.
MAX_ENQUEUE: Final = 10_000

# How many items one script works on, where a longer list may be several: some 3 ms of the server's time at most.
_PAGE: Final = 100
# The same for timers, whatever they bring.
_TIMERS_PAGE: Final = 50
# The same for what costs the server next to nothing.
_ANSWERS_PAGE: Final = 500
# Shorter waits would round to none, which Redis takes for no limit.
_SHORTEST_WAIT: Final = 0.01


class RedisLanes(RedisTimes):
    """The lanes of one queue in Redis."""

    def __init__(
        self,
        keys: Keys,
        strategy: Strategy,
        choice: StrategyChoice | None,
        policy: Policy,
        *,
        clock: Clock | None,
        patience: float,
    ) -> None:
        self._caller = Caller(keys, strategy, policy, clock)
        super().__init__(self._caller)
        self._own = (choice or StrategyChoice.of(strategy)).text
        self._asker = Asker(strategy)
        self._patience = patience

    # Jobs

    def enqueue(self, jobs: Sequence[NewJob]) -> Steps[Receipt]:
        """Put each job into its lane, in the given order; all or none. At most `MAX_ENQUEUE`."""
        if len(jobs) > MAX_ENQUEUE:
            raise InvalidJob(f"one enqueue takes at most {MAX_ENQUEUE} jobs, not {len(jobs)}: split them")
        words = [word for job in jobs for word in (job.lane, int(job.priority), write_options(job), pack(job))]
        return (yield from self._rank("enqueue", *words, parse=partial(enqueued, jobs))) if jobs else Receipt(jobs=[])

    def claim(
        self, limit: int, lease: float, owner: str, *, selections: Sequence[Selection] = (), further: str = ""
    ) -> Steps[Claim]:
        """Take up to `limit` next jobs; one round trip for each hundred.

        Names of selections go to the server once, with two round trips more, and again when it knows them no more.
        """
        chosen = write_selections(selections, further)
        try:
            claim: Claim = yield from self._claim(min(limit, _PAGE), lease, owner, TIMERS_PER_CALL, chosen)
        except UnknownSelectionError:
            for selection in filter(lambda each: each.names, selections):
                yield self._call("select", selection.digest, *sorted(selection.names), parse=nothing)
            claim = yield from self._claim(min(limit, _PAGE), lease, owner, TIMERS_PER_CALL, chosen)
        taken = len(claim.leases)
        while taken == _PAGE and len(claim.leases) < limit:
            wanted = min(limit - len(claim.leases), _PAGE)
            try:
                more: Claim = yield from self._claim(wanted, lease, owner, 0, chosen)
            except RanchError:
                # Better fewer jobs than leases that nobody knows of.
                break
            taken = len(more.leases)
            ended = [*claim.ended, *more.ended]
            claim = evolve(claim, leases=[*claim.leases, *more.leases], ended=ended, tick=more.tick)
        return claim

    def _claim(self, limit: int, lease: float, owner: str, timers: int, selections: str) -> Steps[Claim]:
        # As many moves as it could serve lanes, so that no job is left out that there is.
        lease_ms = to_ms(lease)
        parse = partial(claimed, lease_ms)
        return self._rank("claim", limit, lease_ms, owner, timers, selections, moves=limit, parse=parse)

    def ack(self, leases: Sequence[Lease], results: Mapping[str, Outcome] = NO_RESULTS) -> Steps[list[Lease]]:
        """Remove the jobs: done. Return the leases that were lost; for them nothing changed."""
        gone: list[Lease] = []
        for page in pages(leases, _PAGE):
            words = [word for lease in page for word in _settled(lease, results.get(lease.token))]
            gone += yield self._call("ack", self._now(), "", *words, parse=partial(lost, page))
        return gone

    def release(self, leases: Sequence[Lease], delay: float, *, failed: bool = False) -> Steps[Return]:
        """Give the jobs back, to their old places or after a delay."""

        def parse(reply: Sequence[Any]) -> Return:
            return Return(lost=[leases[place] for place in reply[1:]], ended=endings(reply[0]))

        words = (to_ms(delay) if delay else "", "1" if failed else "", *_tokens(leases))
        return (yield from self._rank("release", *words, parse=parse)) if leases else Return()

    def bury(self, leases: Sequence[Lease], death: Death) -> Steps[list[Lease]]:
        """Make dead letters of the jobs. Return the leases that were lost; for them nothing changed."""
        words = (self._now(), "", write_death(death), *_tokens(leases))
        gone: list[Lease] = (yield self._call("bury", *words, parse=partial(lost, leases))) if leases else []
        return gone

    def renew(
        self, leases: Sequence[Lease], seconds: float, *, final: bool = False
    ) -> Steps[tuple[list[Lease], list[Lease]]]:
        """Let the leases end `seconds` from now. Return the renewed and the lost ones."""
        renewed: list[Lease] = []
        gone: list[Lease] = []
        for page in pages(leases, _PAGE):
            reply = yield self._call(
                "renew", self._now(), to_ms(seconds), "1" if final else "", *_tokens(page), parse=list
            )
            now_ms, *places = reply
            missing = set(places)
            gone += lost(page, reply)
            deadline = (now_ms + to_ms(seconds)) / 1000
            renewed += [evolve(lease, deadline=deadline) for n, lease in enumerate(page) if n not in missing]
        return renewed, gone

    def reclaim(self, limit: int) -> Steps[Return]:
        """See to up to `limit` things whose time has come; one round trip for each fifty."""
        reclaimed = 0
        ended: list[Ending] = []
        due: list[str] = []
        while limit > 0:
            wanted = min(limit, _TIMERS_PAGE)
            try:
                what_ended, seen, expired, schedules = yield from self._rank("reclaim", wanted, parse=tuple)
            except StrategyMismatch:
                # What was done before is to be told.
                if not reclaimed and not ended and not due:
                    raise
                break
            reclaimed += expired
            ended += endings(what_ended)
            due += names(schedules)
            limit -= seen
            if seen < wanted:
                break
        return Return(reclaimed=reclaimed, ended=ended, due=due)

    def cancel(self, job_ids: Sequence[str], how: str = "cancelled") -> Steps[list[Job]]:
        """Remove those of the jobs that are ready or delayed, and return them."""
        reply: Sequence[Any] = (yield from self._rank("cancel", how, *job_ids, parse=list)) if job_ids else [[]]
        return [ending.job for ending in endings(reply[0])]

    def revive(self, job_ids: Sequence[str]) -> Steps[list[Job]]:
        """Put dead letters back into their lanes, behind those that are ready, and return the jobs."""
        return (yield from self._rank("revive", *job_ids, parse=revived)) if job_ids else []

    def forget(self, job_ids: Sequence[str]) -> Steps[int]:
        """Remove dead letters for good; return how many there were."""
        forgotten: list[int] = (yield self._call("forget", self._now(), "", *job_ids, parse=list)) if job_ids else [0]
        return forgotten[0]

    def restore(self, letters: Sequence[DeadLetter]) -> Steps[None]:
        """Keep dead letters that were read from another store."""
        words = [
            word
            for letter in letters
            for word in (letter.job.lane, to_ms(letter.died_at), write_death(letter.death), pack_whole(letter.job))
        ]
        if words:
            yield self._call("restore", self._now(), "", *words, parse=nothing)

    def replan(
        self, before: Schedule | None, after: Schedule | None, runs: Sequence[float] = ()
    ) -> Steps[Receipt | None]:
        """Put a schedule in the place of what it was seen to be, and enqueue its job for each of its `runs`."""
        schedule = after or before
        assert schedule is not None, "one of both there has to be"
        job, look_at = schedule.job, after.looked_at if after else None
        words: list[Any] = [schedule.name, before.text if before else "", after.text if after else ""]
        words.append("" if look_at is None else to_ms(look_at))
        for at in runs:
            words += (job.lane, int(job.priority), write_times(job, at), pack(job))
        return (yield from self._rank("replan", *words, parse=partial(replanned, job, runs)))

    # Lanes

    def update(self, changes: Sequence[LaneUpdate]) -> Steps[None]:
        """Change lanes, creating those that are new; those that wait are ranked anew."""
        for page in pages(changes, _PAGE):
            words: list[Any] = []
            for change in page:
                fields = {f"tag:{name}": value for name, value in change.tags.items()}
                fields |= {f"data:{n}": None if v is None else json.dumps(v) for n, v in change.data.items()}
                if change.mean_time is not None:
                    fields["mean_time"] = repr(change.mean_time)
                weights = (change.weight, change.weight if change.effective_weight is None else change.effective_weight)
                words += (change.key, *("" if weight is None else repr(weight) for weight in weights))
                words += (write_changes(change.limits), len(fields))
                words += (word for field, value in fields.items() for word in (field, value or ""))
            yield from self._rank("update", *words, parse=nothing)

    def limit(self, changes: Mapping[str, Any]) -> Steps[Limits]:
        """Change the limits of the whole queue, and return them as they are then."""
        (text,) = yield self._call("limit", self._now(), "", write_changes(changes), parse=list)
        return read_limits(text.decode())

    def check(self, *, repair: bool = False) -> Steps[list[Fault]]:
        """Find what does not agree with the rest; one round trip for each 200 jobs, lanes and timers, or about.

        Ready jobs, lanes and lanes that wait are looked at twice; all is looked at up to five times, if it is mended.
        """
        return (yield from Check(self._caller, self._keys.queue, repair).run())

    def wait(self, timeout: float, tick: int, selections: Sequence[Selection] = ()) -> Steps[None]:
        """Wait for the bell, at most 2 seconds. A ring that came before the wait ends it at once."""
        bells = tuple(self._keys.bell_of(selection.digest) for selection in selections if selection)
        if timeout > 0:
            yield Call("BLPOP", bells or (self._keys.bell,), (self._waiting(timeout),), nothing, waits=True)

    def wait_for(self, job_id: str, timeout: float) -> Steps[None]:
        """Wait for what is kept of a job that has ended, at most 2 seconds."""
        if timeout > 0:
            # Moved from the list's one end to the other, it stays: for all who wait, and as long as it was to be kept.
            key = f"{self._keys.result_prefix}{job_id}"
            yield Call("BLMOVE", (key, key), ("LEFT", "LEFT", self._waiting(timeout)), nothing, waits=True)

    def _waiting(self, timeout: float) -> float:
        return max(_SHORTEST_WAIT, min(timeout, self._patience))

    def ring(self) -> Steps[None]:
        """Ring the bell, unless it rings already."""
        yield self._call("ring", parse=nothing)

    def set_strategy(self, choice: StrategyChoice) -> Steps[StrategyChoice]:
        """Give the queue another strategy; return it with its generation."""
        (generation,) = yield self._call("choose", self._now(), "", choice.text, parse=list)
        return evolve(choice, generation=generation)

    def _rank(self, name: str, *args: Any, moves: int = 0, parse: Callable[[Sequence[Any]], R]) -> Steps[R]:
        """Call a script that ranks lanes. If the strategy has no twin there, ask it here, and send what it answers.

        Between the two the lanes stand behind all others. If the second call fails or never comes they stay there, and
        what the first has done is done: so its result counts, and no error.
        """
        result: R
        args = (self._now(), self._own, max(MOVES_PER_CALL, moves), *args)
        asked, result = yield self._call(name, *args, parse=lambda reply: (reply[0], parse(reply[1:])))
        if asked and len(asked) > 1:
            generation, *questions = asked
            errors = self._asker.errors
            answers = list(answer(self._asker, questions))
            errors = self._asker.errors - errors
            with suppress(BackendError):
                for page in pages(answers, _ANSWERS_PAGE):
                    words = [word for said in page for word in said]
                    yield self._call("answer", generation, errors, *words, parse=nothing)
                    errors = 0
        return result


def _settled(lease: Lease, result: Outcome | None) -> tuple[str | bytes, ...]:
    job = lease.job
    expires, dedup_key = "" if job.expires_at is None else "e", job.dedup_key or ""
    return job.id, lease.token, job.lane, expires, dedup_key, pack_result(job, result)


def _tokens(leases: Sequence[Lease]) -> list[str]:
    return [word for lease in leases for word in (lease.job.id, lease.token)]
