"""`ranch weight`, `tag`, `data`, `pause`, `resume` and `limit`."""

from __future__ import annotations

import pytest


def test_a_weight_is_set_and_shown(queue, told, ranch) -> None:
    """It is the lane's from then on."""
    assert told("weight", "acme") == {"lane": "acme", "weight": 1.0, "effective_weight": 1.0}
    assert ranch("weight", "acme", "0.5").stdout == "lane 'acme' has weight 0.5\n"
    assert queue.lane("acme").read().weight == 0.5


def test_tags_are_set_and_removed(queue, told, ranch) -> None:
    """What is not named stays."""
    assert ranch("tag", "acme").stdout == "lane 'acme' has no tags\n"
    assert told("tag", "acme", "plan=gold", "region=a=b")["tags"] == {"plan": "gold", "region": "a=b"}
    assert ranch("tag", "acme", "--remove", "region", "size=1").stdout == "lane 'acme' has the tags plan=gold, size=1\n"
    assert queue.lane("acme").read().tags == {"plan": "gold", "size": "1"}


def test_data_are_json_or_text(queue, told) -> None:
    """So that a number is one for the strategies that read it."""
    given = ["bid=2.5", "plan=gold", 'contact={"mail": "a@b.c"}', "odd=NaN", "nothing=null"]

    data = told("data", "acme", *given)["data"]

    assert data == {"bid": 2.5, "plan": "gold", "contact": {"mail": "a@b.c"}, "odd": "NaN"}
    assert told("data", "acme", "--remove", "bid", "--remove", "odd")["data"].keys() == {"plan", "contact"}


@pytest.mark.parametrize("lane", [[], ["acme"]], ids=["queue", "lane"])
def test_pause_and_resume(queue, told, lane) -> None:
    """Of a lane, or of all."""
    paused = told("pause", *lane)
    assert paused == {"queue": "mail", "lane": lane[0] if lane else None, "paused": True}
    assert [lease.job.lane for lease in queue.claim_many(9)] == (["globex"] * 2 if lane else [])
    assert told("resume", *lane)["paused"] is False
    assert len(queue.claim_many(9)) == (1 if lane else 3)


@pytest.mark.parametrize("lane", [[], ["acme"]], ids=["queue", "lane"])
def test_limits_are_set_shown_and_lifted(queue, told, ranch, lane) -> None:
    """Those that are not named stay."""
    told("limit", *lane, "--max-in-flight", "2", "--rate", "10/m", "--burst", "3", "--expires", "60")
    told("limit", *lane, "--max-pending", "7", "--lift", "expires")

    limits = told("limit", *lane)["limits"]

    assert limits == {"max_in_flight": 2, "rate": {"jobs": 10, "per": 60.0, "burst": 3}, "max_pending": 7}
    name = "lane 'acme'" if lane else "queue 'mail'"
    assert ranch("limit", *lane).stdout == f"{name} has max_in_flight 2, rate 10 in 60 s, 3 at once, max_pending 7\n"
    for limit in ("max-in-flight", "rate", "max-pending", "overflow"):
        told("limit", *lane, "--lift", limit)
    assert ranch("limit", *lane).stdout == f"{name} has no limits\n"


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["weight", "acme", "0"], 1, "weight must be a finite number > 0, not 0"),
        (["weight", "acme", "nan"], 1, "not nan"),
        (["weight", "acme", "much"], 2, "'much' is not a valid float"),
        (["weight", ""], 1, "a lane needs a name"),
        (["tag", "acme", "plan"], 2, "a tag takes NAME=VALUE, not 'plan'"),
        (["tag", "acme", "=gold"], 2, "a tag takes NAME=VALUE"),
        (["tag", "acme", "plan="], 1, "a tag value needs a name"),
        (["tag", "acme", "a=1", "a=2"], 2, "'a' is there twice"),
        (["tag", "acme", "a=1", "--remove", "a"], 2, "to be set and to be removed"),
        (["data", "acme", "bid=1e999"], 1, "custom data are JSON values"),
        (["limit", "acme", "--rate", "fast"], 1, "not 'fast'"),
        (["limit", "acme", "--burst", "2"], 2, "--burst is for a --rate"),
        (["limit", "acme", "--rate", "1/s", "--burst", "0"], 1, "a burst is a whole number"),
        (["limit", "acme", "--max-in-flight", "0"], 1, "at least 1, not 0"),
        (["limit", "acme", "--rate", "1/s", "--lift", "rate"], 2, "to be set and to be lifted"),
        (["limit", "acme", "--overflow", "explode"], 1, "not 'explode'"),
        (["limit", "--overflow", "drop-oldest"], 1, "is for a lane"),
        (["limit", "acme", "--lift", "speed"], 2, "'speed' is not one of"),
        (["limit", "acme", "--expires", "-1"], 1, "not -1"),
        (["pause", "x" * 257], 1, "has 257"),
        (["explain"], 2, "name a job by its id, or a lane"),
        (["explain", "1", "--lane", "acme"], 2, "name a job by its id, or a lane"),
        (["lanes", "--tag", "plan"], 2, "--tag takes NAME=VALUE"),
        (["jobs", "--lane", ""], 1, "a lane needs a name"),
        (["stats", "--backend", "nonsense"], 1, "is no URL"),
        (["stats", "--backend", "memory://"], 1, "memory of one process"),
        (["stats", "--backend", "unix:///no/such/socket"], 1, "cannot be reached"),
        (["stats", "--backend", "sqlite:////no/such/folder/x.db"], 1, "/no/such/folder/x.db"),
        (["stats", "--queue", ""], 1, "a queue needs a name"),
    ],
)
def test_what_is_wrong_is_said(queue, ranch, args, code, said) -> None:
    """On stderr, and nothing is changed."""
    before = queue.lanes(), queue.limits()

    result = ranch(*args)

    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr
    assert (queue.lanes(), queue.limits()) == before
