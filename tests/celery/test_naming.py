"""Which lane a message goes into: as it is sent, and as workers send more."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, chain, chord, group
from celery.beat import ScheduleEntry, Scheduler

import ranch
from ranch import ConfigError, InvalidJob
from ranch.celery import Ranch
from ranch.testing.waiting import wait_until
from tests.celery.app import Journal
from tests.celery.test_publish import lanes, sent
from tests.celery.workers import SOON, CeleryWorker


def by_first_argument(name: str, args: Any, kwargs: Any, options: Any) -> Any:
    """Route words by their first letter, and sums nowhere."""
    return args[0][0] if name == "run" and args else None


def by_number(name: str, args: Any, kwargs: Any, options: Any) -> Any:
    """Name a lane by what is no name."""
    return 7


WAYS: dict[str, Any] = {
    "delay": lambda app: app.tasks["add"].delay(1, 2),
    "apply_async": lambda app: app.tasks["add"].apply_async((1, 2)),
    "send_task": lambda app: app.send_task("add", (1, 2)),
    "unknown task": lambda app: app.send_task("elsewhere.add", (1, 2)),
    "chain": lambda app: chain(app.tasks["add"].s(1, 2), app.tasks["add"].s(3))(),
    "group": lambda app: group([app.tasks["add"].s(1, 2)], app=app)(),
    "chord": lambda app: chord([app.tasks["add"].s(1, 2)], app.tasks["note"].s(), app=app)(),
    "chunks": lambda app: app.tasks["add"].chunks([(1, 2)], 1).apply_async(),
    "map": lambda app: app.tasks["run"].map(["a"]).apply_async(),
    "starmap": lambda app: app.tasks["add"].starmap([(1, 2)]).apply_async(),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_block_names_the_lane(memory_app: Celery, way: Any) -> None:
    """Whatever is sent in it, and however, and not after it."""
    with ranch.lane("acme"):
        way(memory_app)
    assert lanes(memory_app) == ["acme"]
    way(memory_app)
    assert lanes(memory_app) == []


def test_the_message_goes_before_the_block(memory_app: Celery) -> None:
    """And the innermost block before the others; a block of None is no lane, an option that is None says nothing."""
    run = memory_app.tasks["run"]
    with ranch.lane("outer"):
        run.apply_async(lane="own")
        with ranch.lane("inner"):
            run.delay()
        with ranch.lane(None):
            run.delay()
        run.apply_async(lane=None)
    assert lanes(memory_app) == ["own", "inner", "outer"]


def test_a_block_is_its_threads_own(memory_app: Celery) -> None:
    """Another thread has named no lane."""
    with ranch.lane("acme"):
        thread = threading.Thread(target=memory_app.tasks["run"].delay)
        thread.start()
        thread.join()
    assert lanes(memory_app) == []


async def test_a_block_is_its_asyncio_tasks_own(memory_app: Celery) -> None:
    """Tasks that take turns do not mix up their lanes."""
    barrier = asyncio.Event()

    async def send(key: str) -> None:
        with ranch.lane(key):
            await barrier.wait()
            memory_app.tasks["run"].delay()

    tasks = [asyncio.create_task(send(key)) for key in "abc"]
    await asyncio.sleep(0)
    barrier.set()
    await asyncio.gather(*tasks)
    assert sorted(lanes(memory_app)) == ["a", "b", "c"]


@pytest.mark.parametrize("key", ["", 7])
def test_a_block_needs_a_name(key: Any) -> None:
    """Found where it is written, not where something is sent."""
    with pytest.raises(InvalidJob), ranch.lane(key):
        pass


def test_a_block_needs_no_celery() -> None:
    """A library may name lanes where Celery was never imported."""
    code = "import sys, ranch\nwith ranch.lane('acme'): pass\nassert 'celery' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_a_task_has_a_lane_by_default(memory_app: Celery) -> None:
    """A plain Celery task, too; anything else goes before it."""
    bulk = memory_app.tasks["bulk"]
    bulk.delay()
    memory_app.send_task("bulk")
    bulk.apply_async(lane="own")
    with ranch.lane("block"):
        bulk.delay()
    with ranch.lane(None):
        bulk.delay()
    assert lanes(memory_app) == ["bulk", "own", "block", "bulk"]


@pytest.mark.parametrize(
    "router",
    [by_first_argument, f"{__name__}:by_first_argument", f"{__name__}.by_first_argument"],
    ids=["function", "colon", "dots"],
)
def test_a_router_names_lanes(memory_app: Celery, router: Any) -> None:
    """It is asked when nothing but a task's default names one; None leaves that."""
    Ranch(memory_app, lane_router=router)
    memory_app.tasks["run"].delay("word")
    memory_app.tasks["run"].apply_async(("word",), lane="own")
    memory_app.tasks["add"].delay(1, 2)
    memory_app.tasks["bulk"].delay()
    assert sorted(lanes(memory_app)) == ["bulk", "own", "w"]


def test_a_routers_answer_is_a_name(memory_app: Celery) -> None:
    """Anything else is an error at the call, and nothing is sent."""
    Ranch(memory_app, lane_router=by_number)
    with pytest.raises(InvalidJob, match=r"lane_router <function by_number .*name a lane, .*not 7"):
        memory_app.tasks["run"].delay()
    assert sent(memory_app) is None


