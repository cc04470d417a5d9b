"""The operations on Redis that change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ranch.answers import JobPage, LetterPage, Outcome, Plan, Standing, StoredJob
from ranch.backends.redis.calls import Caller, pages
from ranch.backends.redis.records import queue_stats, read_fields, read_lane, unpack
from ranch.backends.redis.replies import letters, outcome, planned
from ranch.backends.redis.runners import Call
from ranch.choice import StrategyChoice
from ranch.letters import DeadLetter
from ranch.model import Lane, QueueStats
from ranch.steps import Steps

_PAGE: Final = 100
# For what costs the server next to nothing: looking at lanes, or at timers.
_SCAN_PAGE: Final = 500


class RedisLookups:
    """What can be read of one queue."""

    def __init__(self, caller: Caller) -> None:
        self._keys = caller.keys
        self._call = caller.call
        self._now = caller.now

    def find(self, job_id: str) -> Steps[StoredJob | None]:
        """Tell where a job stands. One round trip; who has leased it takes one for each 500 leases and delayed jobs."""
        state, *reply = yield self._call("find", job_id, parse=list)
        if not state:
            return None
        record, at_ms, ahead = reply
        at, owner, this_claim = int(at_ms) / 1000, "", 0
        if state == b"leased":
            this_claim = 1
            if member := (yield from self._lease(job_id)):
                at, owner = member
        return StoredJob(
            job=unpack(job_id, record, this_claim=this_claim),
            state=state.decode(),
            at=None if at < 0 else at,
            owner=owner,
            ahead=None if ahead < 0 else ahead,
        )

    def outcome(self, job_id: str) -> Steps[Outcome | None]:
        """Tell how a job has ended, or that it has not. One round trip."""
        ended: Outcome | None = yield self._call("outcome", self._now(), job_id, parse=outcome)
        return ended

    def _lease(self, job_id: str) -> Steps[tuple[float, str] | None]:
        cursor = b"0"
        while True:
            args = (cursor, "MATCH", f"l{job_id}*", "COUNT", _SCAN_PAGE)
            cursor, found = yield Call("ZSCAN", (self._keys.timers,), args, list)
            for member, at_ms in found:
                return at_ms / 1000, member.decode().partition("@")[2]
            if not int(cursor):
                return None

    def jobs(self, cursor: str, limit: int, lane: str | None = None) -> Steps[JobPage]:
        """Read about `limit` of the jobs. One round trip."""
        following, *words = yield self._call("jobs", cursor or "0", limit, lane or "", parse=list)
        found = []
        for job_id, state, record, at_ms in zip(words[::4], words[1::4], words[2::4], words[3::4], strict=True):
            job = unpack(job_id.decode(), record, this_claim=state == b"leased")
            at = int(at_ms) / 1000
            found.append(StoredJob(job=job, state=state.decode(), at=None if at < 0 else at))
        return JobPage(jobs=found, cursor="" if following == b"0" else following.decode())

    def letters(self, cursor: str, limit: int) -> Steps[LetterPage]:
        """Read up to `limit` dead letters. One round trip."""
        at, _, after = cursor.partition("-")
        found = letters((yield self._call("letters", at or "0", after, limit, parse=list)))
        last = found[-1] if len(found) == limit else None
        return LetterPage(letters=found, cursor=f"{round(last.died_at * 1000)}-{last.job.id}" if last else "")

    def letter(self, job_id: str) -> Steps[DeadLetter | None]:
        """Read one dead letter."""
        found = letters((yield self._call("letter", job_id, parse=list)))
        return found[0] if found else None

    def schedules(self, names: Sequence[str] | None = None) -> Steps[Plan]:
        """Read schedules, sorted by name. One round trip."""
        which = ("1",) if names is None else ("", *names)
        plan: Plan = yield self._call("schedules", self._now(), *which, parse=planned)
        return plan

    def read(self, keys: Sequence[str]) -> Steps[list[Lane]]:
        """Read lanes, in the order of `keys`; a lane never used reads as a default one."""
        lanes: list[Lane] = []
        for page in pages(keys, _PAGE):
            rows = yield self._call("read", *page, parse=list)
            lanes += map(read_lane, page, map(read_fields, rows[::2]), rows[1::2])
        return lanes

    def keys(self, tag: tuple[str, str] | None = None, *, backlogged: bool = False) -> Steps[list[str]]:
        """Name the lanes there are, sorted; with `tag`, those that bear it; if `backlogged`, those that wait.

        Looks at some hundred lanes in a round trip, so it never holds the server up, and a lane that came or changed
        in the meantime may or may not be in it.
        """
        field, value = (f"tag:{tag[0]}", tag[1]) if tag else ("", "")
        found: set[str] = set()
        cursor, index = b"0", b"first" if backlogged else b""
        while True:
            args = (cursor, _SCAN_PAGE, index, field, value)
            cursor, index, *keys = yield self._call("keys", *args, parse=list)
            found.update(key.decode() for key in keys)
            if cursor == b"0" and not index:
                return sorted(found)

    def standing(self, lane: str) -> Steps[Standing]:
        """Tell where a lane stands among those that wait, and what keeps it."""
        rank, ahead, blocked, until_ms, queue_blocked, queue_until_ms = yield self._call(
            "standing", self._now(), "", lane, parse=list
        )
        return Standing(
            rank=float(rank) if rank else None,
            ahead=None if ahead < 0 else ahead,
            blocked=blocked.decode(),
            until=None if until_ms < 0 else until_ms / 1000,
            queue_blocked=queue_blocked.decode(),
            queue_until=None if queue_until_ms < 0 else queue_until_ms / 1000,
        )

    def stats(self) -> Steps[QueueStats]:
        """Read the queue's numbers."""
        stats: QueueStats = yield self._call("stats", parse=_stats)
        return stats

    def read_strategy(self) -> Steps[StrategyChoice | None]:
        """Read which strategy the queue has; None before its first job."""
        choice: StrategyChoice | None = yield Call("HMGET", (self._keys.meta,), ("strategy", "generation"), _choice)
        return choice


def _stats(reply: Sequence[Any]) -> QueueStats:
    row, *numbers = reply
    return queue_stats(read_fields(row), *numbers)


def _choice(reply: Sequence[Any]) -> StrategyChoice | None:
    text, generation = reply
    return StrategyChoice.read(text, int(generation or 0)) if text else None
