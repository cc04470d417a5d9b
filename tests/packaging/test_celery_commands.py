"""What ranch adds to the command line of Celery, where it is installed."""

from __future__ import annotations

from pathlib import Path

from tests.packaging.conftest import Environment

APP = """
from celery import Celery
from ranch.celery import Ranch

app = Celery("shop", broker="memory://")
app.conf.ranch = {"backend": "sqlite:///ranch.db"}
Ranch(app).queue().enqueue("acme", 1)
"""


def test_celery_has_the_commands_of_ranch(environment: Environment, tmp_path: Path) -> None:
    """Found by the entry point, with the app's store and queue."""
    (tmp_path / "shop.py").write_text(APP)
    shown = environment.run("-m", "celery", "-A", "shop", "ranch", "strategy", cwd=tmp_path)
    assert shown == "queue 'celery' is served by 'weighted-lru'\n"
