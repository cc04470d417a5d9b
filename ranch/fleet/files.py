"""Fleets in files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ranch.exceptions import ConfigError
from ranch.fleet.fleet import Fleet
from ranch.hooks.manager import Plugins


def read_fleet(path: str | Path, plugins: Plugins | None = None) -> Fleet:
    """Read a fleet from a file, in TOML or, with the extra ``ranch-scheduler[yaml]``, in YAML.

    Args:
        path: Of a file whose name ends in ``.toml``, ``.yaml`` or ``.yml``.
        plugins: Where names are looked up; by default the installed plugins.

    Raises:
        ConfigError: The file cannot be read, or with every fault in it.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise ConfigError(f"cannot be read: {exc.strerror}", where=str(path)) from exc
    except ValueError as exc:  # no name of any file
        raise ConfigError(f"cannot be read: {exc}", where=str(path)) from exc
    readers = {".toml": _toml, ".yaml": _yaml, ".yml": _yaml}
    if path.suffix not in readers:
        raise ConfigError(f"a fleet is in a file of {', '.join(readers)}, not {path.suffix!r}", where=str(path))
    return Fleet.from_dict(readers[path.suffix](data, str(path)), where=str(path), plugins=plugins)


def _toml(data: bytes, where: str) -> Any:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(data.decode())
    except ValueError as exc:  # what does not decode is one too
        raise ConfigError(f"is no TOML: {exc}", where=where) from exc


def _yaml(data: bytes, where: str) -> Any:
    try:
        import yaml
    except ModuleNotFoundError as exc:
        raise ConfigError("to read YAML, install ranch-scheduler[yaml]", where=where) from exc
    try:
        return yaml.safe_load(data)
    except yaml.YAMLError as exc:
        raise ConfigError(f"is no YAML: {' '.join(str(exc).split())}", where=where) from exc
