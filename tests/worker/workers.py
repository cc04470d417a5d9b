"""Real workers for tests, which start them and end them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


class SharedClock:
    """Time for several processes, in a file: it moves when the test tells it to, however busy the machine is."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> float:
        return float(self._path.read_text())

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        new = self._path.with_suffix(".new")
        new.write_text(str(round(self() + seconds, 3)))
        new.replace(self._path)


class WorkerProcess:
    """``ranch worker`` in a process group of its own."""

    def __init__(self, folder: Path, *arguments: str, env: dict[str, str] | None = None, name: str = "worker") -> None:
        self._log = folder / f"{name}.log"
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "RANCH_TEST_FOLDER": str(folder), **(env or {})}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "error", str(Path(sys.executable).with_name("ranch")), "worker", *arguments],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def terminate(self) -> None:
        """Ask it to end, and not its processes."""
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it, with its processes."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def wait(self, timeout: float = 60.0) -> int:
        """Wait for its end; return its exit code."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end:\n{self.log}") from None
