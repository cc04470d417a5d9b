"""Finding plugins: the entry points of installed distributions, and what became of each."""

from __future__ import annotations

import os
import traceback
import warnings
from collections.abc import Collection, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Final, Literal

from attrs import evolve, field, frozen

from ranch.exceptions import PluginWarning

#: The entry-point group of plugins.
GROUP: Final = "ranch"
#: The distribution whose plugins are the built-ins.
OURS: Final = "ranch-scheduler"
#: Names, by commas, of distributions or entry points: the only ones loaded beside the built-ins, if it is set.
ALLOW_LIST: Final = "RANCH_PLUGINS"


@frozen(kw_only=True)
class Discovered:
    """A plugin that was found."""

    #: Of its entry point.
    name: str
    #: Name and version of the distribution that it comes from.
    distribution: str
    state: Literal["loaded", "blocked", "broken"]
    #: Why it is blocked or broken, in a line.
    reason: str = ""
    #: The module or object with its hook implementations; None if it was not loaded.
    plugin: object | None = field(default=None, repr=False)


def discover(block: Collection[str]) -> Iterator[Discovered]:
    """Load the plugins of installed distributions, except those blocked.

    One that cannot be imported is reported in a `PluginWarning` with its traceback, and harms no other.

    Args:
        block: Names of entry points or distributions.
    """
    allowed = os.environ.get(ALLOW_LIST)
    allow = None if allowed is None else {name.strip() for name in allowed.split(",")}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (_distribution(entry)[0] != OURS, entry.name)):
        distribution, version = _distribution(entry)
        names = {entry.name, distribution}
        found = Discovered(name=entry.name, distribution=f"{distribution} {version}", state="blocked")
        if names.intersection(block):
            yield evolve(found, reason="blocked by configuration")
        elif allow is not None and distribution != OURS and not names.intersection(allow):
            yield evolve(found, reason=f"not named in {ALLOW_LIST}")
        else:
            yield _loaded(entry, found)


def _loaded(entry: EntryPoint, found: Discovered) -> Discovered:
    try:
        return evolve(found, state="loaded", plugin=entry.load())
    except Exception as exc:  # noqa: BLE001 - whatever a stranger's import raises
        warnings.warn(
            f"plugin {found.name} of {found.distribution} cannot be imported and is left out:\n"
            f"{traceback.format_exc()}",
            PluginWarning,
            stacklevel=2,
        )
        return evolve(found, state="broken", reason=f"{type(exc).__name__}: {exc}")


def _distribution(entry: EntryPoint) -> tuple[str, str]:
    if entry.dist is None:
        return "unknown", "?"
    return entry.dist.metadata["Name"], entry.dist.version
