"""From plain mappings to checked attrs objects, with errors that a person can act on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin

import attrs
from cattrs import Converter, transform_error
from cattrs.cols import list_structure_factory
from cattrs.errors import ForbiddenExtraKeysError
from cattrs.v import format_exception

from ranch.checks import did_you_mean
from ranch.exceptions import ConfigError

T = TypeVar("T")


def structure(mapping: Any, cls: type[T], *, where: str) -> T:
    """Make an attrs object of a mapping.

    Types are strict: a number is no string, and a string neither a number nor a list. Unknown keys are faults.

    Raises:
        ConfigError: With every fault that was found, each naming the value and its place below `where`.
    """
    if not isinstance(mapping, Mapping):
        raise ConfigError(f"expected a mapping of settings, not {mapping!r} @ {where}", where=where)
    try:
        return _converter.structure(mapping, cls)
    except Exception as exc:  # whatever a class's own converter raises; grouped for classes, bare for the rest
        raise ConfigError(transform_error(exc, path=where, format_exception=_sentence), where=where) from exc


def sound(mapping: Mapping[Any, Any], cls: type[Any]) -> dict[str, Any]:
    """Return what `structure` takes of a mapping: without unknown keys, and without those whose values are at fault."""
    kinds = {field.alias: field.type for field in attrs.fields(attrs.resolve_types(cls))}
    return {key: value for key, value in mapping.items() if key in kinds and _is_sound(value, kinds[key])}


def _is_sound(value: Any, kind: Any) -> bool:
    try:
        _converter.structure(value, kind)
    except Exception:  # noqa: BLE001 - as in `structure`
        return False
    return True


def _sentence(exc: BaseException, wanted: type | None) -> str:
    if isinstance(exc, ForbiddenExtraKeysError):
        known = [field.alias or field.name for field in attrs.fields(exc.cl)]
        return "; ".join(
            f"unknown key {key!r}{did_you_mean(str(key), known)}" for key in sorted(exc.extra_fields, key=repr)
        )
    # What a validator or a strict hook says of the value is better than a general "invalid value".
    if isinstance(exc, (ValueError, TypeError)) and exc.args and isinstance(exc.args[0], str):
        return exc.args[0]
    return format_exception(exc, wanted)


def _strict(*accepted: type) -> Callable[[Any, type[T]], T]:
    def hook(value: Any, wanted: type[T]) -> T:
        if type(value) not in accepted:
            raise TypeError(f"expected {wanted.__name__}, got {type(value).__name__} {value!r}")
        return wanted(value)  # type: ignore[call-arg]  # str, int, float and bool all take one value

    return hook


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is list


def _list_hook(wanted: Any, converter: Converter) -> Callable[[Any, Any], Any]:
    made = list_structure_factory(wanted, converter)

    def hook(value: Any, kind: Any) -> Any:
        # A string would be as many strings as it has characters.
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"expected a list, got {type(value).__name__} {value!r}")
        return made(value, kind)

    return hook


def _is_literal(wanted: Any) -> bool:
    return get_origin(wanted) is Literal


def _one_of(value: Any, wanted: Any) -> Any:
    accepted = get_args(wanted)
    if value not in accepted:
        raise ValueError(f"expected {' or '.join(map(repr, accepted))}, got {value!r}")
    return value


_converter = Converter(forbid_extra_keys=True)
_converter.register_structure_hook_func(_is_literal, _one_of)
_converter.register_structure_hook(str, _strict(str))
_converter.register_structure_hook(int, _strict(int))
_converter.register_structure_hook(float, _strict(float, int))
_converter.register_structure_hook(bool, _strict(bool))
_converter.register_structure_hook_factory(_is_list, _list_hook)
