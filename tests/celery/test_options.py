"""What a call may say of a laned message, and messages that are stored together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery, chain, chord, group

import ranch
from ranch import InvalidJob, Priority
from ranch.celery import Ranch
from ranch.model import Job
from tests.celery.app import Journal
from tests.celery.test_inprocess import SOON, worker
from tests.celery.test_publish import sent


def jobs(app: Celery) -> list[Job]:
    """All jobs, in the order of their claims."""
    found = []
    while lease := Ranch(app).queue().claim():
        lease.ack()
        found.append(lease.job)
    return found


@pytest.mark.parametrize("way", ["apply_async", "set", "send_task", "chain"])
def test_options_of_a_job_arrive(memory_app: Celery, way: str) -> None:
    """By any call, and none of them in the message's properties."""
    run = memory_app.tasks["run"]
    options = {"lane": "acme", "cost": 2.5, "bid": 7, "lane_priority": Priority.HIGH}
    if way == "apply_async":
        run.apply_async(**options)
    elif way == "set":
        run.s().set(**options).delay()
    elif way == "send_task":
        memory_app.send_task("run", **options)
    else:
        chain(run.si().set(**options), run.si())()
    (job,) = jobs(memory_app)
    assert (job.cost, job.bid, job.priority) == (2.5, 7.0, Priority.HIGH)
    assert not {"cost", "bid", "lane_priority", "lane"} & set(job.payload["properties"])


def test_priorities_do_not_mix(memory_app: Celery) -> None:
    """A number is Celery's and stays in the message; a `Priority` orders the lane."""
    run = memory_app.tasks["run"]
    run.apply_async(lane="acme", priority=1)
    run.apply_async(lane="acme", priority=Priority.CRITICAL)
    ours, celerys = jobs(memory_app)
    assert (ours.priority, ours.payload["properties"]["priority"]) == (Priority.CRITICAL, 0)
    assert (celerys.priority, celerys.payload["properties"]["priority"]) == (Priority.NORMAL, 1)


def test_plain_messages_know_nothing_of_them(memory_app: Celery) -> None:
    """Whoever says more than a message without a lane needs sends what Celery would have sent."""
    run = memory_app.tasks["run"]
    options = {"cost": 2, "bid": 7, "lane_weight": 0.5, "lane_tags": {"a": "b"}, "priority": Priority.LOW}
    run.apply_async(task_id="1", **options)
    run.apply_async(task_id="1")
    one, other = sent(memory_app), sent(memory_app)
    assert one
    assert other
    for message in (one, other):
        for name in ("delivery_tag", "delivery_info"):
            del message.properties[name]
    assert (one.headers, one.properties, one.body) == (other.headers, other.properties, other.body)
    assert Ranch(memory_app).queue().stats().lanes == 0


def test_a_message_changes_its_lane(memory_app: Celery) -> None:
    """Its weight and tags, before the job is there; what is not named stays."""
    run = memory_app.tasks["run"]
    run.apply_async(lane="acme", lane_weight=0.5, lane_tags={"plan": "gold"})
    run.apply_async(lane="acme", lane_tags={"region": "west"})
    lane = Ranch(memory_app).queue().lane("acme").read()
    assert (lane.weight, lane.tags) == (0.5, {"plan": "gold", "region": "west"})
    assert lane.stats.pending == 2


@pytest.mark.parametrize(
    "option",
    [
        {"cost": 0},
        {"cost": "1"},
        {"bid": float("nan")},
        {"lane_priority": 7},
        {"lane_weight": -1},
        {"lane_tags": {"a": 1}},
    ],
    ids=str,
)
def test_a_wrong_option_is_refused(memory_app: Celery, option: dict[str, Any]) -> None:
    """At the call, alone or in a group, and nothing is stored."""
    run = memory_app.tasks["run"]
    with pytest.raises(InvalidJob):
        run.apply_async(lane="acme", **option)
    with pytest.raises(InvalidJob):
        group([run.si().set(**option)], app=memory_app).apply_async(lane="acme")
    assert Ranch(memory_app).queue().stats().enqueued == 0


@pytest.mark.parametrize("option", [{"cost": 0}, {"eta": "tomorrow"}], ids=str)
def test_a_message_that_is_refused_changes_no_lane(memory_app: Celery, option: dict[str, Any]) -> None:
    """All that it says is checked before anything is done."""
    with pytest.raises(InvalidJob, match=f"{next(iter(option))} .*{next(iter(option.values()))}"):
        memory_app.tasks["run"].apply_async(lane="acme", lane_weight=0.5, **option)
    assert Ranch(memory_app).queue().stats().lanes == 0


@pytest.mark.parametrize("option", [{"lane": ""}, {"cost": 0}, {"lane_weight": -1}], ids=str)
@pytest.mark.parametrize("way", ["chain", "link", "link_error", "chord"])
def test_a_wrong_option_of_what_comes_after_is_refused(memory_app: Celery, way: str, option: dict[str, Any]) -> None:
    """At the call: where the worker sends it, the task before it would have run and have no end."""
    run = memory_app.tasks["run"]
    first, after = run.si().set(lane="acme"), run.si().set(**option)
    whole = {
        "chain": lambda: chain(first, run.si(), after),
        "chord": lambda: chord([first, first.clone()], after, app=memory_app),
    }
    signature = whole[way]() if way in whole else first.set(**{way: after})
    with pytest.raises(InvalidJob, match="run after run"):
        signature.apply_async()
    assert Ranch(memory_app).queue().stats().enqueued == 0


