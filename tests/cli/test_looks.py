"""`ranch lanes`, `jobs`, `stats`, `metrics` and `explain`."""

from __future__ import annotations

import re

from ranch.cli import looks


def test_lanes_are_listed(queue, told, ranch) -> None:
    """By their keys, with their numbers; of one tag only, if it is named."""
    queue.lane("acme").update(weight=0.5, tags={"plan": "gold"}, data={"account": 7})
    queue.lane("globex").limit(max_in_flight=1)
    queue.claim_many(2)

    acme, globex = told("lanes")

    assert (acme["key"], acme["weight"], acme["tags"], acme["data"]) == ("acme", 0.5, {"plan": "gold"}, {"account": 7})
    assert (globex["stats"]["pending"], globex["blocked"], globex["limits"]) == (
        1,
        "max_in_flight",
        {"max_in_flight": 1},
    )
    assert [lane["key"] for lane in told("lanes", "--tag", "plan=gold")] == ["acme"]
    assert re.search(r"globex +1 +1 +0 +1 +0 +0 +max_in_flight", ranch("lanes").stdout)


def test_lanes_are_read_as_they_are_shown(queue, monkeypatch) -> None:
    """The first are to be seen before the last are read, however many there are."""
    monkeypatch.setattr(looks, "PER_CALL", 1)
    shown = looks.each_lane(queue)
    assert next(shown).key == "acme"

    queue.enqueue("globex", 3)

    assert [(lane.key, lane.stats.pending) for lane in shown] == [("globex", 3)]


def test_names_cannot_command_the_terminal(queue, ranch) -> None:
    """What a tenant may have called itself is shown on one line, as letters."""
    queue.enqueue("\x1b[2J\nroot", 1)

    shown = ranch("lanes").stdout

    assert "\\x1b[2J\\nroot" in shown
    assert "\x1b" not in shown


def test_an_empty_list_is_no_error(queue, ranch) -> None:
    """There is just nothing to be seen."""
    assert (ranch("lanes", "--tag", "a=b").exit_code, ranch("lanes", "--tag", "a=b").stdout) == (0, "")


def test_long_lists_are_whole(queue, told, ranch) -> None:
    """Each table has a thousand rows at most, and none is left out."""
    queue.enqueue_many([(f"lane-{n:04}", n) for n in range(1500)])

    shown = ranch("jobs").stdout

    assert len(set(re.findall(r"lane-\d{4}", shown))) == 1500
    assert shown.count("priority") == 2
    assert len(told("jobs")) == 1503


def test_jobs_are_listed(queue, told) -> None:
    """Where each stands, but not their payloads; those of a lane in their order."""
    lease = queue.claim()
    queue.enqueue("acme", 3, delay=100)

    jobs = {job["id"]: job for job in told("jobs")}

    assert sorted(job["state"] for job in jobs.values()) == ["delayed", "leased", "ready", "ready"]
    assert jobs[lease.job.id]["lane"] == "acme"
    assert all("body" not in job for job in jobs.values())
    assert [job["id"] for job in told("jobs", "--lane", "globex")] == [job.job.id for job in queue.jobs(lane="globex")]


def test_a_queue_is_shown_in_numbers(queue, told, ranch) -> None:
    """Its counters, with strategy and limits."""
    queue.limit(max_pending=50)

    stats = told("stats")

    assert (stats["queue"], stats["strategy"], stats["paused"]) == ("mail", "weighted-lru", False)
    assert (stats["pending"], stats["lanes"], stats["limits"]) == (3, 2, {"max_pending": 50})
    assert re.search(r"^ pending +3$", ranch("stats").stdout, re.MULTILINE)


def test_a_job_and_a_lane_are_explained(queue, told, ranch) -> None:
    """As `Queue.explain` does it."""
    job = queue.enqueue("acme", 2, delay=100)

    assert told("explain", job.id)["state"] == "delayed"
    assert ranch("explain", job.id).stdout == f"{queue.explain(job.id)}\n"
    assert told("explain", "--lane", "acme") == queue.explain(lane="acme").as_dict()


def test_a_job_that_is_not_there_is_told_by_the_exit_code(queue, ranch) -> None:
    """In words, too."""
    result = ranch("explain", "99")

    assert result.exit_code == 3
    assert "done, cancelled or expired, or it never was" in result.stdout
    assert result.stderr == "Error: there is no job '99' in queue 'mail'\n"


def test_a_queue_that_is_not_there_is_not_made(queue, ranch) -> None:
    """A slip of the pen puts nothing into the store, and gives no strategy that nobody chose."""
    for args in (["stats"], ["weight", "acme", "2"], ["enqueue", "acme", "1"], ["pause"], ["purge", "-y"]):
        result = ranch(*args, on="male")
        assert result.exit_code == 3
        assert "there is no queue 'male'" in result.stderr
    assert "has no strategy" in ranch("strategy", on="male").stdout


def test_a_queue_is_worked_on_under_its_own_strategy(queue, told, shared_url) -> None:
    """Whichever that is, and nobody has to name it."""
    from ranch import Queue

    with Queue("auction", backend=shared_url, strategy={"name": "bid", "ageing": 0.5}) as auction:
        auction.enqueue("acme", 1)

    assert told("enqueue", "acme", "2", on="auction")["lane"] == "acme"
    assert told("weight", "acme", "2", on="auction")["weight"] == 2
    assert told("stats", on="auction")["strategy"] == "bid"


def test_metrics_are_those_of_the_queue_or_of_a_lane(queue, told, ranch) -> None:
    """How many jobs came, went and failed, and how long they waited and ran."""
    done, failed = queue.claim_many(2)
    done.ack()
    failed.fail("away")
    queue._drive(queue._operations.leave_times())

    whole, lane, nobody = told("metrics"), told("metrics", "--lane", "acme"), told("metrics", "--lane", "nobody")

    assert (whole["queue"], whole["lane"], lane["lane"]) == (queue.name, None, "acme")
    assert (whole["processed"], whole["failed"], whole["retried"], whole["success_rate"]) == (1, 1, 1, 50.0)
    assert (whole["process_time"]["count"], whole["wait_time"]["count"]) == (2, 2)
    assert lane["process_time"]["count"] < 2
    assert (nobody["enqueued"], nobody["success_rate"], nobody["wait_time"]["p95"]) == (0, None, None)
    assert re.search(r"process_time p95 +[0-9.e-]+\n", ranch("metrics").stdout)
