"""What is logged is what the rules say, on any history."""

from __future__ import annotations

import json
import logging
from io import StringIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pythonjsonlogger.json import JsonFormatter

from ranch import Queue, Retry
from ranch.hooks.details import BackendDown, BackendUp, Dead, Enqueued, Failed, Finished, Ran
from ranch.hooks.manager import Plugins
from ranch.letters import Death
from ranch.model import Job, Lease, Priority
from ranch.observe import MetricsLog
from ranch.testing import FakeClock
from ranch.typing import Backend

LEASE = Lease(
    job=Job(
        id="1",
        lane="acme",
        body=b"",
        content_type="",
        priority=Priority.NORMAL,
        cost=1.0,
        enqueued_at=0.0,
        due_at=0.0,
    ),
    token="t",
    deadline=0.0,
)


class Records(logging.Handler):
    """Keeps what is logged: name, value and level."""

    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)

    def named(self, *names):
        return [(each.metric_name, each.metric_value) for each in self.records if each.metric_name in names]


@pytest.fixture
def records() -> Records:
    """What has been logged so far."""
    return Records()


def metrics_log(handler: logging.Handler) -> MetricsLog:
    """Return a log of its own, which nobody else writes to."""
    logger = logging.Logger("metrics", logging.INFO)  # noqa: LOG001 - apart from those that pytest listens to
    logger.addHandler(handler)
    return MetricsLog(logger)


@given(batches=st.lists(st.integers(1, 400), max_size=200))
def test_a_counter_is_logged_where_the_rules_say(batches):
    """Up to 5 each change, then where 10, 100 and 1000 are reached, then with each 10 %; batches always."""
    records = Records()
    events = Plugins([metrics_log(records)]).events
    expected, total, logged = [], 0, 0
    for jobs in batches:
        events.enqueued(Enqueued(queue="mail", jobs=[LEASE.job] * jobs, seconds=0.5))
        reached = range(total + 1, total + jobs + 1)
        total += jobs
        if any(at <= 5 or at in {10, 100, 1000} for at in reached) or (total > 1000 and total >= 1.1 * logged):
            expected.append(("enqueued", total))
            logged = total
        if jobs > 1:
            expected.append(("batch", jobs))

    assert events.errors == 0
    assert records.named("enqueued", "batch") == expected


@given(outcomes=st.lists(st.booleans(), max_size=200))
def test_errors_are_logged_each_and_rates_when_they_move(outcomes):
    """As warnings, with the error; the rate when it differs by more than 10 % from what was logged last."""
    records = Records()
    events = Plugins([metrics_log(records)]).events
    expected, done, failed, logged = [], 0, 0, None
    for is_done in outcomes:
        if is_done:
            events.finished(Finished(queue="mail", leases=[LEASE]))
            done += 1
        else:
            events.failed(Failed(queue="mail", leases=[LEASE], error="ValueError: x"))
            failed += 1
            expected.append(("failed", failed))
        rate = 100 * done / (done + failed)
        if logged is None or abs(rate - logged) > 0.1 * logged:
            expected.append(("success_rate", pytest.approx(rate)))
            logged = rate

    assert events.errors == 0
    assert records.named("failed", "success_rate") == expected
    assert {
        (record.levelname, record.metric_error) for record in records.records if record.metric_name == "failed"
    } <= {("WARNING", "ValueError: x")}


@given(times=st.lists(st.floats(0, 100), max_size=300))
@example(times=[1.0] * 150 + [50.0] * 50)
def test_a_mean_is_logged_when_it_has_moved(times):
    """By more than 10 %; it follows the last 100 jobs or so."""
    records = Records()
    events = Plugins([metrics_log(records)]).events
    expected, mean, logged = [], 0.0, None
    for number, seconds in enumerate(times, 1):
        events.ran(Ran(queue="mail", lease=LEASE, seconds=seconds))
        mean += (seconds - mean) / min(number, 100)
        if logged is None or abs(mean - logged) > 0.1 * logged:
            expected.append(("avg_process_time", pytest.approx(mean)))
            logged = mean

    assert records.named("avg_process_time") == expected


def test_a_history_of_a_queue_is_logged(backend: Backend, clock: FakeClock, records: Records) -> None:
    """All of it, each number with its queue."""
    plugins = Plugins([metrics_log(records)])
    queue = Queue("mail", backend=backend, plugins=plugins)
    queue.enqueue_many([("acme", n) for n in range(4)])
    clock.advance(3)
    done, again, dead = queue.claim_many(3)
    done.ack()
    again.fail(ValueError("x"), retry=Retry.fixed(100))
    dead.fail("away", retry=Retry.never())
    queue.purge()
    queue.enqueue("acme", 1, expires=5)
    clock.advance(5)
    assert queue.claim() is None

    said = [(each.levelname, each.metric_name, each.metric_value) for each in records.records]
    assert [one for one in said if one[1] not in {"avg_process_time", "success_rate"}] == [
        ("INFO", "enqueued", 4),
        ("INFO", "batch", 4),
        ("INFO", "avg_wait_time", pytest.approx(3)),
        ("INFO", "processed", 1),
        ("WARNING", "failed", 1),
        ("INFO", "retried", 1),
        ("WARNING", "failed", 2),
        ("WARNING", "dead", 1),
        ("INFO", "cancelled", 2),
        ("INFO", "enqueued", 5),
        ("WARNING", "expired", 1),
    ]
    assert {each.queue for each in records.records} == {"mail"}
    assert plugins.events.errors == 0


def test_a_formatter_that_writes_json_makes_fields_of_a_record() -> None:
    """A search engine takes each line as it is."""
    out = StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(message)s"))
    events = Plugins([metrics_log(handler)]).events
    events.enqueued(Enqueued(queue="mail", jobs=[LEASE.job] * 20, seconds=0.5))
    events.dead(Dead(queue="mail", jobs=[LEASE.job], death=Death(error="ValueError: x")))
    events.backend_down(BackendDown(url="redis://host", error=OSError("refused")))
    events.backend_up(BackendUp(url="redis://host", seconds=5.0))
    lines = [json.loads(line) for line in out.getvalue().splitlines()]

    assert [line["message"] for line in lines] == [
        "Queue metric update: enqueued is 20 jobs, queue mail",
        "Queue metric update: batch is 20 jobs, queue mail",
        "Queue metric update: dead is 1 jobs, queue mail",
        "Queue metric update: backend_down is 1, backend redis://host",
        "Queue metric update: backend_up is 5 s, backend redis://host",
    ]
    assert [(line["metric_name"], line["metric_value"], line["metric_unit"]) for line in lines] == [
        ("enqueued", 20, "jobs"),
        ("batch", 20, "jobs"),
        ("dead", 1, "jobs"),
        ("backend_down", 1, ""),
        ("backend_up", 5.0, "s"),
    ]
    assert (lines[1]["metric_seconds"], lines[1]["metric_rate"]) == (0.5, 40)
    assert (lines[2]["metric_error"], lines[3]["metric_error"]) == ("ValueError: x", "refused")
    assert [line.get("queue") for line in lines] == ["mail", "mail", "mail", None, None]
    assert [line.get("backend") for line in lines[3:]] == ["redis://host"] * 2
    assert events.errors == 0
