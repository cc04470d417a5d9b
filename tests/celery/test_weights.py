"""Weight functions in a Celery app: for a queue, for all of them, and by tasks."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest
from celery import Celery

from ranch import ConfigError, LaneMetadata, Queue
from ranch.celery import LRUTask, Ranch, lru_task
from ranch.testing.waiting import wait_until
from ranch.weights import ByBid, ByTag
from tests.celery.test_inprocess import SOON, worker


def by_impact(lru_key: str, metadata: LaneMetadata) -> float:
    """Weigh a lane by its impact."""
    impact = metadata.custom_data.get("impact", 1.0)
    assert isinstance(impact, float)
    return impact


def ones(lru_key: str, metadata: LaneMetadata) -> float:
    """Weigh all lanes the same."""
    return 1.0


@pytest.fixture
def bare() -> Celery:
    """An app without tasks, whose jobs are in memory."""
    app = Celery("bare", broker="memory://", set_as_current=False)
    app.conf.ranch = {"backend": "memory://"}
    return app


def make(app: Celery, name: str, **options: Any) -> LRUTask:
    """Make a task that does nothing."""

    def task() -> None: ...

    return lru_task(app, name=name, **{"shared": False, **options})(task)


def weighs(app: Celery, queue: str) -> Any:
    """Return what weighs the lanes of a queue."""
    weigher = Ranch(app).queue(queue)._operations.weigher
    return weigher and weigher.function


def test_a_task_weighs_the_lanes_of_its_queue(bare: Celery) -> None:
    """Updates through the task are weighed, and so is what workers serve."""
    task = make(bare, "t", weight_function=by_impact)
    task.set_custom_data("acme", "impact", 3.0)
    task.set_priority_weight("acme", 0.5)
    seen = task.get_client_metadata("acme")
    assert (seen["weight"], seen["effective_weight"]) == (0.5, 3.0)

    task.lru_delay("new", priority_weight=2.0)
    operations = Ranch(bare).operations("celery")
    assert operations.weigher
    assert operations.weigher.function is by_impact
    assert weighs(bare, "other") is None


def test_settings_name_a_function_for_a_queue_or_all(bare: Celery) -> None:
    """As strategies are named, by name and options or as they are."""
    bare.conf.ranch |= {
        "weight_function": {"name": "tag", "tag": "plan", "weights": {"gold": 0.5}},
        "weight_functions": {"ads": "bid", "plain": None, "own": by_impact},
        "weight_refresh": 5,
    }
    assert weighs(bare, "celery") == ByTag(tag="plan", weights={"gold": 0.5})
    assert (weighs(bare, "ads"), weighs(bare, "plain"), weighs(bare, "own")) == (ByBid(), None, by_impact)


def test_options_do_as_settings(bare: Celery) -> None:
    """Given to `Ranch`."""
    Ranch(bare, weight_function=by_impact, weight_functions={"ads": "bid"}, weight_refresh=0)
    assert (weighs(bare, "celery"), weighs(bare, "ads")) == (by_impact, ByBid())


def test_a_task_goes_before_what_is_set_for_all(bare: Celery) -> None:
    """And only for the queue that it is routed to, by its own option or by the app's routes."""
    bare.conf.ranch |= {"weight_function": "bid"}
    bare.conf.task_routes = {"routed": {"queue": "routes"}}
    make(bare, "own", weight_function=by_impact).queue = "owns"
    make(bare, "routed", weight_function=ones)
    assert (weighs(bare, "owns"), weighs(bare, "routes"), weighs(bare, "celery")) == (by_impact, ones, ByBid())
    assert "owns" not in bare.amqp.queues, "a worker would consume it"


def test_tasks_of_one_queue_may_say_the_same(bare: Celery) -> None:
    """Or nothing: a lane has one weight, whatever runs in it."""
    make(bare, "one", weight_function={"name": "bid"})
    make(bare, "two", weight_function="bid")
    make(bare, "three")
    assert weighs(bare, "celery") == ByBid()


def test_two_functions_of_one_queue_are_refused(bare: Celery) -> None:
    """The error names both tasks, and what to do; other queues go on."""
    make(bare, "one", weight_function=by_impact)
    two = make(bare, "two", weight_function=ones)
    with pytest.raises(ConfigError, match=r"task one has .*by_impact.*task two has .*ones.*'celery'.* route the task"):
        two.lru_delay("acme")
    assert weighs(bare, "other") is None


def test_a_task_and_a_setting_of_its_queue_have_to_agree(bare: Celery) -> None:
    """What is set for the very queue is not overruled in silence."""
    bare.conf.ranch |= {"weight_functions": {"celery": "bid"}}
    task = make(bare, "one", weight_function=by_impact)
    with pytest.raises(ConfigError, match=r"app\.conf\.ranch\.weight_functions\['celery'\] has .*ByBid.*task one has"):
        task.set_custom_data("acme", "impact", 2.0)


def test_a_task_that_comes_later_counts(bare: Celery) -> None:
    """A queue in use before the task was defined has its function from then on."""
    assert weighs(bare, "celery") is None
    task = make(bare, "late", weight_function=by_impact)
    assert task.ranch_queue.name == "celery"
    assert weighs(bare, "celery") is by_impact


