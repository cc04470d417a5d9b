from __future__ import annotations

import importlib
import sys

import pytest

from tests.worker.workers import SharedClock, WorkerProcess


@pytest.fixture
def clock(tmp_path, monkeypatch):
    """The time of the stores of `app`, here and in its workers; to be asked for before `app`."""
    path = tmp_path / "clock"
    path.write_text("1000000000.0")
    monkeypatch.setenv("RANCH_TEST_CLOCK", str(path))
    return SharedClock(path)


@pytest.fixture
def app(shared_url, tmp_path, monkeypatch):
    """The module of queues and tasks, on that store."""
    monkeypatch.setenv("RANCH_TEST_FOLDER", str(tmp_path))
    monkeypatch.setenv("RANCH_TEST_URL", shared_url)
    sys.modules.pop("tests.worker.app", None)
    module = importlib.import_module("tests.worker.app")
    yield module
    for queue in (module.queue, module.other, module.coroutines):
        queue.close()
    sys.modules.pop("tests.worker.app", None)


@pytest.fixture
def start(app, tmp_path):
    """Start workers of its queues, which are killed when the test ends."""
    started = []

    def start(*arguments, queues=("queue",), **options):
        targets = [f"tests.worker.app:{name}" for name in queues]
        worker = WorkerProcess(tmp_path, *targets, *arguments, name=f"worker{len(started)}", **options)
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.kill()
