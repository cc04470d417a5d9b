"""Strategies as scripts know them."""

from __future__ import annotations

import math
from typing import Any

import attrs
from attrs import frozen

from ranch.backends.views import Reads
from ranch.exceptions import ConfigError
from ranch.typing import Strategy


@frozen
class Twin:
    """A strategy in Lua; of one that has no twin, what its stand-in has to know."""

    name: str
    #: None: the stand-in ``lib.provisional`` goes into scripts, and the client asks the strategy.
    source: str | None
    #: The fields of the strategy as a Lua table.
    options: str
    reads: Reads

    @classmethod
    def of(cls, strategy: Strategy) -> Twin:
        """Return the twin of a strategy.

        Raises:
            ConfigError: A field of it cannot be said in Lua.
        """
        kind = type(strategy)
        name = f"{kind.__module__}.{kind.__qualname__}"
        if strategy.lua is None:
            return cls(name, None, "{ }", Reads.of(strategy))
        options = {}
        for option in attrs.fields(kind) if attrs.has(kind) else ():
            options[option.name.lstrip("_")] = getattr(strategy, option.name)
        table = ", ".join(f"{key} = {literal(value, name, key)}" for key, value in options.items())
        return cls(name, strategy.lua, f"{{ {table} }}", Reads.of(strategy))

    @property
    def words(self) -> dict[str, str]:
        """What scripts know of it as Lua expressions by name; a table that would be empty is nil."""
        reads = self.reads
        names = [literal(name, self.name, "reads") for name in reads.data]
        fields = [literal(f"data:{name}", self.name, "reads") for name in reads.data]
        return {
            "reads_head": str(reads.head).lower(),
            "reads_cost": str(reads.cost).lower(),
            "reads_data": f"{{ {', '.join(names)} }}" if names else "nil",
            "data_fields": f"{{ {', '.join(fields)} }}" if fields else "nil",
        }


def literal(value: Any, strategy: str, name: str) -> str:
    """Return a value as Lua writes it."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)) and math.isfinite(value):
        return repr(float(value))
    if isinstance(value, str):
        return '"' + "".join(f"\\{byte:03d}" for byte in value.encode()) + '"'
    raise ConfigError(
        f"{strategy} has {name} = {value!r}; for Redis, fields of a strategy are finite numbers, strings and booleans",
        where="strategy",
    )
