"""Commands run on a store, once for each kind that processes can share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ranch import Queue
from ranch.cli import main


@pytest.fixture
def queue(shared_url: str) -> Queue:
    """The queue `mail`, with a job of acme and two of globex."""
    queue = Queue("mail", backend=shared_url)
    queue.enqueue_many([("acme", {"to": "a@b.c"}), ("globex", 1), ("globex", 2)])
    yield queue
    queue.close()


@pytest.fixture
def ranch(shared_url: str) -> Callable[..., Result]:
    """Run a command on the queue `mail`."""

    def run(*args: str, stdin: str | bytes | None = None, on: str = "mail", at: str = shared_url) -> Result:
        result = CliRunner().invoke(
            main, args, prog_name="ranch", input=stdin, env={"RANCH_BACKEND": at, "RANCH_QUEUE": on}
        )
        # Whatever comes, it is for people: click ends a command, and nothing else does.
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


@pytest.fixture
def told(ranch: Callable[..., Result]) -> Callable[..., Any]:
    """Run a command with --json, which goes well, and return what it says: one object, or a list of them."""

    def run(*args: str, **options: Any) -> Any:
        result = ranch(*args, "--json", **options)
        assert result.exit_code == 0, result.stderr
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        return lines if args[0] in {"lanes", "jobs", "top"} or args[:2] == ("dead", "list") else lines[0]

    return run