def test_apps_of_one_process_do_not_weigh_for_one_another(bare: Celery) -> None:
    """Though Celery shares the tasks of one with all."""
    make(bare, "tests.shared", weight_function=by_impact, shared=True)
    other = Celery("other", broker="memory://", set_as_current=False)
    other.conf.ranch = {"backend": "memory://"}
    assert "tests.shared" in other.tasks
    assert (weighs(bare, "celery"), weighs(other, "celery")) == (by_impact, None)


def test_a_class_of_tasks_may_have_one(bare: Celery) -> None:
    """A function in a class body would be a method; here it is none."""

    class Weighed(LRUTask):
        abstract = True
        weight_function = by_impact

    task = make(bare, "t", base=Weighed)
    task.set_custom_data("acme", "impact", 3.0)
    assert task.get_client_metadata("acme")["effective_weight"] == 3.0


@pytest.mark.parametrize("function", ["bda", 7, {"name": "tag"}, LaneMetadata])
def test_what_is_no_function_is_refused_where_it_stands(bare: Celery, function: Any) -> None:
    """At the decorator, and in the settings."""
    with pytest.raises(ConfigError, match="weight function"):
        lru_task(bare, weight_function=function)
    bare.conf.ranch |= {"weight_functions": {"ads": function}, "weight_refresh": -1}
    with pytest.raises(ConfigError, match=r"(?s)weight_refresh must be.*app\.conf\.ranch\.weight_functions\['ads'\]"):
        Ranch(bare).queue()


SEED = '''
from celery import Celery
from ranch import lru_task, LRUKeyMetadata

app = Celery("tasks", broker="memory://")
app.conf.ranch = {"backend": "memory://"}

# Define a custom weight function based on process characteristics
def resource_based_priority(lru_key: str, metadata: LRUKeyMetadata) -> float:
    """Calculate priority based on resource requirements in metadata."""
    # Default weight if no custom data
    if not metadata.custom_data or "resource_impact" not in metadata.custom_data:
        return 1.0

    # Higher resource impact = lower priority (higher weight)
    impact = metadata.custom_data.get("resource_impact", 1.0)
    return max(impact, 0.1)  # Ensure positive weight

# Create task with custom weight function
@lru_task(app, weight_function=resource_based_priority)
def process_data(data):
    # Process data
    return result

# Store custom metadata for different processes
process_data.set_custom_data("data_mining_job", "resource_impact", 3.0)  # High impact, lower priority
process_data.set_custom_data("user_report", "resource_impact", 0.5)      # Low impact, higher priority

print([process_data.get_client_metadata(key)["effective_weight"] for key in ("data_mining_job", "user_report", "x")])
'''


@pytest.mark.parametrize(
    ("script", "printed"),
    [
        (SEED, "[3.0, 0.5, 1.0]"),
        ("import ranch, sys; ranch.LaneMetadata; print('celery' in sys.modules, ranch.LRUKeyMetadata)", "False"),
    ],
    ids=["an example of old", "celery is not imported for nothing"],
)
def test_a_script_runs(script: str, printed: str) -> None:
    """With nothing but its imports from `ranch`; and who does not ask for Celery's names does not pay for Celery."""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith(printed)


class ByTime:
    """Weighs lanes by the time that their jobs take."""

    reads = frozenset({"mean_time"})

    def __call__(self, lru_key: str, metadata: LaneMetadata) -> float:
        return 1.0 if metadata.mean_time is None else metadata.mean_time


def test_a_worker_weighs_what_it_serves(memory_app: Celery) -> None:
    """Where the data were changed by somebody who knows no function."""
    memory_app.conf.ranch |= {"weight_function": by_impact}
    plain = Queue("celery", backend=Ranch(memory_app).backend)
    plain.lane("acme").update(data={"impact": 3.0})
    with worker(memory_app):
        memory_app.tasks["add"].lru_delay("acme", 1, 2).get(**SOON)
        wait_until(lambda: plain.lane("acme").read().effective_weight == 3.0)


def test_a_worker_measures_how_long_tasks_run(memory_app: Celery) -> None:
    """The task's own time, whenever its message was acknowledged, whether it failed or not."""
    memory_app.conf.ranch |= {"weight_function": ByTime(), "weight_refresh": 0}

    @lru_task(memory_app, name="slow", shared=False)
    def slow() -> None:
        time.sleep(0.05)
        raise ValueError("as it should")

    lane = Ranch(memory_app).queue().lane("acme")

    def mean_time() -> float | None:
        slow.lru_delay("acme").get(**SOON, propagate=False)
        return lane.read().mean_time

    with worker(memory_app):
        # A time is kept when the lane is served the next time.
        assert 0.05 <= (wait_until(mean_time) or 0.0) < 5


def test_a_worker_does_not_start_with_two_functions(memory_app: Celery) -> None:
    """It would stumble at its first claim."""
    make(memory_app, "one", weight_function=by_impact)
    make(memory_app, "two", weight_function=ones)
    with pytest.raises(ConfigError, match="task one has"), worker(memory_app):
        pass
