"""Commands run on a store, once for each kind that processes can share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ranch import Queue
from ranch.cli import main


@pytest.fixture(params=["sqlite", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store."""
    if request.param == "redis":
        found: str = request.getfixturevalue("redis_url")
        return found
    return f"sqlite:///{tmp_path}/ranch.db"


@pytest.fixture
def queue(url: str) -> Queue:
    """The queue `mail`, with a job of acme and two of globex."""
    queue = Queue("mail", backend=url)
    queue.enqueue_many([("acme", {"to": "a@b.c"}), ("globex", 1), ("globex", 2)])
    yield queue
    queue.close()


@pytest.fixture
def ranch(url: str) -> Callable[..., Result]:
    """Run a command on the queue `mail`."""

    def run(*args: str, stdin: str | bytes | None = None, on: str = "mail", at: str = url) -> Result:
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
