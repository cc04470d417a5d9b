"""Values on a command line: JSON, and names with values."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NoReturn

import click

#: For every command that removes what cannot be had back.
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask.")


def sure(question: str, *, yes: bool) -> None:
    """Ask, unless it was answered beforehand; on anything but a yes end the command, with nothing done."""
    if not yes:
        try:
            click.confirm(question, abort=True, err=True)
        except UnicodeDecodeError:  # which is no yes
            raise click.Abort from None


def read_json(text: str) -> Any:
    """Return the value that is meant.

    Raises:
        ValueError: It is no JSON, which knows no NaN and no infinity, or nested too deeply.
    """
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


class Payload(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of click only
    """A text that is JSON."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what it says."""
        try:
            return read_json(value)
        except ValueError as exc:
            self.fail(f"{value[:40]!r} is no JSON: {exc}", param, ctx)


def settings(given: Iterable[str], what: str) -> dict[str, str]:
    """Return what was given as NAME=VALUE."""
    found = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise click.UsageError(f"{what} takes NAME=VALUE, not {text!r}")
        if name in found:
            raise click.UsageError(f"{what} takes each name once, and {name!r} is there twice")
        found[name] = value
    return found


def json_settings(given: Iterable[str], what: str) -> dict[str, Any]:
    """Return the same with values: numbers, and what else is JSON, as such, all else as text."""
    found: dict[str, Any] = {}
    for name, text in settings(given, what).items():
        try:
            found[name] = read_json(text)
        except ValueError:
            found[name] = text
    return found
