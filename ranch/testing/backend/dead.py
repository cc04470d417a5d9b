"""Dead letters: how jobs get there, and how they leave."""

from __future__ import annotations

from itertools import pairwise

import pytest
from attrs import evolve

from ranch.letters import Death
from ranch.model import Priority, QueueStats
from ranch.policy import Policy
from ranch.strategies import Bid
from ranch.testing.backend.case import BackendCase, DrivenLanes
from ranch.testing.clock import FakeClock
from ranch.typing import Backend

FAILED = Death(error="ValueError: no such user: ü", traceback="Traceback …\nValueError")


def _kill(lanes: DrivenLanes, *names: str, lane: str = "a") -> list[str]:
    """Enqueue jobs and bury them one after the other; return their ids."""
    ids = lanes.put(lane, *names)
    assert lanes.bury(lanes.take(len(names)), FAILED) == []
    return ids


def _ids(lanes: DrivenLanes, limit: int = 100) -> list[str]:
    return [letter.job.id for letter in lanes.letters("", limit).letters]


class DeadLetters(BackendCase):
    """What was given up on is kept with the reason until it is revived or forgotten."""

    def test_a_buried_job_is_kept_with_the_reason(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """Whole, and with the time; it is claimed no more, and its lease is gone."""
        (job_id,) = lanes.put("a", "bad", priority=5, cost=2.5, bid=3.0)
        (lease,) = lanes.take()
        clock.advance(2.0)

        assert lanes.bury([lease], FAILED) == []

        letter = lanes.letter(job_id)
        assert (letter.death, letter.died_at) == (FAILED, clock())
        job = letter.job
        assert (job.body, job.content_type, job.lane, job.priority, job.cost, job.bid) == (
            b"bad",
            "text/plain",
            "a",
            Priority.VERY_HIGH,
            2.5,
            3.0,
        )
        assert (job.attempts, job.failures) == (1, 1)
        assert lanes.find(job_id).state == "dead"
        assert lanes.take() == []
        assert lanes.ack([lease]) == lanes.bury([lease], FAILED) == [lease]
        stats = lanes.stats()
        assert (stats.dead, stats.died, stats.failed, stats.leased) == (1, 1, 1, 0)

    def test_an_error_may_have_any_text(self, lanes: DrivenLanes) -> None:
        """What no store can keep is written out: a byte of a file's name that is no Unicode, and NUL."""
        lanes.put("a", "bad")

        assert lanes.bury(lanes.take(), Death.of(ValueError("no \udcff, \0 or ü"))) == []

        (letter,) = lanes.letters("", 9).letters
        assert letter.death.error == r"ValueError: no \udcff, \x00 or ü"

    def test_a_letter_of_another_store_is_kept_as_it_was(
        self, lanes: DrivenLanes, backend: Backend, clock: FakeClock
    ) -> None:
        """All that it says stays, but the id; it is counted, revived and forgotten as one that died here."""
        clock.advance(1.5)
        lanes.put("a", "old", priority=5, cost=2.5, bid=-3.0, expires=900.0, lease=0.25, dedup_key="ü")
        lanes.put("b", "old, too")
        lanes.bury(lanes.take(2), FAILED)
        letters = lanes.letters("", 9).letters
        clock.advance(60.0)

        other = DrivenLanes(backend, queue="other")
        other.put("a", "here")
        other.restore(letters)

        kept = other.letters("", 9).letters
        ids = [letter.job.id for letter in kept]
        assert [evolve(letter, job=evolve(letter.job, id="")) for letter in kept] == [
            evolve(letter, job=evolve(letter.job, id="")) for letter in letters
        ]
        for stats in (other.stats(), other.read(["a"])[0].stats):
            dead = 2 if isinstance(stats, QueueStats) else 1
            assert (stats.enqueued, stats.died, stats.dead) == (dead + 1, dead, dead)
            assert (stats.pending, stats.delayed, stats.leased) == (1, 0, 0)
        assert other.find(ids[0]).at == letters[0].died_at
        assert len(set(ids)) == 2
        assert [lease.job.body for lease in other.take(9)] == [b"here"]
        assert [job.id for job in other.revive(ids[:1])] == ids[:1]
        assert other.forget(ids) == 1
        assert [lease.job.body for lease in other.take(9)] == [b"old"]
        other.check()

    @pytest.mark.parametrize("most", [1, 3])
    def test_a_job_whose_workers_are_lost_dies(self, backend: Backend, clock: FakeClock, most: int) -> None:
        """When its lease expired once more than the policy allows; till then it goes back to its lane."""
        lanes = DrivenLanes(backend, policy=Policy(max_reclaims=most))
        (job_id,) = lanes.put("a", "killer")
        for reclaims in range(1, most + 1):
            lanes.lose(clock)
            assert lanes.reclaim(10).ended == []
            assert lanes.find(job_id).job.reclaims == reclaims
        lanes.lose(clock)

        claim = lanes.claim(1, 30.0, "me")

        assert (claim.leases, [(ending.job.id, ending.how) for ending in claim.ended]) == ([], [(job_id, "dead")])
        letter = lanes.letter(job_id)
        assert (letter.death.kind, letter.death.reason, letter.job.reclaims) == ("system", "worker lost", most + 1)
        assert (lanes.stats().reclaimed, lanes.stats().failed) == (most + 1, 0)
        lanes.check()

    def test_letters_are_paged_by_age_and_id(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """The oldest first, each on one page, also where many died at one time and some leave meanwhile."""
        died = _kill(lanes, *"1234567")
        clock.advance(1.0)
        died += _kill(lanes, *"89")

        seen, cursor = [], ""
        while True:
            page = lanes.letters(cursor, 3)
            seen += [letter.job.id for letter in page.letters]
            cursor = page.cursor
            if not cursor:
                break
            lanes.forget(seen[-1:])  # the cursor points behind one that is gone

        assert seen == died
        assert lanes.letter("no such job") is None
        assert lanes.letter(lanes.put("a", "alive")[0]) is None

    def test_a_revived_job_goes_back_to_its_lane(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """Behind those that are ready, under its own id; its failures are forgotten, its attempts are not."""
        (job_id,) = lanes.put("a", "bad", priority=4, cost=2.5, bid=3.0, expires=60.0, lease=7.0)
        for _ in range(2):
            lanes.take()
            clock.advance(7.0)
            lanes.reclaim(10)
        lanes.release(lanes.take(), 0.0, failed=True)
        lanes.bury(lanes.take(), FAILED)
        clock.advance(1000.0)
        lanes.put("a", "other", priority=4)
        clock.advance(1.0)

        (revived,) = lanes.revive([job_id, "no such job", job_id])

        assert (revived.id, revived.due_at, revived.failures, revived.reclaims) == (job_id, clock(), 0, 0)
        assert (revived.priority, revived.cost, revived.bid, revived.lease, revived.expires_at) == (
            Priority.HIGH,
            2.5,
            3.0,
            7.0,
            None,
        )
        clock.advance(1000.0)
        other, lease = lanes.take()
        assert (other.job.body, lease.job.id, lease.job.attempts) == (b"other", job_id, 5)
        assert lease.deadline == clock() + 7.0
        stats = lanes.read(["a"])[0].stats
        assert (stats.dead, stats.died, stats.revived, stats.enqueued) == (0, 1, 1, 2)
        assert lanes.letters("", 10).letters == []

    def test_a_revived_job_brings_its_bid(self, backend: Backend) -> None:
        """Its lane is ranked by it, where it comes first."""
        lanes = DrivenLanes(backend, "gpu", Bid())
        (job_id,) = lanes.put("a", "high", bid=9.0)
        lanes.bury(lanes.take(), FAILED)
        lanes.put("b", "middle", bid=5.0)
        lanes.revive([job_id])
        assert lanes.names() == ["high", "middle"]

    def test_forgotten_letters_are_gone(self, lanes: DrivenLanes) -> None:
        """They count as having died, and no more as being kept."""
        one, two, three = _kill(lanes, *"123")
        alive = lanes.put("a", "alive")[0]
        assert lanes.forget([three, one, "no such job", alive, one]) == 2
        assert _ids(lanes) == [two]
        assert lanes.revive([one]) == []
        assert (lanes.find(one), lanes.stats().dead, lanes.stats().died) == (None, 1, 3)

    def test_of_too_many_letters_the_oldest_go(self, backend: Backend, clock: FakeClock) -> None:
        """By the time of their death; of those of one time by their id."""
        lanes = DrivenLanes(backend, policy=Policy(max_dead=3))
        died = []
        for pair in ("12", "34", "56"):
            died += _kill(lanes, *pair, lane=f"lane {pair}")
            clock.advance(1.0)
        assert _ids(lanes) == died[-3:]
        assert (lanes.stats().dead, lanes.stats().died) == (3, 6)
        lanes.check()

    def test_fewer_letters_allowed_than_there_are_go_bit_by_bit(self, backend: Backend) -> None:
        """The next death takes no more than a few along, and in the end there are as many as may be."""
        lanes, strict = DrivenLanes(backend), DrivenLanes(backend, policy=Policy(max_dead=5))
        _kill(lanes, *map(str, range(60)))
        left = [lanes.stats().dead]
        while left[-1] > 5:
            _kill(strict, "one more")
            left.append(lanes.stats().dead)
        assert all(0 < before - after <= 20 for before, after in pairwise(left))
        assert left[-1] == 5
        lanes.check()

    def test_letters_are_kept_for_their_time(self, backend: Backend, clock: FakeClock) -> None:
        """Then the next claim or reclaim forgets them; one that was revived, or died again, meanwhile is left alone."""
        lanes = DrivenLanes(backend, policy=Policy(dead_ttl=60.0))
        one, two, again = _kill(lanes, "1", "2", "3")
        clock.advance(30.0)
        lanes.revive([again])
        lanes.bury(lanes.take(), FAILED)
        lanes.revive([two])
        clock.advance(29.999)
        lanes.reclaim(10)
        assert _ids(lanes) == [one, again]
        clock.advance(0.001)
        lanes.reclaim(10)
        assert _ids(lanes) == [again]
        assert lanes.names() == ["2"]
        clock.advance(30.0)
        lanes.reclaim(10)
        assert _ids(lanes) == []
        lanes.check()
