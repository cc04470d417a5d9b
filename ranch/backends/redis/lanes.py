"""The operations on Redis.

Each is one call of a script. Long lists, except of jobs to enqueue, go in pages of a hundred: each page is atomic on
its own, and others get their turn in between.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

from attrs import evolve

from ranch.backends.asking import Asker
from ranch.backends.redis.keys import Keys
from ranch.backends.redis.questions import answer
from ranch.backends.redis.records import pack, queue_stats, read_fields, read_lane, unpack
from ranch.backends.redis.runners import Call
from ranch.backends.redis.scripts import Twin, load
from ranch.choice import StrategyChoice
from ranch.exceptions import BackendError, InvalidJob, RanchError, StrategyMismatch
from ranch.model import Claim, Job, Lane, LaneUpdate, Lease, NewJob, QueueStats
from ranch.steps import Steps
from ranch.typing import MOVES_PER_CALL, TIMERS_PER_CALL, Clock, Strategy

R = TypeVar("R")
T = TypeVar("T")

#: The most jobs that one enqueue takes: all or none go in, so it is one script, and holds up the server while it runs.
MAX_ENQUEUE: Final = 10_000

# How many items one script works on, where a longer list may be several: some 3 ms of the server's time at most.
_PAGE: Final = 100
# The same for what costs the server next to nothing: looking at lanes, or putting them elsewhere.
_LANES_PAGE: Final = 500
# A time further off than this, in ms, is as good as never: 4,000 years, and it fits a record.
_NEVER_MS: Final = 2**47
# Shorter waits would round to none, which Redis takes for no limit.
_SHORTEST_WAIT: Final = 0.01


class RedisLanes:
    """The lanes of one queue in Redis."""

    def __init__(
        self,
        keys: Keys,
        strategy: Strategy,
        choice: StrategyChoice | None,
        *,
        clock: Clock | None,
        patience: float,
    ) -> None:
        self._keys = keys
        self._own = (choice or StrategyChoice.of(strategy)).text
        self._twin = Twin.of(strategy)
        self._asker = Asker(strategy)
        self._clock = clock
        self._patience = patience

    def enqueue(self, jobs: Sequence[NewJob]) -> Steps[list[Job]]:
        """Put each job into its lane, in the given order; all or none. At most `MAX_ENQUEUE`."""
        if len(jobs) > MAX_ENQUEUE:
            raise InvalidJob(f"one enqueue takes at most {MAX_ENQUEUE} jobs, not {len(jobs)}: split them")
        args: list[Any] = []
        for job in jobs:
            args += (job.lane, int(job.priority), _ms(job.delay) if job.delay else "", pack(job))

        def parse(reply: Sequence[Any]) -> list[Job]:
            now_ms, first = reply
            return [_enqueued(job, f"{first + number:011x}", now_ms) for number, job in enumerate(jobs)]

        return (yield from self._rank("enqueue", *args, parse=parse)) if jobs else []

    def claim(self, limit: int, lease: float) -> Steps[Claim]:
        """Take up to `limit` next jobs; one round trip for each hundred."""
        lease_ms = _ms(lease)
        claim: Claim = yield from self._claim(min(limit, _PAGE), lease_ms, TIMERS_PER_CALL)
        taken = len(claim.leases)
        while taken == _PAGE and len(claim.leases) < limit:
            wanted = min(limit - len(claim.leases), _PAGE)
            try:
                more: Claim = yield from self._claim(wanted, lease_ms, 0)
            except RanchError:
                # Better fewer jobs than leases that nobody knows of.
                break
            taken = len(more.leases)
            claim = Claim(leases=[*claim.leases, *more.leases], idle_for=None, tick=more.tick)
        return claim

    def _claim(self, limit: int, lease_ms: int, timers: int) -> Steps[Claim]:
        # As many moves as it could serve lanes, so that no job is left out that there is.
        return self._rank("claim", limit, lease_ms, timers, moves=limit, parse=partial(_claimed, lease_ms))

    def ack(self, leases: Sequence[Lease]) -> Steps[list[Lease]]:
        """Remove the jobs: done. Return the leases that were lost; for them nothing changed."""
        lost: list[Lease] = []
        for page in _pages(leases):
            args = [word for lease in page for word in (lease.job.id, lease.token, lease.job.lane)]
            lost += yield self._call("ack", *args, parse=partial(_lost, page))
        return lost

    def release(self, leases: Sequence[Lease], delay: float) -> Steps[list[Lease]]:
        """Give the jobs back, to their old places or after a delay. Return the leases that were lost."""
        return (
            (
                yield from self._rank(
                    "release", _ms(delay) if delay else "", *_tokens(leases), parse=partial(_lost, leases)
                )
            )
            if leases
            else []
        )

    def renew(self, leases: Sequence[Lease], seconds: float) -> Steps[tuple[list[Lease], list[Lease]]]:
        """Let the leases end `seconds` from now. Return the renewed and the lost ones."""
        renewed: list[Lease] = []
        lost: list[Lease] = []
        for page in _pages(leases):
            args = [self._now(), _ms(seconds), *_tokens(page)]
            reply = yield self._call("renew", *args, parse=list)
            now_ms, *places = reply
            gone = set(places)
            lost += _lost(page, reply)
            deadline = (now_ms + _ms(seconds)) / 1000
            renewed += [evolve(lease, deadline=deadline) for n, lease in enumerate(page) if n not in gone]
        return renewed, lost

    def reclaim(self, limit: int) -> Steps[int]:
        """Take back up to `limit` jobs whose time has come; return how many came from an expired lease."""
        expired = 0
        while limit > 0:
            wanted = min(limit, _PAGE)
            try:
                taken, from_leases = yield from self._rank("reclaim", wanted, parse=tuple)
            except StrategyMismatch:
                # What was done before is to be told.
                if not expired:
                    raise
                break
            expired += from_leases
            limit -= taken
            if taken < wanted:
                break
        return expired

    def update(self, changes: Sequence[LaneUpdate]) -> Steps[None]:
        """Change lanes, creating those that are new. A waiting lane feels it at once."""
        for page in _pages(changes):
            args: list[Any] = []
            for change in page:
                fields = {f"tag:{name}": value for name, value in change.tags.items()}
                fields |= {f"data:{n}": None if v is None else json.dumps(v) for n, v in change.data.items()}
                if change.mean_time is not None:
                    fields["mean_time"] = repr(change.mean_time)
                weights = (change.weight, change.weight if change.effective_weight is None else change.effective_weight)
                args += (change.key, *("" if weight is None else repr(weight) for weight in weights), len(fields))
                args += (word for field, value in fields.items() for word in (field, value or ""))
            yield from self._rank("update", *args, parse=_nothing)

    def read(self, keys: Sequence[str]) -> Steps[list[Lane]]:
        """Read lanes, in the order of `keys`; a lane never used reads as a default one."""
        lanes: list[Lane] = []
        for page in _pages(keys):
            rows = yield self._call("read", *page, parse=list)
            lanes += map(read_lane, page, map(read_fields, rows[::2]), rows[1::2])
        return lanes

    def keys(self, tag: tuple[str, str] | None = None, *, backlogged: bool = False) -> Steps[list[str]]:
        """Name the lanes ever used, sorted; with `tag`, those that bear it; if `backlogged`, those with pending jobs.

        Looks at some hundred lanes in a round trip, so it never holds the server up, and a lane that came or changed
        in the meantime may or may not be in it.
        """
        field, value = (f"tag:{tag[0]}", tag[1]) if tag else ("", "")
        found: set[str] = set()
        cursor, index = b"0", b"first" if backlogged else b""
        while True:
            args = (cursor, _LANES_PAGE, index, field, value)
            cursor, index, *keys = yield self._call("keys", *args, parse=list)
            found.update(key.decode() for key in keys)
            if cursor == b"0" and not index:
                return sorted(found)

    def stats(self) -> Steps[QueueStats]:
        """Read the queue's numbers."""
        stats: QueueStats = yield self._call("stats", parse=_stats)
        return stats

    def wait(self, timeout: float, tick: int) -> Steps[None]:
        """Wait for the bell, at most 2 seconds. A ring that came before the wait ends it at once."""
        if timeout > 0:
            seconds = max(_SHORTEST_WAIT, min(timeout, self._patience))
            yield Call("BLPOP", (self._keys.bell,), (seconds,), _nothing)

    def ring(self) -> Steps[None]:
        """Ring the bell, unless it rings already."""
        yield self._call("ring", parse=_nothing)

    def read_strategy(self) -> Steps[StrategyChoice | None]:
        """Read which strategy the queue has; None before its first job."""
        choice: StrategyChoice | None = yield Call("HMGET", (self._keys.meta,), ("strategy", "generation"), _choice)
        return choice

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
                for page in _pages(answers, _LANES_PAGE):
                    words = [word for said in page for word in said]
                    yield self._call("answer", generation, errors, *words, parse=_nothing)
                    errors = 0
        return result

    def _call(self, name: str, *args: Any, parse: Any) -> Call:
        script = load(name, self._twin)
        return Call(script, self._keys.named(script.keys), args, parse)

    def _now(self) -> int | str:
        """Return the time to give to a script: none, so that it takes the server's, unless there is a clock."""
        return "" if self._clock is None else _ms(self._clock())


