"""Which strategy a queue has, as data that a backend can keep and any process can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs
from attrs import field, frozen


@frozen
class StrategyChoice:
    """A strategy by its name, with the options that differ from their defaults."""

    #: As configurations name it; of a strategy that no plugin gives, the dotted name of its class.
    name: str
    options: Mapping[str, Any] = field(factory=dict)
    #: How often the queue's strategy was set while it ran. 0: it is the one with which the queue was first used.
    generation: int = 0

    @classmethod
    def of(cls, strategy: object, name: str | None = None) -> StrategyChoice:
        """Describe a strategy, by the name under which a plugin gives it if there is one."""
        kind = type(strategy)
        options = {}
        for option in attrs.fields(kind) if attrs.has(kind) else ():
            value: Any = getattr(strategy, option.name)
            default: Any = option.default
            if hasattr(default, "factory"):
                default = default.factory(strategy) if default.takes_self else default.factory()
            if value != default:
                options[option.name] = value
        return cls(name or f"{kind.__module__}.{kind.__qualname__}", options)

    @classmethod
    def read(cls, text: str | bytes, generation: int) -> StrategyChoice:
        """Return the choice of which this is the `text`."""
        options = json.loads(text)
        return cls(options.pop("name"), options, generation)

    @property
    def text(self) -> str:
        """The name and the options; the same text for the same strategy."""
        return json.dumps({**self.options, "name": self.name}, sort_keys=True, default=repr)

    def __str__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{self.name!r}" + (f" ({options})" if options else "")
