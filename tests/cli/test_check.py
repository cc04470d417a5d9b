from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ranch import Queue
from ranch.cli import main


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A store with a queue of one leased job."""
    with Queue("mail", backend=f"sqlite:///{tmp_path}/ranch.db") as queue:
        queue.enqueue("acme", 1)
        queue.claim()
    return tmp_path / "ranch.db"


def invoke(file: Path, *args: str) -> Result:
    """Run `ranch check` with arguments."""
    return CliRunner().invoke(
        main, ["check", "--queue", "mail", "--backend", f"sqlite:///{file}", *args], prog_name="ranch"
    )


def test_a_healthy_queue_has_no_faults(file: Path) -> None:
    """That is said, and the exit code is 0."""
    assert (invoke(file).exit_code, invoke(file).stdout) == (0, "queue 'mail' has no faults\n")


def test_faults_are_listed_and_mended(file: Path) -> None:
    """The exit code is 1 while any is left."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DELETE FROM timers WHERE timer LIKE 'l%'")

    found = invoke(file)
    assert (found.exit_code, found.stdout) == (1, "job in no place: 00000000001\nqueue 'mail' has 1 fault\n")

    mended = json.loads(invoke(file, "--repair", "--json").stdout)
    assert mended == {
        "queue": "mail",
        "faults": [{"kind": "job in no place", "about": "00000000001", "mended": True}],
    }
    assert invoke(file).exit_code == 0
