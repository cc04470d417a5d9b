"""What the plugins of one kind give, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from ranch.checks import did_you_mean
from ranch.exceptions import PluginError, UnknownName


class Record(Protocol):
    """What a registration hook returns."""

    @property
    def name(self) -> str: ...

    @property
    def summary(self) -> str: ...


T = TypeVar("T", bound=Record)


class Catalogue(Generic[T]):
    """The records of one kind, with who gives each.

    Args:
        kind: What they are, as errors say it.
        record: The class of the records.
        missing: What else is to be said of a name that is not there: of plugins that could not be loaded, say.
    """

    def __init__(self, kind: str, record: type[T], missing: Callable[[], str]) -> None:
        self.kind = kind
        self._class = record
        self._missing = missing
        self._records: dict[str, T] = {}
        self._providers: dict[str, str] = {}

    def add(self, record: object, provider: str) -> None:
        """Add a record.

        Raises:
            PluginError: It is none, or another plugin gives the name.
        """
        if not isinstance(record, self._class):
            raise PluginError(f"{provider} gives as a {self.kind} {record!r}, expected a {self._class.__name__}")
        if record.name in self._records:
            raise PluginError(
                f"two plugins give a {self.kind} named {record.name!r}: {self._providers[record.name]} and {provider}. "
                "Uninstall or block one of them"
            )
        self._records[record.name] = record
        self._providers[record.name] = provider

    def __getitem__(self, name: str) -> T:
        """Return the record of a name.

        Raises:
            UnknownName: There is none; the message lists those there are, and who gives each.
        """
        if isinstance(name, str) and name in self._records:
            return self._records[name]
        known = ", ".join(f"{known} ({self._providers[known]})" for known in sorted(self._records))
        hint = did_you_mean(name, self._records) if isinstance(name, str) else ""
        message = f"unknown {self.kind} {name!r}{hint or '.'} Known: {known or 'none'}{self._missing()}"
        raise UnknownName(message, where=self.kind)

    def __iter__(self) -> Iterator[T]:
        return iter(self._records.values())

    def given_by(self, provider: str) -> list[str]:
        """Name what a provider gives."""
        return [name for name, other in self._providers.items() if other == provider]