@pytest.mark.parametrize("router", ["no.such:thing", "ranch.context:nothing", "ranch", 7])
def test_a_router_has_to_be_there(memory_app: Celery, router: Any) -> None:
    """A worker does not start with a wrong one, and nothing is sent."""
    Ranch(memory_app, lane_router=router)
    with pytest.raises(ConfigError, match="lane_router="):
        memory_app.WorkController(pool="solo", hostname="w")
    with pytest.raises(ConfigError, match="lane_router="):
        memory_app.tasks["run"].delay()


def test_beat_names_lanes(memory_app: Celery) -> None:
    """By the options of an entry, and by the default of its task."""
    memory_app.conf.beat_schedule = {
        "laned": {"task": "run", "schedule": 1, "options": {"lane": "nightly"}},
        "default": {"task": "bulk", "schedule": 1},
        "plain": {"task": "run", "schedule": 1},
    }
    scheduler = Scheduler(memory_app, lazy=True)
    scheduler.merge_inplace(memory_app.conf.beat_schedule)
    entries: list[ScheduleEntry] = list(scheduler.schedule.values())
    for entry in entries:
        scheduler.apply_async(entry)
    assert sorted(lanes(memory_app)) == ["bulk", "nightly"]


def test_an_app_without_the_task_names_lanes(memory_app: Celery) -> None:
    """It sends by name, into the same store."""
    other = Celery("other", broker="memory://", set_as_current=False)
    Ranch(other, backend="memory://")
    with ranch.lane("acme"):
        other.send_task("run", ("word",))
    assert lanes(other) == ["acme"]


def lanes_by_word(journal: Journal) -> dict[str, Any]:
    """The lane of each job that ran."""
    return {entry["word"]: entry["lane"] for entry in journal.entries()}


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_children_inherit_the_lane(
    app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal, pool: str
) -> None:
    """However a job sends them, and whatever sends more on their account, unless they say otherwise."""
    with CeleryWorker(tmp_path, settings, pool=pool):
        app.tasks["spread"].apply_async(lane="acme")
        wait_until(lambda: len(journal.entries()) == 16)
    assert lanes_by_word(journal) == {
        "parent": "acme",
        "delay": "acme",
        "named": "named",
        "hermit": None,
        "by name": "acme",
        "chain 1": "acme",
        "chain 2": "second",
        "chain 3": "second",
        "group 0": "acme",
        "group 1": "acme",
        "header": "acme",
        "body": "acme",
        "linked": "acme",
        "note 0": "acme",
        "block": "block",
        "outside": None,
    }


def test_a_retry_stays_where_it_was(app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal) -> None:
    """In its lane or in none, whatever the task's default is, unless it names another one."""
    retry = app.tasks["retry-once"]
    with CeleryWorker(tmp_path, settings):
        for key in ("acme", None):
            with ranch.lane(key):
                assert retry.delay().get(timeout=SOON) == "done"
        assert retry.apply_async(kwargs={"lane": "other"}, lane="acme").get(timeout=SOON) == "done"
    assert [entry["lane"] for entry in journal.entries()] == ["acme", "acme", None, None, "acme", "other"]


def test_a_replacement_has_the_lane(app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal) -> None:
    """It is a child, and so is what waited for the task that it replaces."""
    replaced, note = app.tasks["replaced"], app.tasks["note"]
    with CeleryWorker(tmp_path, settings):
        chain(replaced.si("inherits"), note.si()).apply_async(lane="acme")
        wait_until(lambda: len(journal.entries()) == 2)
        replaced.apply_async(("names",), {"lane": "own"}, lane="acme").get(timeout=SOON)
        replaced.apply_async(("has none",)).get(timeout=SOON)
    assert lanes_by_word(journal) == {"inherits": "acme", "note 0": "acme", "names": "own", "has none": None}


def test_an_errback_has_the_lane(app: Celery, settings: dict[str, Any], tmp_path: Path, journal: Journal) -> None:
    """That of the job that failed, or its own."""
    failing, note = app.tasks["failing"], app.tasks["note"]
    with CeleryWorker(tmp_path, settings):
        failing.apply_async(lane="acme", link_error=[note.si(), note.si(1).set(lane="own")])
        wait_until(lambda: len(journal.entries()) == 2)
    assert lanes_by_word(journal) == {"note 0": "acme", "note 1": "own"}


def test_a_chord_without_help_of_the_result_backend(
    settings: dict[str, Any], tmp_path: Path, journal: Journal, new_app: Any
) -> None:
    """What waits for the jobs of its header is in no lane, and hands the lane on to its body."""
    (tmp_path / "results").mkdir()
    settings = {**settings, "result_backend": f"file://{tmp_path}/results"}
    app = new_app(**settings)
    with CeleryWorker(tmp_path, settings), ranch.lane("acme"):
        chord([app.tasks["run"].si("header")], app.tasks["join"].s("body"))()
        wait_until(lambda: len(journal.entries()) == 2)
        assert Ranch(app).queue().stats().enqueued == 2
    assert lanes_by_word(journal) == {"header": "acme", "body": "acme"}


def test_inheriting_may_be_turned_off(settings: dict[str, Any], tmp_path: Path, journal: Journal, new_app: Any) -> None:
    """For all tasks of the app; then a job's children name their lanes themselves."""
    settings = {**settings, "ranch": {**settings.get("ranch", {}), "inherit_lane": False}}
    app = new_app(**settings)
    with CeleryWorker(tmp_path, settings):
        app.tasks["replaced"].apply_async(("child",), lane="acme").get(timeout=SOON)
    assert lanes_by_word(journal) == {"child": None}
