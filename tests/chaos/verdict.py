"""Whether ranch kept its promises: each check yields what contradicts one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from itertools import pairwise
from typing import Final

from ranch.model import Lane, QueueStats
from ranch.testing.counts import check_counts
from tests.chaos.plan import LANES, MAX_IN_FLIGHT, RATE_INTERVAL
from tests.chaos.stories import Claim, Stories, Story

#: Seconds. Stores count whole milliseconds.
EDGE: Final = 0.002
#: Seconds. By so much later than it was done it may have been written down that a dead letter was put back.
LATE: Final = 5.0


class Verdict:
    """What the ledgers of a run and its store, at rest, come to.

    Args:
        stories: What the processes were told.
        stats: The queue's numbers, at its end.
        lanes: Those of its lanes.
        dead: The ids of its dead letters.
    """

    def __init__(self, stories: Stories, stats: QueueStats, lanes: list[Lane], dead: AbstractSet[str]) -> None:
        self.stories, self.stats, self.lanes, self.dead = stories, stats, lanes, dead
        #: What was found, and is no fault, by its name.
        self.seen: Counter[str] = Counter()
        #: By lane and alike: each promise that was broken.
        self.faults: list[str] = []
        for check in self._checks:
            self.faults += check(self)

    def _outcomes(self) -> Iterator[str]:
        """Each job has one outcome, and none was lost."""
        for story in self.stories.jobs.values():
            sure = self._sure(story)
            if len(sure) > 1:
                yield f"job {story.id} has ended in several ways: {', '.join(sorted(sure))}"
            elif not sure:
                if not self._may_have_ended(story):
                    yield f"job {story.id} of lane {story.lane} is lost"
                self.seen["ends that nobody was told of"] += 1
            for how, times in story.told.items():
                if times > 1 + (how == "dead") * len(story.revivals):
                    yield f"job {story.id} was told to be {how} {times} times"
            acks = sum(bool(claim.settlement and claim.settlement.how == "ack") for claim in story.claims)
            self.seen["jobs run to their end more than once"] += acks > 1
            if sum(_was(claim, "ack") for claim in story.claims) > 1:
                yield f"job {story.id} was acked more than once"

    def _sure(self, story: Story) -> set[str]:
        sure = {how for how in story.told if how != "dead"}
        if any(_was(claim, "ack") for claim in story.claims):
            sure.add("done")
        if story.id in self.dead:
            sure.add("dead")
        elif not story.revivals and (story.told.get("dead") or any(_was(claim, "bury") for claim in story.claims)):
            sure.add("dead, and not among the dead letters")
        return sure

    def _may_have_ended(self, story: Story) -> bool:
        return (
            any(_may_be(claim, "ack") for claim in story.claims)
            or story.expires_at is not None
            or bool(story.cancels)
            or story.lane == "dropping"  # by an enqueue that was not answered
            or not story.is_promised
        )

    def _hand_overs(self) -> Iterator[str]:
        """A job is claimed again only when its lease was given back, had run out, or may have been given back."""
        for story in self.stories.jobs.values():
            story.claims.sort(key=lambda claim: claim.attempts)
            for first in story.claims[:1]:
                self.seen["leases that ran out, and the job ended"] -= first.reclaims
                yield from self._unseen(story, 0, first.attempts - 1, first.reclaims)
            for before, after in pairwise(story.claims):
                yield from self._hand_over(story, before, after)

    def _hand_over(self, story: Story, before: Claim, after: Claim) -> Iterator[str]:
        passed, reclaimed = after.attempts - before.attempts, after.reclaims - before.reclaims
        said = f"job {story.id}, claims {before.attempts} by {before.worker} and {after.attempts} by {after.worker}"
        settled = before.settlement
        if after.start < before.held_until - EDGE:
            yield f"{said}: claimed {before.held_until - after.start:.3f} s before the first lease had ended"
        if any(before.start < revival < after.start + LATE for revival in story.revivals):
            # What was counted before is forgotten.
            self.seen["leases that ran out, and the job ended"] -= after.reclaims
            return
        if passed < 1 or reclaimed < 0:
            yield f"{said}: two owners"
            return
        self.seen["leases that ran out, and the job ended"] -= reclaimed
        if _was(before, "ack") or _was(before, "bury"):
            yield f"{said}: claimed after it was settled for good"
        given_back = bool(settled and settled.how in {"fail", "release"} and settled.may_be_done)
        if settled and settled.is_sure and reclaimed >= passed:
            yield f"{said}: the lease ran out though it was given back"
        if reclaimed < passed and not given_back:
            yield f"{said}: neither given back nor run out"
        if passed == 1 and not reclaimed and settled and after.failures - before.failures != (settled.how == "fail"):
            yield f"{said}: {after.failures - before.failures} failures counted after {settled.how}"
        yield from self._unseen(story, before.attempts, passed - 1, reclaimed)
        if reclaimed == passed:
            self.seen[f"second runs: {_why(before)}"] += 1

    def _unseen(self, story: Story, since: int, claims: int, reclaims: int) -> Iterator[str]:
        """Claims that nobody got the answer of can only run out."""
        self.seen["claims whose answer nobody got"] += claims
        if reclaims < claims:
            yield f"job {story.id}: {claims} claims after claim {since} are in no ledger, and {reclaims} ran out"

    def _lost_leases(self) -> Iterator[str]:
        """Who is told that a lease is lost had it run out, or has sent a call twice."""
        for claim in self.stories.claims.values():
            settled = claim.settlement
            if settled and settled.lost and settled.answered is not None and settled.answered < claim.deadline - EDGE:
                self.seen["told to be lost, and done: the answer was lost"] += 1
                if not settled.resent:
                    yield f"job {claim.job}: {settled.how} was told that the lease is lost before it had run out"

    def _times(self) -> Iterator[str]:
        """No job is claimed before its time, or after it."""
        for claim in self.stories.claims.values():
            if claim.start < claim.due_at - EDGE:
                yield f"job {claim.job} was claimed {claim.due_at - claim.start:.3f} s before it was due"
            if claim.expires_at is not None and claim.start > claim.expires_at + EDGE:
                yield f"job {claim.job} was claimed {claim.start - claim.expires_at:.3f} s after it had expired"

    def _caps(self) -> Iterator[str]:
        """No lane, nor the queue, has more leases at a time than it may."""
        by_lane: defaultdict[str, list[Claim]] = defaultdict(list)
        for claim in self.stories.claims.values():
            by_lane[claim.lane].append(claim)
        caps = {lane: limits["max_in_flight"] for lane, limits in LANES.items() if "max_in_flight" in limits}
        for lane, cap in caps.items():
            if (most := _most_at_a_time(by_lane[lane])) > cap:
                yield f"lane {lane} had {most} leases at a time, and may have {cap}"
        if (most := _most_at_a_time(list(self.stories.claims.values()))) > MAX_IN_FLIGHT:
            yield f"the queue had {most} leases at a time, and may have {MAX_IN_FLIGHT}"
        starts = sorted(claim.start for claim in by_lane["rated"])
        for one, other in pairwise(starts):
            if other - one < RATE_INTERVAL - EDGE:
                yield f"two claims in the lane with a rate came {other - one:.3f} s apart"
        for lane, since, until in self.stories.pauses:
            for claim in by_lane[lane]:
                if since + EDGE < claim.start < until - EDGE:
                    yield f"job {claim.job} was claimed while lane {lane} was paused"

    def _keys(self) -> Iterator[str]:
        """A key is held by one job at a time."""
        by_key: defaultdict[str, list[Story]] = defaultdict(list)
        for story in self.stories.jobs.values():
            if story.key is not None:
                by_key[story.key].append(story)
        for key, holders in by_key.items():
            holders.sort(key=lambda story: story.id)
            for one, other in pairwise(holders):
                early = 0.0 if (ended := self._first_end(one)) is None else ended - other.enqueued_at
                if early > EDGE:
                    yield f"job {other.id} was stored under {key}, {early:.3f} s before {one.id} ended"

    def _first_end(self, story: Story) -> float | None:
        """Return when a job ended at the earliest; None if that is not known."""
        if story.id in self.dead or story.revivals or story.lane == "dropping":
            return None
        ends = [claim.settlement.sent for claim in story.claims if claim.settlement and _may_be(claim, "ack")]
        ends += story.cancels
        if story.expires_at is not None:
            ends.append(story.expires_at)
        return min(ends, default=None)

    def _totals(self) -> Iterator[str]:
        """The store's counters add up, and agree with what was told."""
        stats, jobs = self.stats, self.stories.jobs.values()
        try:
            check_counts(stats, self.lanes)
        except AssertionError as exc:
            yield f"the counters do not add up: {exc}"
        if stats.pending or stats.delayed or stats.leased:
            yield f"jobs are left: {stats}"
        promised = sum(story.is_promised for story in jobs)
        most = promised + sum(enqueue.unsaid for enqueue in self.stories.enqueues)
        bounds = {
            "enqueued": (promised, most),
            "claimed": (len(self.stories.claims), None),
            "acked": self._bounds("ack"),
            "died": (len(self.dead) + stats.revived, len(self.dead) + stats.revived),
            "revived": (revived := sum(len(story.revivals) for story in jobs), revived),
            "expired": (sum(bool(story.told.get("expired")) for story in jobs), None),
            "cancelled": (sum(bool(story.told.get("cancelled")) for story in jobs), None),
        }
        for name, (least, most) in bounds.items():
            number = getattr(stats, name)
            if number < least or (most is not None and number > most):
                yield f"the queue counts {number} {name}, and it were {least} to {most}"
        for story in jobs:
            if int(story.id, 16) > stats.enqueued:
                yield f"job {story.id} is not among the {stats.enqueued} that were enqueued"
        # The rest was not claimed again: it died of that, or had expired.
        self.seen["leases that ran out, and the job ended"] += stats.reclaimed
        if self.seen["leases that ran out, and the job ended"] < 0:
            yield f"jobs count more leases that ran out than the {stats.reclaimed} of the queue"
        self.seen["jobs whose enqueue was not answered"] += stats.enqueued - promised
        names = Counter(name for story in jobs for name in story.names)
        self.seen["jobs that are there twice: an enqueue was sent again"] += sum(n - 1 for n in names.values())
        yield from (f"two leases had the token {token}" for token in self.stories.doubled)

    def _bounds(self, how: str) -> tuple[int, int]:
        claims = self.stories.claims.values()
        sure = {claim.job for claim in claims if _was(claim, how)}
        return len(sure), len(sure | {claim.job for claim in claims if _may_be(claim, how)})

    _checks: tuple[Callable[[Verdict], Iterator[str]], ...] = (
        _outcomes,
        _hand_overs,
        _lost_leases,
        _times,
        _caps,
        _keys,
        _totals,
    )


def _was(claim: Claim, how: str) -> bool:
    return bool(claim.settlement and claim.settlement.how == how and claim.settlement.is_sure)


def _may_be(claim: Claim, how: str) -> bool:
    return bool(claim.settlement and claim.settlement.how == how and claim.settlement.may_be_done)


def _why(claim: Claim) -> str:
    if claim.was_killed:
        return "the worker was killed"
    if claim.settlement is None:
        return "the worker forgot the job"
    return "the lease was outlived" if claim.settlement.lost else "the worker's call was not answered"


def _most_at_a_time(claims: list[Claim]) -> int:
    edges = [(claim.start + EDGE, 1) for claim in claims if claim.held_until - claim.start > 2 * EDGE]
    edges += [(claim.held_until - EDGE, -1) for claim in claims if claim.held_until - claim.start > 2 * EDGE]
    most = held = 0
    for _, change in sorted(edges):
        held += change
        most = max(most, held)
    return most