def test_a_retry_costs_the_same(memory_app: Celery, journal: Journal) -> None:
    """Cost, bid and priority are the job's, however often it is tried."""
    costs = []
    operations = Ranch(memory_app).queue()._operations
    original = type(operations.lanes).enqueue

    def enqueue(self: Any, new: Any) -> Any:
        costs.extend((job.cost, job.bid, job.priority) for job in new)
        return original(self, new)

    with pytest.MonkeyPatch.context() as patch, worker(memory_app):
        patch.setattr(type(operations.lanes), "enqueue", enqueue)
        result = memory_app.tasks["retried"].apply_async((2,), lane="acme", cost=3, bid=4, lane_priority=5)
        assert result.get(**SOON) == 2
    assert costs == [(3.0, 4.0, Priority.VERY_HIGH)] * 3


@pytest.fixture
def calls(memory_app: Celery, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many jobs each enqueue had."""
    sizes: list[int] = []
    queue_class = type(Ranch(memory_app).queue())
    original = queue_class.enqueue_many

    def enqueue_many(self: Any, items: Any, **options: Any) -> Any:
        sizes.append(len(items))
        return original(self, items, **options)

    monkeypatch.setattr(queue_class, "enqueue_many", enqueue_many)
    return sizes


def test_a_group_is_stored_at_once(memory_app: Celery, calls: list[int]) -> None:
    """Header of a chord and chunks as well; in the order of the group."""
    run = memory_app.tasks["run"]
    sigs = [run.si(str(n)).set(lane=f"lane-{n % 7}") for n in range(2500)]
    group(sigs)()
    assert calls == [1000, 1000, 500]
    stored = jobs(memory_app)
    assert len({job.payload["headers"]["id"] for job in stored}) == 2500
    of_one = [int(job.payload["headers"]["argsrepr"][2:-3]) for job in stored if job.lane == "lane-3"]
    assert of_one == sorted(of_one)
    calls.clear()
    chord([run.si("x").set(lane="a") for _ in range(50)], run.si("y"), app=memory_app)()
    run.chunks([("x",)] * 100, 10).group().apply_async(lane="chunks")
    assert calls == [50, 10]


def test_a_group_may_be_put_off(memory_app: Celery, calls: list[int]) -> None:
    """Its ETAs are moments apart, and no task is due before its own."""
    run = memory_app.tasks["run"]
    group([run.si(str(n)) for n in range(500)], app=memory_app).apply_async(lane="a", countdown=60)
    assert sum(calls) == 500
    assert len(calls) <= 100  # by the clock, so by how busy the machine is
    assert Ranch(memory_app).queue().stats().delayed == 500


def test_what_differs_is_stored_apart_and_in_order(memory_app: Celery, calls: list[int]) -> None:
    """By cost, and by queue."""
    run = memory_app.tasks["run"]
    sigs = [run.si(str(n)).set(lane="a", cost=cost) for n, cost in enumerate((1, 1, 2, 1))]
    group([*sigs, run.si("4").set(lane="a", queue="other")], app=memory_app)()
    assert calls == [2, 1, 1, 1]
    assert [job.payload["headers"]["argsrepr"] for job in jobs(memory_app)] == ["('0',)", "('1',)", "('2',)", "('3',)"]


def test_a_single_call_returns_when_it_is_stored(memory_app: Celery) -> None:
    """Also inside a producer's loan, where the caller may wait for its result, and where groups are sent."""
    run, queue = memory_app.tasks["run"], Ranch(memory_app).queue()
    with memory_app.producer_or_acquire() as producer:
        run.apply_async(lane="a", producer=producer)
        assert queue.stats().pending == 1
        group([run.si("x")] * 3, app=memory_app).apply_async(lane="a", producer=producer)
        assert queue.stats().pending == 4


def test_a_group_that_breaks_off_has_sent_what_came_before(memory_app: Celery) -> None:
    """As in plain Celery: the error is raised at the call, and what was sent so far is sent."""
    add, queue = memory_app.tasks["add"], Ranch(memory_app).queue()
    with pytest.raises(TypeError):
        group([add.si(1, 2), add.si(1, 2), add.si(1)], app=memory_app).apply_async(lane="a")
    assert queue.stats().pending == 2


def test_a_group_in_a_block_of_lanes(memory_app: Celery, calls: list[int]) -> None:
    """Plain and laned tasks of one group each go their way."""
    run = memory_app.tasks["run"]
    with ranch.lane("acme"):
        group([run.si(str(n)) for n in range(5)], app=memory_app)()
    group([run.si("plain"), run.si("laned").set(lane="b")], app=memory_app)()
    assert calls == [5, 1]
    assert sent(memory_app)
    assert not sent(memory_app)
