"""`ranch schedule`."""

from __future__ import annotations

import json


def test_one_is_declared_listed_paused_and_removed(queue, told, ranch) -> None:
    """What a shell declares, a queue has."""
    added = told("schedule", "add", "report", "acme", '{"n": 1}', "--cron", "0 9 * * 1-5", "--timezone", "Asia/Tokyo")
    ranch("schedule", "add", "beat", "globex", "null", "--every", "30", "--missed", "skip", "--dedup")
    beat, report = queue.schedules.list()

    assert (report.name, report.job.lane, report.job.body) == ("report", "acme", b'{"n": 1}')
    assert (added["next_at"], added["timezone"], added["cron"]) == (report.next_at, "Asia/Tokyo", "0 9 * * 1-5")
    assert (beat.timetable.every, beat.missed, beat.job.dedup_key is not None) == (30.0, "skip", True)
    rows = [json.loads(line) for line in ranch("schedule", "list", "--json").stdout.splitlines()]
    assert [row["name"] for row in rows] == ["beat", "report"]
    assert "0 9 * * 1-5 (Asia/Tokyo)" in ranch("schedule", "list").stdout
    assert "every 30 s" in ranch("schedule", "list").stdout

    assert told("schedule", "pause", "beat") == {"name": "beat", "paused": True}
    assert queue.schedules.get("beat").paused
    assert "paused" in ranch("schedule", "list").stdout
    assert ranch("schedule", "next", "beat").stdout == ""
    assert ranch("schedule", "resume", "beat").stdout == "schedule 'beat' is not paused\n"
    times = [
        json.loads(line)["at"] for line in ranch("schedule", "next", "beat", "-n", "3", "--json").stdout.split("\n")[:3]
    ]
    assert times == list(queue.schedules.next("beat", 3))

    assert ranch("schedule", "remove", "beat", stdin="n\n").exit_code == 1
    assert told("schedule", "remove", "beat", "--yes") == {"name": "beat", "removed": True}
    assert [schedule.name for schedule in queue.schedules.list()] == ["report"]


def test_what_is_wrong_is_said(queue, ranch) -> None:
    """On one line, and nothing is stored."""
    for command in ("pause", "resume", "next"):
        result = ranch("schedule", command, "none")
        assert (result.exit_code, result.stderr) == (3, "Error: there is no schedule 'none'\n")
    result = ranch("schedule", "add", "s", "acme", "1", "--cron", "0 25 * * *")

    assert result.exit_code == 1
    assert result.stderr == "Error: cron line '0 25 * * *': column 2, the hour, cannot be '25'\n"
    assert list(queue.schedules.list()) == []
