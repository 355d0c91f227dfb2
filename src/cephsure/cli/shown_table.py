"""A table of text as the terminal shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table as RichTable

    from cephsure.evaluation.table import Table


def rich_table(table: Table) -> RichTable:
    """The table for a rich console, its title above it."""
    from rich.markup import escape
    from rich.table import Table as RichTable

    shown = RichTable(
        title=escape(table.title),
        title_justify="left",
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="dim",
    )
    for column in table.columns:
        shown.add_column(escape(column.heading), justify=column.side)
    for row in table.rows:
        shown.add_row(*map(escape, row))
    return shown
