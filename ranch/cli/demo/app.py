"""The demo's Celery app: one task, and a broker and results that are files in one folder."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attrs import asdict, frozen
from celery import Celery

#: What Celery calls the task.
TASK: Final = "ranch.demo"

_PREFIX: Final = "RANCH_DEMO_"


@frozen(kw_only=True)
class Setup:
    """What the sender and the worker have to agree on."""

    #: Holds everything: messages, results, the log of executions.
    folder: Path
    #: The name of the Celery queue, and of ranch's.
    queue: str
    #: Where ranch keeps jobs; empty for plain Celery.
    backend: str = ""
    strategy: str = ""

    @property
    def executions(self) -> Path:
        """A line for each execution that began: a record which neither Celery nor ranch has a hand in."""
        return self.folder / "executions"

    @property
    def ready(self) -> Path:
        """Exists once the worker takes jobs; names its process."""
        return self.folder / "ready"

    @property
    def log(self) -> Path:
        """What the worker says."""
        return self.folder / "worker.log"

    def to_environment(self) -> dict[str, str]:
        """Return the setup as environment variables."""
        return {f"{_PREFIX}{name}".upper(): str(value) for name, value in asdict(self).items()}

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Setup:
        """Return the setup that `to_environment` wrote down."""
        values = {name: environment[f"{_PREFIX}{name}".upper()] for name in ("queue", "backend", "strategy")}
        return cls(folder=Path(environment[f"{_PREFIX}FOLDER"]), **values)


def build(setup: Setup) -> Celery:
    """Return the app of a setup: plain Celery, or with ranch embedded if the setup names a backend."""
    folders = {name: setup.folder / name for name in ("messages", "taken", "control", "results")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    app = Celery("ranch-demo", set_as_current=False)
    app.conf.update(
        broker_url="filesystem://",
        broker_transport="ranch.cli.demo.files:Transport",
        broker_transport_options={
            "data_folder_in": str(folders["messages"]),
            "data_folder_out": str(folders["messages"]),
            "control_folder": str(folders["control"]),
            # Otherwise each message passes through the machine's temporary folder.
            "store_processed": True,
            "processed_folder": str(folders["taken"]),
            # A second between looks would be all that the waiting times show.
            "polling_interval": 0.01,
        },
        result_backend=f"file://{folders['results']}",
        task_default_queue=setup.queue,
        # Remote control would be two more queues of files to look into.
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=False,
    )
    # Not shared with other apps: the demo makes two with a task of this name.
    app.task(name=TASK, bind=True, shared=False)(_job(setup.executions))
    if setup.backend:
        from ranch.celery import Ranch

        Ranch(app, backend=setup.backend, strategy=setup.strategy)
    return app


def _job(executions: Path) -> Any:
    def job(self: Any, lane: str, seconds: float) -> dict[str, Any]:
        """Take `seconds`, and tell when and as whom."""
        # The monotonic clock is one for all processes of a host, and nobody sets it while the demo runs.
        started = time.monotonic()
        line = f"{self.request.id} {lane} {started!r}\n".encode()
        file = os.open(executions, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # One short write at the end of the file: lines of two processes never mix.
            os.write(file, line)
        finally:
            os.close(file)
        time.sleep(seconds)
        return {"id": self.request.id, "lane": lane, "started": started, "ended": time.monotonic()}

    return job
