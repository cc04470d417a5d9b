"""What was written for celery-ranch runs when it imports from ranch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ranch.testing.server import GivenServer, RedisServer
from tests.celery.app import VARIABLE
from tests.celery.workers import ROOT, CeleryWorker

#: What an app prints before a worker is there.
PRINTED = {
    "weighted": ["Client priority: 0.5", "Pending tasks: 1", "Total backlog size: 1", "['premium_client']"],
    "functions": ["{'resource_impact': 3.0}", "data_mining_job 3.0", "user_report 0.5", "['user_report']"],
    "storage": ["custom 1", "[b'{my_app:lru_priority:celery']"],
}


@pytest.mark.parametrize("name", PRINTED)
def test_its_apps_run(tmp_path: Path, redis_server: RedisServer | GivenServer, name: str) -> None:
    """In a process that sends, and in a worker of two processes that is started as any other."""
    redis_server.empty()
    settings = {"broker_url": redis_server.tcp_url}
    module = f"tests.celery.coming_from.{name}"

    def run(code: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", f"from {module} import app, use\n{code}"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), VARIABLE: json.dumps(settings)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    *printed, task_id = run("print(use().id)")
    assert printed == PRINTED[name]
    with CeleryWorker(tmp_path, settings, app=module):
        assert run(f"print(app.AsyncResult({task_id!r}).get(timeout=50))") == ["processed data"]
