"""`celery -A app ranch …`."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from celery import Celery
from click.testing import CliRunner, Result

from ranch.celery import Ranch
from ranch.cli import main
from ranch.cli.mounted import OWN, ranch


@pytest.fixture
def app(tmp_path: Path) -> Celery:
    """An app whose default queue is `mail`, with a prefix that only its own backend knows."""
    app = Celery(broker="memory://", set_as_current=False)
    app.conf.task_default_queue = "mail"
    app.conf.ranch = {"backend": f"sqlite:///{tmp_path}/ranch.db"}
    Ranch(app).queue().enqueue("acme", 1)
    return app


def invoke(app: Celery, *args: str) -> Result:
    """Run `celery -A app ranch` with arguments."""
    return CliRunner().invoke(ranch, args, obj=SimpleNamespace(app=app))


def test_it_has_all_commands() -> None:
    """Those of `ranch`, whichever they are; one needs an app, and one says more of it."""
    assert ranch.commands == {**main.commands, **OWN}
    assert set(OWN) - set(main.commands) == {"drain"}


def test_store_and_queue_are_the_apps(app: Celery) -> None:
    """Neither has to be named."""
    assert invoke(app, "strategy").stdout == "queue 'mail' is served by 'weighted-lru'\n"


def test_both_may_be_named(app: Celery, tmp_path: Path) -> None:
    """As in `ranch`."""
    other = f"sqlite:///{tmp_path}/other.db"
    assert "nothing was put into it" in invoke(app, "strategy", "-q", "sms").stdout
    assert "nothing was put into it" in invoke(app, "strategy", "--backend", other).stdout
    assert invoke(app, "strategy", "bid").stdout == "queue 'mail' is served by 'bid', set once\n"


def test_the_app_goes_before_the_environment(app: Celery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who names an app means its store, whatever a shell has been told for others."""
    monkeypatch.setenv("RANCH_BACKEND", f"sqlite:///{tmp_path}/other.db")
    monkeypatch.setenv("RANCH_QUEUE", "other")
    assert "queue 'mail' is served by" in invoke(app, "strategy").stdout
    assert '"pending": 1' in invoke(app, "stats", "--json").stdout
    assert invoke(app, "dead", "list").exit_code == 0


def test_the_apps_prefix_counts(app: Celery, redis_url: str) -> None:
    """The store is the app's own object, with all that its URL does not say."""
    other = Celery(broker="memory://", set_as_current=False)
    other.conf.ranch = {"backend": redis_url, "prefix": "mine:"}
    Ranch(other).queue().enqueue("acme", 1)
    assert "is served by 'weighted-lru'" in invoke(other, "strategy").stdout


@pytest.mark.parametrize(
    ("settings", "error"),
    [({}, "does not know where to keep jobs"), ({"backend": "memory://"}, "the memory of one process")],
    ids=["none", "memory"],
)
def test_an_app_without_a_store_is_told(settings: dict[str, Any], error: str) -> None:
    """In one line; commands that need none work."""
    app = Celery(broker="memory://", set_as_current=False)
    app.conf.ranch = settings
    result = invoke(app, "strategy")
    assert result.exit_code == 1
    assert error in result.stderr
    assert "\n" not in result.stderr.strip()
    assert invoke(app, "plugins").exit_code == 0


def test_every_command_that_takes_a_store_can_have_the_apps() -> None:
    """So none of them makes its own option of it."""
    leaves: list[click.Command] = []

    def walk(command: click.Command) -> None:
        for inner in getattr(command, "commands", {}).values():
            walk(inner)
        leaves.append(command)

    walk(main)
    options = [param for leaf in leaves for param in leaf.params if param.name == "backend" and param.required]
    assert options
    assert {type(option.type).__name__ for option in options} == {"Store"}
