"""The driver leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from ranch.testing.waiting import wait_until
from tests.chaos.driver import ENQUEUERS, WORKERS
from tests.chaos.ledger import read
from tests.chaos.world import ROOT


def _pids(folder):
    notes = [note for ledger in folder.glob("*.ledger") for note in read(ledger)]
    return [note["pid"] for note in notes if note["what"] == "begun"]


def _lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_its_processes_end_with_it(number, tmp_path):
    """Interrupted, ended or killed: no worker and no enqueuer goes on without it."""
    if number == signal.SIGKILL and sys.platform != "linux":
        pytest.skip("only Linux tells a process that its parent was killed")
    command = [sys.executable, "-m", "tests.chaos", "--backend", "sqlite", "--keep", str(tmp_path)]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}  # what a killed one leaves goes with the test
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, env=environment) as driver:
        try:
            wait_until(lambda: len(_pids(tmp_path / "sqlite")) >= WORKERS + ENQUEUERS, timeout=60)
            driver.send_signal(number)
            assert driver.wait(30) != 0
        finally:
            driver.kill()

    wait_until(lambda: not any(map(_lives, _pids(tmp_path / "sqlite"))))
