"""The verdict finds what it looks for: each broken promise, in ledgers made up for it."""

from __future__ import annotations

import pytest

from ranch import Lane
from ranch.model import LaneStats, QueueStats
from tests.chaos.stories import Stories
from tests.chaos.verdict import Verdict


def job(**facts):
    """Return a job as ledgers have it."""
    return {
        "id": "00000000001",
        "name": "e-1",
        "lane": "free0",
        "enqueued_at": 100.0,
        "due_at": 100.0,
        "expires_at": None,
        "key": None,
        "duplicate": False,
        **facts,
    }


def lease(**facts):
    """Return a lease as ledgers have it, of 10 seconds."""
    claim = {"token": "t1", "start": 101.0, "attempts": 1, "reclaims": 0, "failures": 0, **facts}
    return job(deadline=claim["start"] + 10.0, **claim)


def enqueued(*jobs):
    """Return the notes of a call that stored jobs."""
    return [
        {"what": "enqueueing", "at": 100.0, "names": [job["name"] for job in jobs], "key": None},
        {"what": "enqueued", "at": 100.1, "jobs": jobs},
    ]


def claimed(*leases):
    """Return the note of a claim."""
    return [{"what": "claimed", "at": 101.0, "leases": leases}]


def settled(how="ack", token="t1", at=102.0, *, lost=False, resent=False):
    """Return the notes of a lease that was settled."""
    notes = [{"what": "settling", "at": at, "how": how, "tokens": [token]}]
    notes += [{"what": "resent", "at": at, "main": True}] * resent
    return [*notes, {"what": "settled", "at": at, "tokens": [token], "lost": [token] * lost}]


def told(what, job_id="00000000001"):
    """Return the note of an event."""
    return [{"what": what, "at": 101.0, "ids": [job_id]}]


#: A job that was enqueued, claimed and acked.
WELL = [enqueued(job()), claimed(lease()) + settled()]
#: A lease of it that ran out.
RUN_OUT = claimed(lease())
AGAIN = {"token": "t2", "attempts": 2, "reclaims": 1, "start": 111.0}
OTHER = {"id": "00000000002", "name": "e-2", "token": "t2"}


def judge(*ledgers, dead=(), **counters):
    """Return what is wrong by ledgers, each of a process, and the numbers of a queue."""
    stories = Stories()
    for number, notes in enumerate(ledgers):
        stories.read(f"process{number}", notes)
    claims = sum(len(note["leases"]) for notes in ledgers for note in notes if note["what"] == "claimed")
    numbers = {"enqueued": 1, "claimed": claims, "acked": claims, **counters}
    lanes = [Lane(key="free0", stats=LaneStats(**numbers))]
    return Verdict(stories, QueueStats(**numbers, lanes=1), lanes, set(dead)).faults


@pytest.mark.parametrize(
    ("ledgers", "numbers"),
    [
        pytest.param(WELL, {}, id="acked"),
        pytest.param(
            [enqueued(job()), RUN_OUT, claimed(lease(**AGAIN)) + settled(token="t2", at=112.0)],
            {"acked": 1, "reclaimed": 1},
            id="run out, and acked by another",
        ),
        pytest.param(
            [enqueued(job()), claimed(lease()) + settled(lost=True, resent=True)], {}, id="acked, and the answer lost"
        ),
        pytest.param([enqueued(job(expires_at=101.0)), []], {"acked": 0, "expired": 1}, id="expired, and nobody told"),
        pytest.param([enqueued(job()), told("cancelled")], {"acked": 0, "cancelled": 1}, id="cancelled"),
        pytest.param(
            [
                enqueued(job()),
                claimed(lease()) + settled("bury"),
                [{"what": "revived", "at": 103.0, "ids": ["00000000001"]}],
                claimed(lease(token="t2", attempts=2, start=104.0)) + settled(token="t2", at=105.0),
            ],
            {"acked": 1, "failed": 1, "died": 1, "revived": 1},
            id="buried, put back and acked",
        ),
        pytest.param(
            [[*enqueued(job())[:1], {"what": "resent", "at": 100.0, "main": True}, enqueued(job())[1]], *WELL[1:]],
            {"enqueued": 2, "acked": 1, "expired": 1},
            id="enqueued twice, for the answer was lost",
        ),
    ],
)
def test_what_may_happen_is_no_fault(ledgers, numbers):
    """Leases that run out, answers that are lost and ends of all kinds are explained."""
    assert judge(*ledgers, **numbers) == []


