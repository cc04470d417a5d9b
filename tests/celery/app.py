"""
The app of these tests: made by a test in its own process, and by a worker in another one.

A worker imports this module with the settings in RANCH_TEST_APP.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from celery import Celery, Task, chain, chord, group

from ranch import lane
from ranch.celery import LRUTask, lru_task
from tests.celery.feature_tasks import add_feature_tasks, note_signals

VARIABLE = "RANCH_TEST_APP"


def whole_lines(path: Path) -> list[str]:
    """Return what others have written to a file by now, if it is there: a line may come into sight in parts."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [line for line in lines if line.endswith("\n")]


class Journal:
    """What tasks did, in the order they did it, over all processes."""

    def __init__(self, folder: Path | str) -> None:
        self.path = Path(folder) / "journal"
        self._folder = Path(folder)
        self._numbers = self._folder / "numbers"

    def write(self, task: Any, word: str) -> None:
        entry = {
            "word": word,
            "id": task.request.id,
            "lane": task.request.get("ranch-lane"),
            "queue": task.request.delivery_info["routing_key"],
            "redelivered": task.request.delivery_info["redelivered"],
            "retries": task.request.retries,
            "attempts": task.request.get("ranch-attempts"),
            "pid": os.getpid(),
            # Of a job in a lane it is the token of its lease. Not all brokers tell it.
            "tag": task.request.properties.get("delivery_tag"),
            "time": time.time(),
        }
        self._append(entry)

    def write_word(self, task_id: str, word: str) -> None:
        """Write what did not happen inside of a task."""
        self._append({"word": word, "id": task_id})

    def _append(self, entry: dict[str, Any]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(entry) + "\n")

    def count(self, number: int) -> None:
        """Write a number, as little as may be written: there are thousands."""
        with self._numbers.open("a") as file:
            file.write(f"{number}\n")

    def numbers(self) -> list[int]:
        return [int(line) for line in whole_lines(self._numbers)]

    def words_of(self, task_id: str) -> list[str]:
        return [entry["word"] for entry in self.entries() if entry["id"] == task_id]

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in whole_lines(self.path)]

    def words(self) -> list[str]:
        return [entry["word"] for entry in self.entries()]

    def open_gate(self, word: str = "") -> None:
        """Let the tasks of a word go on, or all."""
        self._gate(word).touch()

    def pass_gate(self, word: str) -> None:
        deadline = time.monotonic() + 60
        while not (self._gate(word).exists() or self._gate("").exists()):
            assert time.monotonic() < deadline, "nobody opened the gate"
            time.sleep(0.005)

    def _gate(self, word: str) -> Path:
        return self._folder / f"open-{word}"


def make_app(folder: Path | str, **settings: Any) -> Celery:  # noqa: C901, PLR0915 - a list of tasks
    """Make an app with tasks of its own."""
    app = Celery("tests", set_as_current=False)
    app.conf.update(broker_connection_retry_on_startup=True, worker_hijack_root_logger=False)
    app.conf.update(settings)
    if str(settings.get("broker_url", "")).startswith("filesystem"):
        folders = {name: f"{folder}/{name}" for name in ("messages", "control", "processed")}
        for path in folders.values():
            Path(path).mkdir(exist_ok=True)
        # Kombu's own lets a reader see a message that is not written yet, and the worker ends.
        app.conf.broker_transport = "ranch.cli.demo.files:Transport"
        app.conf.broker_transport_options = {
            "data_folder_in": folders["messages"],
            "data_folder_out": folders["messages"],
            "processed_folder": folders["processed"],
            "control_folder": folders["control"],
        }
    journal = Journal(folder)

    # Not shared with other apps of this process.
    @lru_task(app, name="add", shared=False)
    def add(left: int, right: int) -> int:
        return left + right

    @lru_task(app, name="fail", shared=False)
    def fail() -> None:
        raise ValueError("as it should")

    @lru_task(app, name="run", shared=False, bind=True)
    def run(self: LRUTask, word: str = "run") -> str:
        journal.write(self, word)
        return word

    @lru_task(app, name="gated", shared=False, bind=True)
    def gated(self: LRUTask, word: str) -> str:
        journal.write(self, word)
        journal.pass_gate(word)
        return word

    @lru_task(app, name="late", shared=False, bind=True, acks_late=True)
    def late(self: LRUTask, word: str) -> str:
        journal.write(self, word)
        journal.pass_gate(word)
        return word

    @lru_task(app, name="retried", shared=False, bind=True, max_retries=3, default_retry_delay=0)
    def retried(self: LRUTask, times: int) -> int:
        journal.write(self, "retried")
        if self.request.retries < times:
            raise self.retry()
        return self.request.retries

    @lru_task(app, name="parent", shared=False)
    def parent() -> str:
        return add.apply_async((1, 2), lane="child").id

    @app.task(name="bulk", shared=False, bind=True, lane="bulk")
    def bulk(self: Task, word: str = "bulk") -> str:
        journal.write(self, word)
        return word

    @app.task(name="hermit", shared=False, bind=True, inherit_lane=False)
    def hermit(self: Task, word: str = "hermit") -> str:
        journal.write(self, word)
        return word

    @app.task(name="join", shared=False, bind=True)
    def join(self: Task, words: list[str], word: str) -> str:
        journal.write(self, word)
        return word

    @app.task(name="note", shared=False, bind=True)
    def note(self: Task, *args: object) -> str:
        journal.write(self, f"note {len(args)}")
        return "note"

    @app.task(name="spread", shared=False, bind=True)
    def spread(self: Task) -> str:
        """Send children in each way there is."""
        journal.write(self, "parent")
        run.delay("delay")
        run.apply_async(("named",), lane="named")
        hermit.delay()
        app.send_task("run", ("by name",))
        chain(run.si("chain 1"), run.si("chain 2").set(lane="second"), run.si("chain 3"))()
        group(run.si(f"group {n}") for n in range(2))()
        chord([run.si("header")], join.s("body"))()
        run.apply_async(("linked",), link=note.si(), link_error=note.si())
        with lane("block"):
            run.delay("block")
        with lane(None):
            run.delay("outside")
        return "parent"

    @app.task(name="replaced", shared=False, bind=True)
    def replaced(self: Task, word: str, **options: Any) -> None:
        raise self.replace(run.si(word).set(**options))

    @app.task(name="failing", shared=False, bind=True)
    def failing(self: Task) -> None:
        raise ValueError("as it should")

    @app.task(name="retry-once", shared=False, bind=True, lane="bulk")
    def retry_once(self: Task, **options: Any) -> str:
        journal.write(self, "retry")
        if self.request.retries == 0:
            raise self.retry(countdown=0, **options)
        return "done"

    @lru_task(app, name="limited", shared=False, bind=True, rate_limit="1/h")
    def limited(self: LRUTask, word: str) -> str:
        journal.write(self, word)
        return word

    add_feature_tasks(app, journal)
    return app


if VARIABLE in os.environ:
    app = make_app(**(settings := json.loads(os.environ[VARIABLE])))
    note_signals(app, Journal(settings["folder"]))
    # As an app is that nobody told otherwise: Flower looks for results in it.
    app.set_default()
