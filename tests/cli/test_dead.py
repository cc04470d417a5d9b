"""`ranch dead`."""

from __future__ import annotations

import re

import pytest

from ranch import Retry


def send() -> None:
    """Fail as a job does, with a traceback."""
    raise ConnectionError("the mail server is away")


@pytest.fixture(autouse=True)
def letters(queue) -> list[str]:
    """Three dead letters: one of acme that failed, and two of globex."""
    failed, second, third = sorted(queue.claim_many(3), key=lambda lease: lease.job.id)
    try:
        send()
    except ConnectionError as exc:
        failed.fail(exc, retry=Retry.never())
    second.bury("no such task", error="mail.sned")
    third.bury("no such task", error="mail.sned")
    return [lease.job.id for lease in (failed, second, third)]


def test_they_are_listed(letters, told, ranch) -> None:
    """The oldest first; by lane, reason and kind."""
    first, second, third = told("dead", "list")

    assert [first["id"], second["id"], third["id"]] == letters
    assert (first["kind"], first["reason"], first["error"]) == (
        "failure",
        "failed",
        "ConnectionError: the mail server is away",
    )
    assert [letter["id"] for letter in told("dead", "list", "--lane", "globex")] == letters[1:]
    assert [letter["id"] for letter in told("dead", "list", "--kind", "failure")] == letters[:1]
    assert told("dead", "list", "--reason", "none") == []
    assert re.search(rf"{letters[1]} +globex .* +system +no such task +1 +mail.sned", ranch("dead", "list").stdout)


def test_one_is_shown_whole(letters, told, ranch) -> None:
    """With payload and traceback."""
    letter = told("dead", "show", letters[0])

    assert letter["payload"] == {"to": "a@b.c"}
    assert letter["traceback"].startswith("Traceback")
    assert 'raise ConnectionError("the mail server is away")' in ranch("dead", "show", letters[0]).stdout


def test_one_that_cannot_be_read_is_shown_all_the_same(queue, shared_url, told) -> None:
    """What is known of it, and why its payload is not."""
    from ranch import Queue

    with Queue("mail", backend=shared_url, serializer="msgpack") as other:
        job = other.enqueue("acme", 1)
        other.claim().bury("odd")

    letter = told("dead", "show", job.id)

    assert letter["payload"] is None
    assert "x-msgpack" in letter["unreadable"]


def test_they_are_retried(queue, letters, told, ranch) -> None:
    """By their ids, or by what they say."""
    assert told("dead", "retry", letters[0]) == {"queue": "mail", "retried": [letters[0]]}
    assert ranch("dead", "retry", "--reason", "no such task").stdout == "2 dead letters retried\n"
    assert queue.stats().pending == 3
    assert ranch("dead", "retry", "--all").stdout == "0 dead letters retried\n"


def test_they_are_purged(queue, letters, told, ranch) -> None:
    """For good."""
    assert told("dead", "purge", letters[0], "--yes") == {"queue": "mail", "purged": 1}
    result = ranch("dead", "purge", "--lane", "globex", stdin="y\n")
    assert (result.exit_code, result.stdout) == (0, "2 dead letters purged\n")
    assert "Remove 2 dead letters from queue 'mail' for good?" in result.stderr
    assert queue.stats().dead == 0


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["show", "99"], 3, "there is no dead letter '99'"),
        (["retry", "99"], 3, "no dead letters in queue 'mail': '99'"),
        (["purge", "99", "-y"], 3, "1 of those named are no dead letters"),
        (["retry"], 2, "or say --all"),
        (["purge", "-y"], 2, "or say --all"),
        (["purge", "-y", "--all", "--lane", "acme"], 2, "or say --all"),
        (["retry", "1", "--lane", "acme"], 2, "or say --all"),
        (["list", "--kind", "odd"], 2, "'odd' is not one of"),
        (["bury"], 2, "No such command"),
    ],
)
def test_what_is_not_there_or_not_said_is_told(queue, ranch, args, code, said) -> None:
    """And nothing is changed."""
    result = ranch("dead", *args)

    assert result.exit_code == code
    assert said in result.stderr
    assert queue.stats().dead == 3
