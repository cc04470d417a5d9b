"""The examples of Celery apps, run as their pages say: with a real worker and a real Redis."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ranch import Queue
from ranch.testing.waiting import wait_until
from tests.celery.workers import ROOT, CeleryWorker

DJANGO = """
import django
django.setup()
from django.test import Client
client = Client()
for tenant in "acme", "globex":
    started = client.get("/export/100", headers={"X-Tenant": tenant}).json()
    print(client.get(f"/result/{started['id']}").json())
from shop.tasks import export
print(export.delay(7, tenant="night").get(timeout=30))
"""

FASTAPI = """
import time
from fastapi.testclient import TestClient
from api import app
client = TestClient(app)
key = {"X-Api-Key": "k1"}
started = client.post("/summaries", params={"text": "as you like it"}, headers=key)
print(started.status_code)
while (found := client.get(f"/summaries/{started.json()['id']}").json())["state"] != "SUCCESS":
    time.sleep(0.01)
print(found["result"])
"""

FULL = """
from fastapi.testclient import TestClient
from api import app
client = TestClient(app)
client.put("/keys/k1/limit", params={"waiting": 1})
for key in "k1", "k1", "k2":
    print(client.post("/summaries", params={"text": "x"}, headers={"X-Api-Key": key}).status_code)
"""


@pytest.fixture
def folder(request, tmp_path, redis_server, monkeypatch):
    """A copy of an example, and an empty Redis for it."""
    redis_server.empty()
    monkeypatch.setenv("REDIS_URL", redis_server.tcp_url)
    return shutil.copytree(
        ROOT / "examples" / request.param, tmp_path / "example", ignore=shutil.ignore_patterns("__pycache__")
    )


def run(folder: Path, *arguments: str, **environment: str) -> str:
    """Run Python there, and return what it prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("folder", ["celery-script"], indirect=True)
def test_the_small_customer_does_not_wait(folder, redis_server):
    """It is served when the big one has had a page or two of its twenty."""
    with ThreadPoolExecutor(1) as pool, Queue("celery", backend=redis_server.tcp_url) as queue:
        printed = pool.submit(run, folder, "tasks.py")
        wait_until(lambda: printed.done() or queue.stats().pending == 21)
        with CeleryWorker(folder, {}, app="tasks", concurrency=1) as worker:
            first, second = printed.result().splitlines()
    assert re.fullmatch(r"small 1 is done, and of big's 20 pages \d+", first)
    assert second == "20 pages of big are done"
    done = re.findall(r" succeeded in .*: '(\w+) \d+'", worker.log)
    assert (len(done), "small" in done[:3]) == (21, True)


@pytest.mark.parametrize("folder", ["celery-django"], indirect=True)
def test_each_tenant_of_a_django_project_has_a_lane(folder):
    """By the middleware within a request, by the router outside of one."""
    with CeleryWorker(folder, {}, app="shop", concurrency=1):
        printed = run(folder, "-c", DJANGO, DJANGO_SETTINGS_MODULE="shop.settings")
    lanes = [("acme", 100), ("globex", 100), ("night", 7)]
    assert printed.splitlines() == [str({"rows": rows, "lane": lane}) for lane, rows in lanes]


@pytest.mark.parametrize("folder", ["celery-fastapi"], indirect=True)
def test_each_key_of_an_api_has_a_lane(folder):
    """With a limit on what may wait, and a status that says so."""
    assert run(folder, "-c", FULL).split() == ["202", "429", "202"]
    run(folder, "-c", "from api import ranch; ranch.queue().purge(); ranch.queue().lane('k1').limit(max_pending=None)")
    with CeleryWorker(folder, {}, app="api:celery", concurrency=1):
        assert run(folder, "-c", FASTAPI).splitlines() == ["202", str({"words": 4, "lane": "k1"})]