@pytest.mark.parametrize(
    ("ledgers", "numbers", "fault"),
    [
        pytest.param([enqueued(job()), []], {"acked": 1}, "is lost", id="lost"),
        pytest.param([*WELL, told("expired")], {}, "several ways: done, expired", id="two ends"),
        pytest.param([*WELL, told("expired") * 2], {}, "told to be expired 2 times", id="an end twice"),
        pytest.param(WELL, {"dead": ["00000000001"]}, "several ways: dead, done", id="done and dead"),
        pytest.param([*WELL, told("dead")], {}, "not among the dead letters", id="a letter is gone"),
        pytest.param(
            [*WELL, claimed(lease(**AGAIN)) + settled(token="t2")], {"reclaimed": 1}, "acked more than once", id="acks"
        ),
        pytest.param([*WELL, claimed(lease(token="t2"))], {}, "two owners", id="two owners"),
        pytest.param([*WELL, claimed(lease())], {}, "two leases had the token t1", id="a token twice"),
        pytest.param(
            [enqueued(job()), RUN_OUT, claimed(lease(**{**AGAIN, "start": 110.9})) + settled(token="t2", at=112.0)],
            {"acked": 1, "reclaimed": 1},
            "claimed 0.100 s before the first lease had ended",
            id="claimed too soon",
        ),
        pytest.param(
            [enqueued(job()), RUN_OUT, claimed(lease(**{**AGAIN, "reclaims": 0})) + settled(token="t2", at=112.0)],
            {"acked": 1, "released": 1},
            "neither given back nor run out",
            id="claimed without a reason",
        ),
        pytest.param(
            [
                enqueued(job()),
                claimed(lease()) + settled("release"),
                claimed(lease(token="t2", attempts=2, failures=1, start=103.0)) + settled(token="t2", at=104.0),
            ],
            {"acked": 1, "released": 1},
            "1 failures counted after release",
            id="a failure that was none",
        ),
        pytest.param(
            [enqueued(job()), claimed(lease(attempts=2)) + settled()], {}, "are in no ledger", id="a claim too many"
        ),
        pytest.param(
            [enqueued(job()), claimed(lease()) + settled(lost=True)], {}, "before it had run out", id="LeaseLost"
        ),
        pytest.param(
            [enqueued(job()), claimed(lease(due_at=101.5)) + settled()], {}, "0.500 s before it was due", id="too early"
        ),
        pytest.param(
            [enqueued(job()), claimed(lease(expires_at=100.5)) + settled()], {}, "after it had expired", id="too late"
        ),
        pytest.param(
            [claimed(lease(lane="capped-1"), lease(lane="capped-1", **OTHER))],
            {},
            "lane capped-1 had 2 leases at a time, and may have 1",
            id="over a cap",
        ),
        pytest.param(
            [claimed(*(lease(id=f"{n:011x}", token=f"t{n}") for n in range(1, 18)))],
            {"enqueued": 17},
            "the queue had 17 leases at a time, and may have 16",
            id="over the queue's cap",
        ),
        pytest.param(
            [claimed(lease(lane="rated"), lease(lane="rated", **OTHER))], {}, "came 0.000 s apart", id="over a rate"
        ),
        pytest.param(
            [
                [{"what": "paused", "at": 102.0, "lane": "paused-0", "since": 100.0, "until": 102.0}],
                claimed(lease(lane="paused-0")) + settled(),
            ],
            {},
            "claimed while lane paused-0 was paused",
            id="paused",
        ),
        pytest.param(
            [
                enqueued(job(key="k"), job(key="k", **{**OTHER, "enqueued_at": 101.0})),
                claimed(lease(key="k")) + settled(),
            ],
            {"enqueued": 2},
            "was stored under k, 1.000 s before",
            id="a key twice",
        ),
        pytest.param(WELL, {"enqueued": 2}, "counts 2 enqueued, and it were 1 to 1", id="a job too many"),
        pytest.param(WELL, {"acked": 0}, "counts 0 acked, and it were 1 to 1", id="an ack too few"),
        pytest.param(WELL, {"acked": 0, "leased": 1}, "jobs are left", id="a job is left"),
        pytest.param(
            [enqueued(job()), RUN_OUT, claimed(lease(**AGAIN)) + settled(token="t2", at=112.0)],
            {"acked": 1, "released": 1},
            "more leases that ran out than the 0 of the queue",
            id="a second run that nobody counted",
        ),
        pytest.param(WELL, {"acked": 2}, "the counters do not add up", id="counters"),
    ],
)
def test_a_broken_promise_is_found(ledgers, numbers, fault):
    """Each kind is told."""
    assert fault in "\n".join(judge(*ledgers, **numbers))
