"""`ranch enqueue`, `cancel` and `purge`."""

from __future__ import annotations

import pytest

from ranch import Priority


def test_a_job_is_enqueued(queue, told, ranch) -> None:
    """From an argument or stdin, with all that a job may have."""
    options = [
        "--priority",
        "5",
        "--cost",
        "2.5",
        "--bid",
        "-3",
        "--lease",
        "9",
        "--dedup-key",
        "k",
        "--dedup-for",
        "60",
    ]
    told_job = told("enqueue", "new", '{"n": [1, null]}', *options)
    (stored,) = queue.jobs(lane="new")
    job = stored.job

    assert (told_job["id"], told_job["duplicate"], job.payload) == (job.id, False, {"n": [1, None]})
    assert (job.priority, job.cost, job.bid, job.lease) == (Priority.VERY_HIGH, 2.5, -3.0, 9.0)
    assert told("enqueue", "new", "2", "--dedup-key", "k")["duplicate"] is True
    assert ranch("enqueue", "other", stdin="null").stdout.endswith("is in lane 'other'\n")
    assert [stored.job.payload for stored in queue.jobs(lane="other")] == [None]
    assert told("enqueue", "later", "1", "--delay", "100", "--expires", "200")["expires_at"] is not None


def test_each_line_may_be_a_job(queue, ranch) -> None:
    """In the order of the lines; empty ones are none."""
    assert ranch("enqueue", "new", "--lines", stdin='1\n\n"zwei"\n[3]').exit_code == 0
    assert [stored.job.payload for stored in queue.jobs(lane="new")] == [1, "zwei", [3]]


@pytest.mark.parametrize(
    ("args", "stdin", "code", "said"),
    [
        (["{"], None, 2, "'{' is no JSON"),
        (["NaN"], None, 2, "NaN is no number in JSON"),
        (["[" * 100_000], None, 2, "nested too deeply"),
        ([], "", 2, "what came on stdin is no JSON"),
        ([], b"\xff", 2, "what came on stdin is no JSON"),
        (["--lines"], '1\n2\n{"', 2, "line 3 is no JSON"),
        (["--lines"], b"1\n\xff", 2, "line 2 is no JSON"),
        (["1", "--lines"], "1", 2, "leave one of them out"),
        (["1", "--priority", "7"], None, 1, "not 7"),
        (["1", "--cost", "0"], None, 1, "cost must be"),
        (["1", "--delay", "inf"], None, 1, "delay must be"),
        (["1", "--dedup-for", "3"], None, 1, "give a dedup_key"),
        (["--lines", "--dedup-key", "k"], "1\n2", 1, "is for one job"),
    ],
)
def test_a_payload_that_cannot_be_is_refused(queue, ranch, args, stdin, code, said) -> None:
    """Before any of it is stored."""
    result = ranch("enqueue", "new", *args, stdin=stdin)

    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr
    assert queue.stats().enqueued == 3


def test_jobs_are_cancelled(queue, told, ranch) -> None:
    """Those that wait; the others are named, and the exit code is 3."""
    first, second = (stored.job.id for stored in queue.jobs(lane="globex"))
    leased = queue.claim().job.id

    assert told("cancel", first, "--yes") == {"queue": "mail", "cancelled": [first], "left": []}
    result = ranch("cancel", second, leased, "99", "--yes")
    assert (result.exit_code, result.stdout) == (3, "1 job cancelled\n")
    assert f"'{leased}', '99'" in result.stderr


@pytest.mark.parametrize("lane", [[], ["globex"]], ids=["queue", "lane"])
def test_what_waits_is_purged(queue, told, lane) -> None:
    """In a lane, or everywhere."""
    queue.enqueue("globex", 3, delay=100)

    assert told("purge", *lane, "--yes")["purged"] == (3 if lane else 4)
    assert queue.stats().pending == (1 if lane else 0)


@pytest.mark.parametrize("command", ["cancel 00000000001", "purge", "purge globex", "dead purge --all"])
@pytest.mark.parametrize("answer", ["n\n", "", "what?\n", b"\xff"])
def test_what_removes_asks(queue, ranch, command, answer) -> None:
    """Without a yes nothing is done, and the exit code is 1."""
    queue.claim().bury("no such task")

    result = ranch(*command.split(), stdin=answer)

    assert result.exit_code == 1
    assert "Remove " in result.stderr
    assert (queue.stats().cancelled, queue.stats().dead, result.stdout) == (0, 1, "")


def test_a_yes_is_taken(queue, ranch) -> None:
    """As it was asked for."""
    result = ranch("purge", stdin="y\n")

    assert (result.exit_code, result.stdout) == (0, "3 jobs purged from queue 'mail'\n")
    assert "Remove 3 jobs from queue 'mail'?" in result.stderr
