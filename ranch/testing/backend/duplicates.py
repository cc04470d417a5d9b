"""Jobs of which there is to be only one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from ranch.letters import Death
from ranch.model import Job, NewJob
from ranch.policy import Policy
from ranch.testing.backend.case import BackendCase, DrivenLanes
from ranch.testing.backend.limits import limit
from ranch.testing.clock import FakeClock
from ranch.typing import Backend


def _enqueue(lanes: DrivenLanes, *keys: str | None, **options: Any) -> list[Job]:
    new: dict[str, Any] = {"lane": "a", "body": b"x", "content_type": "text/plain"} | options
    return list(lanes.enqueue([NewJob(dedup_key=key, **new) for key in keys]).jobs)


def _die_of_lost_workers(lanes: DrivenLanes, clock: FakeClock) -> None:
    for _ in range(4):
        lanes.lose(clock)
    assert [ending.how for ending in lanes.reclaim(10).ended] == ["dead"]


def _drop(lanes: DrivenLanes, _: FakeClock) -> None:
    limit(lanes, "a", max_pending=1, overflow="drop-oldest")
    lanes.put("a", "newer")


def _expire(lanes: DrivenLanes, clock: FakeClock) -> None:
    clock.advance(100.0)
    lanes.reclaim(10)


def _expire_leased(lanes: DrivenLanes, clock: FakeClock) -> None:
    leases = lanes.take(lease=500.0)
    clock.advance(100.0)
    lanes.release(leases, 0.0)


#: Each way in which a job ends.
_ENDS: Final[dict[str, Callable[[DrivenLanes, FakeClock], object]]] = {
    "acked": lambda lanes, _: lanes.ack(lanes.take()),
    "expired": _expire,
    "expired while leased": _expire_leased,
    "cancelled": lambda lanes, _: lanes.cancel([job.job.id for job in lanes.jobs("", 10).jobs]),
    "dropped": _drop,
    "buried": lambda lanes, _: lanes.bury(lanes.take(), Death()),
    "worker lost": _die_of_lost_workers,
}


class Duplicates(BackendCase):
    """``dedup_key``: while a job with it waits or runs, another one is not stored."""

    def test_a_duplicate_is_answered_with_the_first(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """The one that is there, as it is, marked; whatever the new one says, nothing of it is stored."""
        (first,) = _enqueue(lanes, "k", cost=2.0, delay=5.0)
        assert (first.dedup_key, first.duplicate) == ("k", False)
        clock.advance(5.0)
        lanes.take()

        (twin,) = _enqueue(lanes, "k", lane="b", body=b"other", cost=7.0)

        assert (twin.id, twin.duplicate, twin.lane, twin.body, twin.cost, twin.attempts) == (
            first.id,
            True,
            "a",
            b"x",
            2.0,
            1,
        )
        assert (lanes.stats().enqueued, lanes.keys()) == (1, ["a"])

    def test_within_a_batch_the_first_counts(self, lanes: DrivenLanes) -> None:
        """The answer has a job for each, in the order given."""
        jobs = _enqueue(lanes, "k", None, "l", "k", None, "l")
        assert [job.duplicate for job in jobs] == [False, False, False, True, False, True]
        assert (jobs[3].id, jobs[5].id) == (jobs[0].id, jobs[2].id)
        assert lanes.stats().enqueued == 4

    @pytest.mark.parametrize("end", list(_ENDS))
    def test_a_job_that_ends_frees_its_key(self, lanes: DrivenLanes, clock: FakeClock, end: str) -> None:
        """However it ends: done, dead, or never run."""
        (first,) = _enqueue(lanes, "k", expires=100.0)
        assert _enqueue(lanes, "k")[0].duplicate

        _ENDS[end](lanes, clock)

        (second,) = _enqueue(lanes, "k")
        assert (second.duplicate, second.id != first.id) == (False, True)
        assert _enqueue(lanes, "k")[0].id == second.id

    @pytest.mark.parametrize("how", ["released", "failed", "delayed", "lease expired"])
    def test_a_job_that_comes_back_keeps_its_key(self, lanes: DrivenLanes, clock: FakeClock, how: str) -> None:
        """It is not done: it waits again."""
        (first,) = _enqueue(lanes, "k")
        leases = lanes.take(lease=1.0)
        if how == "lease expired":
            clock.advance(1.0)
            lanes.reclaim(1)
        else:
            lanes.release(leases, 9.0 if how == "delayed" else 0.0, failed=how == "failed")

        (twin,) = _enqueue(lanes, "k")
        assert (twin.id, twin.duplicate) == (first.id, True)

    def test_a_revived_job_holds_its_key_no_more(self, lanes: DrivenLanes) -> None:
        """Another one may have come in since it died; and its end frees nobody else's key."""
        (first,) = _enqueue(lanes, "k")
        lanes.bury(lanes.take(), Death())
        lanes.revive([first.id])

        (second,) = _enqueue(lanes, "k")
        assert (second.duplicate, second.id != first.id) == (False, True)
        lanes.cancel([first.id])
        assert _enqueue(lanes, "k")[0].id == second.id

    def test_a_key_counts_for_so_long_at_most(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """Then another job takes it over, and the end of the first does not free it."""
        (first,) = _enqueue(lanes, "k", dedup_for=10.0)
        clock.advance(9.999)
        assert _enqueue(lanes, "k", dedup_for=10.0)[0].id == first.id
        clock.advance(0.001)
        (second,) = _enqueue(lanes, "k")
        assert not second.duplicate

        assert [job.id for job in lanes.cancel([first.id])] == [first.id]
        assert _enqueue(lanes, "k")[0].id == second.id
        lanes.cancel([second.id])
        assert not _enqueue(lanes, "k")[0].duplicate

    def test_a_key_counts_in_its_queue_alone(self, lanes: DrivenLanes, backend: Backend) -> None:
        """Over all lanes of it; any text is a key, and none is taken for another."""
        _enqueue(lanes, "k")
        assert not _enqueue(DrivenLanes(backend, "video", policy=Policy()), "k")[0].duplicate
        keys = [" ", "K", "k ", "{k}", "%", "a:b", "ü" * 256, "a\x00b", "'; --"]
        assert not any(job.duplicate for job in _enqueue(lanes, *keys))
        assert all(job.duplicate for job in _enqueue(lanes, *keys))
