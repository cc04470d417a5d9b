"""What the pytest plugin gives to tests of an application."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ranch import Queue
from ranch.testing import FakeClock
from ranch.typing import Backend

WITHOUT_A_SERVER = """
import pytest
import ranch.testing.server

def find_server():
    raise ranch.testing.server.ServerMissing("there is none")

ranch.testing.server.find_server = find_server

def test_it(ranch_queue, ranch_clock):
    ranch_queue.enqueue("acme", 1, delay=60)
    ranch_clock.advance(60)
    assert ranch_queue.claim().job.payload == 1
"""


def test_a_queue_and_its_time(ranch_queue: Queue, ranch_backend: Backend, ranch_clock: FakeClock) -> None:
    """The queue is empty, on the backend, and its time passes when it is told to."""
    assert ranch_queue.backend is ranch_backend
    ranch_queue.enqueue("acme", "report", delay=60)
    assert ranch_queue.claim() is None

    ranch_clock.advance(60)

    lease = ranch_queue.claim()
    assert lease is not None
    assert lease.deadline == ranch_clock() + 30


@pytest.mark.parametrize(("ci", "said"), [("", "2 passed, 1 skipped"), ("yes", "2 passed, 1 error")])
def test_a_missing_server_is_a_skipped_test_or_a_failed_one_in_ci(tmp_path: Path, ci: str, said: str) -> None:
    """Green for want of a server means nothing to those who decide by the result."""
    (tmp_path / "test_it.py").write_text(WITHOUT_A_SERVER)
    root = str(Path(__file__).parents[2])
    # Not as an installed plugin, which may be another version's.
    code = f"import sys, pytest; sys.path.insert(0, {root!r}); sys.exit(pytest.main(sys.argv[1:]))"
    options = ["-q", "-p", "ranch.testing.plugin", "-p", "no:cacheprovider", "test_it.py"]

    run = subprocess.run(
        [sys.executable, "-c", code, *options],
        cwd=tmp_path,
        env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PATH": "", **({"CI": ci} if ci else {})},
        capture_output=True,
        text=True,
        check=False,
    )

    assert said in run.stdout
