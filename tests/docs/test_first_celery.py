"""The Celery tutorial, followed to the letter."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ranch.testing.waiting import wait_until

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial" / "first-celery.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def _run_worker(arguments: list[str], folder: Path, env: dict[str, str], jobs: int) -> None:
    """Run a worker until it has done so many jobs."""
    command = [sys.executable, "-m", "celery", *arguments]
    with (folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: worker.poll() is not None or _lines(folder / "done.txt") >= jobs)
        worker.terminate()
        worker.wait(60.0)
    finally:
        worker.kill()
        worker.wait()


@pytest.mark.timeout(300)
def test_the_celery_tutorial_does_what_it_says(tmp_path):
    """Whoever writes its files and runs its commands, one after the other, sees the output that it shows."""
    blocks = _BLOCK.findall(TUTORIAL.read_text(encoding="utf-8"))
    env = {**os.environ, "PYTHONWARNINGS": "ignore"}  # to a worker that runs as root
    printed = ""
    shown = 0

    for number, (language, text) in enumerate(blocks):
        if language == "python":
            name = re.match(r"# (\w+\.py)\n", text)
            assert name, f"each file of the tutorial begins with its name: {text!r}"
            (tmp_path / name[1]).write_text(text)
        elif language == "output":
            shown += 1
            assert printed == text
        else:
            for line in text.splitlines():
                program, *arguments = shlex.split(line.removeprefix("$ "))
                if program == "celery":
                    expected = next(text for language, text in blocks[number:] if language == "output")
                    _run_worker(arguments, tmp_path, env, jobs=len(expected.splitlines()))
                elif program == "python":
                    printed = subprocess.run(
                        [sys.executable, *arguments], cwd=tmp_path, env=env, check=True, capture_output=True, text=True
                    ).stdout
                elif program == "cat":
                    printed = (tmp_path / arguments[0]).read_text()
                elif program == "rm":
                    (tmp_path / arguments[0]).unlink()

    assert shown == 4
