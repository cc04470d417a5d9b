"""What instruments and extends Celery, beside ranch: it sees tasks in lanes as it sees any other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ranch.testing.waiting import wait_until
from tests.celery.app import whole_lines
from tests.celery.workers import ROOT, CeleryWorker

APP = """
import json
import os
import time

from celery import Celery, signals

from ranch.celery import Ranch

app = Celery("watched", broker=os.environ["URL"], backend=os.environ["URL"])
Ranch(app)


def write(**facts):
    with open(os.environ["NOTES"], "a") as file:
        file.write(json.dumps(facts) + "\\n")


@app.task(name="works")
def works(word):
    write(ran=word)


@app.task(name="fails")
def fails():
    raise ValueError("as it should")

"""

OPENTELEMETRY = """
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult


class Notes(SpanExporter):
    def export(self, spans):
        for span in spans:
            parent = span.parent.span_id if span.parent else None
            write(span=span.name, trace=span.context.trace_id, id=span.context.span_id, parent=parent)
        return SpanExportResult.SUCCESS


def watch(**_):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(Notes()))
    CeleryInstrumentor().instrument(tracer_provider=provider)


signals.worker_process_init.connect(watch, weak=False)
"""

SENTRY = """
import sentry_sdk
from sentry_sdk.transport import Transport


class Notes(Transport):
    def capture_envelope(self, envelope):
        for item in envelope.items:
            event = item.payload.json or {}
            trace = event.get("contexts", {}).get("trace", {})
            error = (event.get("exception", {}).get("values") or [{}])[-1].get("value")
            write(kind=item.type, name=event.get("transaction"), trace=trace.get("trace_id"), error=error)


def watch(**_):
    sentry_sdk.init(dsn="http://key@localhost/1", transport=Notes, traces_sample_rate=1.0)


signals.celeryd_init.connect(watch, weak=False)
"""

BATCHES = """
from celery_batches import Batches


@app.task(name="batch", base=Batches, flush_every=4, flush_interval=60)
def batch(requests):
    write(batch=sorted(request.args[0] for request in requests))
    for request in requests:
        app.backend.mark_as_done(request.id, request.args[0], request=request)


@app.task(name="late-batch", base=Batches, flush_every=4, flush_interval=60, acks_late=True)
def late_batch(requests):
    batch(requests)
    while not os.path.exists(os.environ["NOTES"] + "-open"):
        time.sleep(0.01)
"""


@pytest.fixture
def folder(tmp_path: Path, redis_tcp_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the app is, and what it has noted."""
    monkeypatch.setenv("URL", redis_tcp_url)
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    return tmp_path


def notes(folder: Path, key: str) -> list[dict[str, Any]]:
    """What was noted about something."""
    return [note for note in map(json.loads, whole_lines(folder / "notes")) if key in note]


def send(folder: Path, code: str) -> None:
    """Run code in a process of its own, whose Celery is watched too."""
    command = [sys.executable, "-W", "ignore", "-c", f"from watched_app import *\n{code}"]
    path = os.pathsep.join([str(ROOT), str(folder)])
    subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": path}, check=True, timeout=60)


def test_a_trace_leads_from_the_call_to_the_task(folder: Path) -> None:
    """OpenTelemetry's instrumentation: the task's span is a child of the call's, through the lane."""
    pytest.importorskip("opentelemetry.instrumentation.celery")
    (folder / "watched_app.py").write_text(APP + OPENTELEMETRY)
    with CeleryWorker(folder, {}, app="watched_app"):
        send(folder, "watch(); works.apply_async(['a'], lane='acme')")
        spans = wait_until(lambda: len(found := notes(folder, "span")) == 2 and found)
    by_name = {span["span"]: span for span in spans}
    call, run = by_name["apply_async/works"], by_name["run/works"]
    assert (run["trace"], run["parent"]) == (call["trace"], call["id"])


def test_an_error_is_reported(folder: Path) -> None:
    """Sentry's integration: with the task's name, in the trace of the call."""
    pytest.importorskip("sentry_sdk")
    (folder / "watched_app.py").write_text(APP + SENTRY)
    code = "watch()\nwith sentry_sdk.start_transaction(name='call') as call: fails.apply_async(lane='acme')"
    with CeleryWorker(folder, {}, app="watched_app"):
        send(folder, code)
        kinds = {"event", "transaction"}
        wait_until(lambda: {note["kind"] for note in notes(folder, "kind") if note["name"] == "fails"} >= kinds)
    (call,) = [note for note in notes(folder, "kind") if note["name"] == "call"]
    (event,) = [note for note in notes(folder, "kind") if note["kind"] == "event"]
    assert (event["name"], event["error"]) == ("fails", "as it should")
    assert {note["trace"] for note in notes(folder, "kind") if note["name"] == "fails"} == {call["trace"]}


def test_batches_take_laned_and_plain_tasks(folder: Path) -> None:
    """celery-batches: one batch of both, each with its result."""
    pytest.importorskip("celery_batches")
    (folder / "watched_app.py").write_text(APP + BATCHES)
    code = """
results = [batch.apply_async([n], lane=lane) for n, lane in enumerate(["acme", None, "globex", None])]
print([result.get(timeout=50) for result in results])
"""
    with CeleryWorker(folder, {}, app="watched_app", concurrency=2):
        send(folder, code)
    assert notes(folder, "batch") == [{"batch": [0, 1, 2, 3]}]


@pytest.mark.parametrize("task", ["batch", "late_batch"])
def test_a_batch_of_laned_tasks_fills(folder: Path, task: str) -> None:
    """celery-batches: whatever the slots, and without one until it is full; what then waits for more comes back."""
    pytest.importorskip("celery_batches")
    (folder / "watched_app.py").write_text(APP + BATCHES)
    note_stats = "stats = Ranch(app).queue().stats(); write(pending=stats.pending, acked=stats.acked)"
    with CeleryWorker(folder, {}, app="watched_app", concurrency=1):
        send(folder, f"for n in range(6): {task}.apply_async([n], lane='acme')\nworks.apply_async(['a'], lane='acme')")
        wait_until(lambda: notes(folder, "batch"))
        if task == "late_batch":
            # It has the slot until it is acknowledged.
            send(folder, note_stats)
            assert notes(folder, "pending")[-1] == {"pending": 3, "acked": 0}
            (folder / "notes-open").touch()
        wait_until(lambda: notes(folder, "ran"))
    assert notes(folder, "batch") == [{"batch": [0, 1, 2, 3]}]
    send(folder, note_stats)
    assert notes(folder, "pending")[-1] == {"pending": 2, "acked": 5}
