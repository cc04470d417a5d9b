"""The example of an API without Celery, in a real server."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from ranch import Queue
from ranch.testing.waiting import wait_until
from tests.celery.workers import ROOT


@pytest.fixture
def serve(shared_url, tmp_path):
    """Start uvicorn with the app, on a free port; all are killed in the end."""
    folder = shutil.copytree(ROOT / "examples" / "fastapi", tmp_path / "example")
    started = []

    def serve():
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log = (tmp_path / f"uvicorn{len(started)}.log").open("wb")
        command = [sys.executable, "-W", "error", "-m", "uvicorn", "api:app", "--port", str(port)]
        env = {**os.environ, "PYTHONPATH": str(ROOT), "RANCH_URL": shared_url}
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT)
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)
        started.append((process, log, client))
        wait_until(lambda: process.poll() is not None or _answers(client))
        assert process.poll() is None, (tmp_path / "uvicorn0.log").read_text()
        return process, client

    yield serve
    for process, log, client in started:
        client.close()
        process.kill()
        process.wait()
        log.close()


def _answers(client):
    try:
        return client.get("/health").status_code == 200
    except httpx.TransportError:
        return False


def _ended(client, job):
    """Wait until a job has ended; return what is told of it."""

    def told():
        found = client.get(f"/jobs/{job}", params={"wait": 10}).json()
        return found if found["status"] in {"done", "failed", "expired", "cancelled"} else None

    return wait_until(told)


def test_an_api_works_later(serve, shared_url):
    """One order, and many at once; each can be seen until it is done, or why it is not. A stop finishes what runs."""
    process, client = serve()
    one = client.post("/customers/acme/orders", json={"number": 7, "lines": ["a", "b"]})
    assert (one.status_code, one.json()["status"]) == (202, "queued")
    assert _ended(client, one.json()["job"]) == {"status": "done", "result": {"number": 7, "lines": 2}}

    orders = [{"number": number, "lines": ["x"]} for number in range(20)]
    many = client.post("/customers/globex/orders/batch", json=orders).json()
    results = [_ended(client, job) for job in many["jobs"]]
    assert results == [{"status": "done", "result": {"number": number, "lines": 1}} for number in range(20)]

    bad = client.post("/customers/acme/orders", json={"number": 8}).json()["job"]
    assert _ended(client, bad) == {"status": "failed", "error": "ValueError: order 8 has no lines"}
    assert client.get("/jobs/nothing").status_code == 404
    with Queue("work", backend=shared_url) as queue:
        queue.pause()
        waiting = client.post("/customers/acme/orders", json={"number": 8}).json()["job"]
        assert client.get(f"/jobs/{waiting}", params={"wait": 0.01}).json() == {"status": "ready", "ahead": 0}
        queue.cancel(waiting)
        queue.resume()
    assert client.get(f"/jobs/{waiting}").json() == {"status": "cancelled"}
    assert client.get("/jobs/nothing", params={"wait": -1}).status_code == 422
    assert client.post(f"/customers/{'x' * 257}/orders", json={"number": 1}).status_code == 422

    last = client.post("/customers/acme/orders", json={"number": 9, "lines": ["z"]}).json()["job"]
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) in {0, -signal.SIGTERM}
    with Queue("work", backend=shared_url) as queue:
        assert queue.stats().leased == 0
        if queue.stats().pending == 0:
            assert queue.result(last, 0) == {"number": 9, "lines": 1}


def test_what_a_killed_process_leaves_another_does(serve, shared_url):
    """Jobs that wait are in the store; the next process has their results."""
    process, client = serve()
    with Queue("work", backend=shared_url) as queue:
        queue.limit(max_in_flight=1)  # so that it does not come to the last
    orders = [{"number": number, "lines": ["x"]} for number in range(40)]
    jobs = client.post("/customers/acme/orders/batch", json=orders).json()["jobs"]
    process.kill()
    process.wait()
    with Queue("work", backend=shared_url) as queue:
        queue.limit(max_in_flight=None)

    _, client = serve()
    assert _ended(client, jobs[-1]) == {"status": "done", "result": {"number": 39, "lines": 1}}
