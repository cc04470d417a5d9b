from __future__ import annotations

import gc
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from celery.result import _set_task_join_will_block
from kombu import Connection

from ranch import RanchError
from ranch.celery import Ranch
from tests.celery.app import Journal, make_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from celery import Celery

    from ranch.testing.server import GivenServer, RedisServer


@pytest.fixture(autouse=True)
def results_may_be_waited_for() -> Iterator[None]:
    """A worker that was made in this process forbids it for good."""
    yield
    _set_task_join_will_block(False)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """What the tasks of `memory_app` and of workers in the test's folder did."""
    return Journal(tmp_path)


@pytest.fixture
def new_app(tmp_path: Path) -> Iterator[Callable[..., Celery]]:
    """Makes apps of settings, in the test's folder; the connections to their stores end with the test."""
    apps = []

    def new_app(**settings: Any) -> Celery:
        apps.append(make_app(tmp_path, **settings))
        return apps[-1]

    yield new_app
    # Results that are forgotten tell the server, and wait for it for ever: it must be there.
    gc.collect()
    for app in apps:
        with suppress(RanchError):
            Ranch(app).backend.close()


@pytest.fixture
def memory_app(new_app: Callable[..., Celery]) -> Celery:
    """An app that is one process: broker, results and jobs in its memory."""
    app = new_app(
        broker_url="memory://",
        broker_transport_options={"polling_interval": 0.01},
        result_backend="cache+memory://",
        ranch={"backend": "memory://"},
    )
    # The broker's memory is that of the process.
    with Connection("memory://") as connection, connection.channel() as channel:
        channel.queue_declare("celery")
        channel.queue_purge("celery")
    return app


@pytest.fixture(params=["sqlite", "redis"])
def settings(request: pytest.FixtureRequest, redis_server: RedisServer | GivenServer, tmp_path: Path) -> dict[str, Any]:
    """The settings of an app whose broker is an empty Redis, for each store that processes can share."""
    redis_server.empty()
    url = redis_server.tcp_url
    settings: dict[str, Any] = {"broker_url": url, "result_backend": url}
    if request.param == "sqlite":
        settings["ranch"] = {"backend": f"sqlite:///{tmp_path}/ranch.db"}
    return settings


@pytest.fixture
def file_settings(tmp_path: Path) -> dict[str, Any]:
    """The settings of an app whose broker and results are files; its store is to be named beside them."""
    results = tmp_path / "results"
    results.mkdir()
    return {"broker_url": "filesystem://", "result_backend": f"file://{results}"}


@pytest.fixture
def app(settings: dict[str, Any], new_app: Callable[..., Celery]) -> Celery:
    """The app of those settings, to send jobs from this process."""
    return new_app(**settings)
