"""What the pytest plugin gives to tests of an application."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ranch import Queue
from ranch.testing import FakeClock
from ranch.typing import Backend

ROOT = Path(__file__).parents[2]

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
    assert said in run(tmp_path, **({"CI": ci} if ci else {}))


def test_an_app_of_celerys_fixtures_has_lanes(tmp_path: Path) -> None:
    """As the documentation shows, with a worker in a thread."""
    page = (ROOT / "docs" / "how-to" / "lanes-in-celery.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (example,) = [code for code in blocks if "ranch_celery" in code]
    (tmp_path / "test_it.py").write_text(example)
    assert "1 passed" in run(tmp_path, "-p", "celery.contrib.pytest")


def run(folder: Path, *options: str, **environment: str) -> str:
    """Run the tests in a folder; return what pytest says."""
    # Not as an installed plugin, which may be another version's.
    code = f"import sys, pytest; sys.path.insert(0, {str(ROOT)!r}); sys.exit(pytest.main(sys.argv[1:]))"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            code,
            "-q",
            *options,
            "-p",
            "ranch.testing.plugin",
            "-p",
            "no:cacheprovider",
            "test_it.py",
        ],
        cwd=folder,
        env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PATH": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout
