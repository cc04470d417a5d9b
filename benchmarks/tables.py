"""A benchmark's rows, printed as a table and kept as JSON."""

from __future__ import annotations

from attrs import field, frozen
from rich.table import Table


@frozen
class Report:
    """One table of results."""

    title: str
    columns: tuple[str, ...]
    #: What the ratios mean, and what they are meant to reach.
    note: str
    rows: list[tuple[str, ...]] = field(factory=list)

    def table(self) -> Table:
        """Return the report for a terminal."""
        table = Table(title=self.title, caption=self.note, title_justify="left", caption_justify="left")
        for number, column in enumerate(self.columns):
            table.add_column(column, justify="right" if number else "left")
        for row in self.rows:
            table.add_row(*row)
        return table


def rate(per_second: float) -> str:
    """Spell a rate with three digits."""
    return f"{float(f'{per_second:.3g}'):,.0f}"