def _claimed(lease_ms: int, reply: Sequence[Any]) -> Claim:
    now_ms, tick, idle_ms, *words = reply
    deadline = (now_ms + lease_ms) / 1000
    leases = []
    for job_id, token, record in zip(words[::3], words[1::3], words[2::3], strict=True):
        job = unpack(job_id.decode(), record, this_claim=1)
        leases.append(Lease(job=job, token=token.decode(), deadline=deadline))
    return Claim(leases=leases, idle_for=None if idle_ms < 0 else idle_ms / 1000, tick=tick)


def _enqueued(new: NewJob, job_id: str, now_ms: int) -> Job:
    return Job(
        id=job_id,
        lane=new.lane,
        body=new.body,
        content_type=new.content_type,
        priority=new.priority,
        cost=new.cost,
        enqueued_at=now_ms / 1000,
        due_at=(now_ms + _ms(new.delay)) / 1000,
        bid=new.bid,
    )


def _stats(reply: Sequence[Any]) -> QueueStats:
    row, *numbers = reply
    return queue_stats(read_fields(row), *numbers)


def _choice(reply: Sequence[Any]) -> StrategyChoice | None:
    text, generation = reply
    return StrategyChoice.read(text, int(generation or 0)) if text else None


def _ms(seconds: float) -> int:
    return min(round(seconds * 1000), _NEVER_MS) if seconds < _NEVER_MS else _NEVER_MS


def _pages(items: Sequence[T], size: int = _PAGE) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _lost(page: Sequence[Lease], reply: Sequence[int]) -> list[Lease]:
    _, *places = reply
    return [page[place] for place in places]


def _tokens(leases: Sequence[Lease]) -> list[str]:
    return [word for lease in leases for word in (lease.job.id, lease.token)]


def _nothing(reply: object) -> None:
    return None
