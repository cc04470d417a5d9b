"""What an app was told about ranch, wherever it was told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from celery import Celery

from ranch.config import Config
from ranch.exceptions import ConfigError

#: Where settings stand, for messages.
WHERE: Final = "app.conf.ranch"

#: The mapping, and what the name of a setting begins with outside of it.
_MAPPING: Final = "ranch"
_FLAT: Final = "ranch_"


def read_settings(app: Celery, options: Mapping[str, Any]) -> Config:
    """Return the configuration of an app: its options, before the mapping ``ranch`` and single keys ``ranch_…``.

    Raises:
        ConfigError: With every fault that was found.
    """
    flat = _said(app.conf)
    mapping = flat.pop("", None) or {}
    if not isinstance(mapping, Mapping):
        return Config.resolve(mapping, where=WHERE)
    differing = [name for name, value in flat.items() if mapping.get(name, value) != value]
    if differing:
        raise ConfigError(
            [f"{_FLAT}{name} is {flat[name]!r}, and in the mapping it is {mapping[name]!r}" for name in differing],
            where=WHERE,
        )
    return Config.resolve({**mapping, **flat, **options}, where=WHERE)


def _said(conf: Any) -> dict[str, Any]:
    """Return what an app's configuration says of ranch, by its name: the mapping by none."""
    # Celery reads settings with a namespace, as in Django, by their short names, and lists them by their long ones.
    # Without one it knows those of others only as they are written.
    keys = {str(key).removeprefix(conf.prefix or "").lower(): key for key in conf}
    return {
        name.removeprefix(_MAPPING).removeprefix("_"): conf[name if name in conf else keys[name]]
        for name in sorted(keys)
        if name == _MAPPING or name.startswith(_FLAT)
    }
