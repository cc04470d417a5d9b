"""The queue that a command works on, and how its store is named."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import click

from ranch.backends.memory import MemoryBackend
from ranch.cli.output import Output, json_option
from ranch.exceptions import ConfigError
from ranch.queue import Queue
from ranch.typing import Backend

R = TypeVar("R")

#: The exit code if what was named is not there.
NOT_FOUND: Final = 3


class NotFound(click.ClickException):
    """What was named is not there, as it is said on stderr."""

    exit_code = NOT_FOUND


class Store(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of click only
    """A backend, or the URL of one that processes share."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what `ranch.Queue` takes."""
        if isinstance(value, MemoryBackend) or (isinstance(value, str) and value.startswith("memory:")):
            raise ConfigError("memory:// is the memory of one process, and this is another", where="backend")
        return value


class _Place(click.Option):
    """An option whose variable counts only where no app has been named, which knows better."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        has_app = ctx.lookup_default(str(self.name), call=False) is not None
        return None if has_app else super().resolve_envvar_value(ctx)


backend_option = click.option(
    "--backend",
    "-b",
    cls=_Place,
    metavar="URL",
    type=Store(),
    required=True,
    envvar="RANCH_BACKEND",
    show_envvar=True,
    help="Where the queue is: sqlite:///…, redis://…, or a plugin's.",
)
queue_option = click.option(
    "--queue",
    "-q",
    cls=_Place,
    metavar="NAME",
    required=True,
    envvar="RANCH_QUEUE",
    show_envvar=True,
    help="Which queue it is.",
)


def on_queue(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the queue that is named, under the strategy that it has, and an `Output`; and the options for it.

    Raises:
        NotFound: Nobody has used the queue so far.
    """

    @functools.wraps(command)
    def run(*, queue: str, backend: str | Backend, as_json: bool, **params: Any) -> R:
        with opened(queue, backend) as found:
            return command(found, Output(as_json=as_json), **params)

    return backend_option(queue_option(json_option(run)))


@contextmanager
def opened(name: str, backend: str | Backend) -> Iterator[Queue]:
    """Open a queue that there is under its own strategy, for a command must not give it another one."""
    with Queue(name, backend=backend) as queue:
        choice = queue.read_strategy()
        if choice is None:
            raise NotFound(
                f"there is no queue {name!r}: nothing was put into it so far. Look at its name and at --backend, "
                "or make it by giving it a strategy, with `ranch strategy`"
            )
        strategy = {**choice.options, "name": choice.name}
        # What is claimed by a command is no job that has run.
        yield Queue(name, backend=queue.backend, strategy=strategy, metrics_enabled=False)
