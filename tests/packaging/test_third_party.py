"""A plugin of a third party, from its source to a worker that it gives its order."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ranch.testing.waiting import wait_until

EXAMPLES = Path(__file__).parents[2] / "examples"

APP = """
from pathlib import Path
from celery import Celery
from ranch.celery import Ranch

app = Celery("app", broker="filesystem://")
app.conf.broker_transport = "ranch.cli.demo.files:Transport"
app.conf.broker_transport_options = {
    "data_folder_in": "broker", "data_folder_out": "broker", "control_folder": "broker",
}
Path("broker").mkdir(exist_ok=True)
app.conf.ranch = {"backend": "sqlite:///ranch.db", "strategy": {"name": "deadline", "default": 60}}
ranch = Ranch(app)


@app.task
def report(lane, number):
    with open("done.txt", "a") as file:
        print(lane, number, file=file)
"""

SEND = """
from app import ranch, report

for lane, deadline in (("relaxed", 600), ("usual", None), ("urgent", 6)):
    ranch.queue().lane(lane).update(data={"deadline": deadline})
    for number in range(3):
        report.apply_async((lane, number), lane=lane)
"""


@pytest.fixture(scope="module")
def deadline(environment, tmp_path_factory):
    """The example, installed from a copy of its source, so that nothing is left in the original."""
    project = tmp_path_factory.mktemp("third-party") / "ranch-deadline"
    shutil.copytree(EXAMPLES / "ranch-deadline", project, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    environment.install(project)
    return project


def test_its_own_tests_pass_where_it_is_installed(environment, deadline, tmp_path):
    """With ranch from a wheel: the suites and the pytest plugin are in it, and the Lua files."""
    shutil.copytree(deadline / "tests", tmp_path / "tests")

    home = environment.run("-c", "import ranch; print(ranch.__file__)", cwd=tmp_path)
    printed = environment.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=tmp_path)

    assert Path(home).is_relative_to(environment.folder)
    # Left out is what it does not state, a bound, and the picks on Redis where there is none.
    assert re.search(r"^(10 passed, 3|8 passed, 5) skipped", printed, re.MULTILINE), printed


def test_the_command_line_shows_it(environment, deadline, tmp_path):
    """With its version, its name and its summary."""
    printed = environment.run("-c", "from ranch.cli import main; main()", "plugins", "--json", cwd=tmp_path)

    (shown,) = [one for one in json.loads(printed) if one["distribution"] == "ranch-deadline"]
    assert (shown["version"], shown["state"]) == ("0.1.0", "loaded")
    assert [record["name"] for record in shown["gives"]["strategy"]] == ["deadline"]


def test_a_celery_worker_serves_in_its_order(environment, deadline, tmp_path):
    """The configuration names it, and jobs run by their deadlines, in whatever order they were sent."""
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "send.py").write_text(SEND)
    environment.run("send.py", cwd=tmp_path)
    done = tmp_path / "done.txt"
    done.touch()

    with (tmp_path / "log").open("wb") as log:
        worker = subprocess.Popen(
            [str(environment.python), "-m", "celery", "-A", "app", "worker", "--pool=solo"],
            cwd=tmp_path,
            env=environment.variables,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: worker.poll() is not None or done.read_text().count("\n") == 9)
    finally:
        worker.kill()
        worker.wait()

    order = [f"{lane} {number}" for lane in ("urgent", "usual", "relaxed") for number in range(3)]
    assert done.read_text().splitlines() == order, (tmp_path / "log").read_text()
