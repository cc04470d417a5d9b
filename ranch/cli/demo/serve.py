"""What the demo's worker is started with: `celery -A ranch.cli.demo.serve worker`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

from celery.signals import worker_ready

from ranch.cli.demo.app import Setup, build

_setup = Setup.from_environment()

app = build(_setup)


@worker_ready.connect
def _announce(**_: Any) -> None:
    # After the pool has forked, so its processes come without this thread.
    threading.Thread(target=_follow, name="follow-the-demo", daemon=True).start()
    unfinished = _setup.ready.with_suffix(".new")
    unfinished.write_text(str(os.getpid()), encoding="ascii")
    unfinished.rename(_setup.ready)


def _follow() -> None:
    # The demo holds the other end of stdin and never writes: it ends when the demo does, even by SIGKILL.
    os.read(sys.stdin.fileno(), 1)
    os.killpg(os.getpgrp(), signal.SIGKILL)
