"""The store that a command works on."""

from __future__ import annotations

from typing import Any

import click

from ranch.backends.memory import MemoryBackend
from ranch.exceptions import ConfigError


class Store(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of click only
    """A backend, or the URL of one that processes share."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what `ranch.Queue` takes."""
        if isinstance(value, MemoryBackend) or (isinstance(value, str) and value.startswith("memory:")):
            raise ConfigError("memory:// is the memory of one process, and this is another", where="backend")
        return value


#: For every command that works on a store.
backend_option = click.option(
    "--backend", metavar="URL", type=Store(), required=True, help="Where the queue is: sqlite:///… or redis://…"
)
