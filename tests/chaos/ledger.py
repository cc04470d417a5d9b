"""What a process was told, in a file of its own that only grows."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

#: The host's clock. A process of the chaos sets its `time.time` wrong, and keeps this one for its ledger.
true_time: Final = time.time


class Ledger:
    """Writes what happens, a line each, with the true time.

    A line is one write to a file in the kernel's hands, so a killed process has written it whole or not at all. Nothing
    is synced: no host crashes here.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, what: str, **facts: Any) -> None:
        """Take a note, which is read as a mapping with ``what``, ``at`` and ``main``: whether by the main thread."""
        main = threading.current_thread() is threading.main_thread()
        line = json.dumps({"what": what, "at": true_time(), "main": main, **facts})
        os.write(self._file, f"{line}\n".encode())


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Read a ledger, as far as it is written by now: a long line comes into sight in parts."""
    for line in path.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            yield json.loads(line)
