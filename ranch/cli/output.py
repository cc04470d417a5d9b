"""What commands print: words and tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timezone
from itertools import chain, islice
from typing import Any, Final

import click
from attrs import frozen

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON: an object on one line, or one for each row."
)

#: How many rows make one table; those that follow come in another one.
_PAGE: Final = 1000
#: How wide a table is that goes into a file or a pipe.
_WIDE: Final = 200

Columns = Mapping[str, Callable[[dict[str, Any]], object]]


@frozen(kw_only=True)
class Output:
    """Where a command prints its result: stdout, as JSON if that was asked for."""

    as_json: bool

    def say(self, facts: Mapping[str, Any], words: str) -> None:
        """Print one thing."""
        click.echo(_json(facts) if self.as_json else words)

    def show(self, facts: Mapping[str, Any], rows: Mapping[str, object] | None = None) -> None:
        """Print one thing, as a table of names and values: of `rows`, by default of the facts themselves."""
        if self.as_json:
            click.echo(_json(facts))
        else:
            table = facts if rows is None else rows
            for text in _tables(iter(table.items()), ("", ""), lambda row: row):
                click.echo(text, nl=False)

    def list(self, items: Iterable[dict[str, Any]], columns: Columns) -> None:
        """Print many things, as they come: one object on each line, or rows of tables.

        On a terminal, more than fit on its screen go through the pager.
        """
        if self.as_json:
            for item in items:
                click.echo(_json(item))
            return
        rows = iter(items)
        screen = list(islice(rows, _screen()))
        following = next(rows, None)
        more = () if following is None else (following,)
        texts = _tables(
            chain(screen, more, rows), tuple(columns), lambda item: [cell(item) for cell in columns.values()]
        )
        if following is not None and sys.stdout.isatty():
            click.echo_via_pager(texts)
        else:
            for text in texts:
                click.echo(text, nl=False)


def plain(value: object) -> str:
    """Return a value as a cell shows it: on one line, and with nothing in it that a terminal would obey."""
    if value is None or value == {}:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        words = {name: json.dumps(inner) if isinstance(inner, dict) else inner for name, inner in value.items()}
        return ", ".join(f"{plain(name)}={plain(word)}" for name, word in words.items())
    text = value if isinstance(value, str) else json.dumps(value)
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def moment(at: float | None) -> str:
    """Return a time, in seconds since the epoch, in words."""
    if at is None:
        return ""
    try:
        return datetime.fromtimestamp(at, timezone.utc).isoformat(" ", "seconds").replace("+00:00", " UTC")
    except (ValueError, OverflowError, OSError):
        return "never"  # after the year 9999


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _json(facts: Mapping[str, Any]) -> str:
    # Payloads may hold what JSON has no word for, such as dates.
    return json.dumps(facts, default=str)


def _screen() -> int:
    import shutil

    # A table's own lines are four, and one is the prompt's.
    return max(1, shutil.get_terminal_size().lines - 5)


def _tables(items: Iterator[Any], names: tuple[str, ...], row: Callable[[Any], Iterable[object]]) -> Iterator[str]:
    """Draw a table for each thousand rows, so that the first are to be seen before the last are read."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    while page := list(islice(items, _PAGE)):
        table = Table(box=box.SIMPLE_HEAD, show_header=any(names), pad_edge=False)
        for name in names:
            table.add_column(name, overflow="fold")
        for item in page:
            table.add_row(*(Text(plain(cell)) for cell in row(item)))
        with console.capture() as capture:
            console.print(table)
        yield "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines() if line.strip())
