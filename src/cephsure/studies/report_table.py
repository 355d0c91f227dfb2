"""A result's table as HTML, rounded for reading; the CSV file beside it has all digits and all columns."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from cephsure.studies.report_columns import shown_columns

if TYPE_CHECKING:
    from cephsure.studies.report_columns import ShownColumn
    from cephsure.studies.result import ResultTable

MOST_ROWS = 60
FIRST_ROWS = 20
_SCROLLING_ROWS = 25
_LONG_TEXT = 24


def table_html(table: ResultTable, *, title: str, file: str) -> str:
    """A table in a frame that scrolls sideways where it is too wide for the page.

    Args:
        table: of a result. A long one is cut to its first rows, and says so.
        title: what stands before the table's own title, such as "Table 2.1".
        file: where the whole table is, with full precision.

    Returns:
        HTML.
    """
    columns, same = shown_columns(table)
    shown = FIRST_ROWS if len(table.rows) > MOST_ROWS else len(table.rows)
    under = [table.note, f"In every row: {', '.join(same)}." if same else "", _whole(table, shown)]
    words = " ".join(escape(part) for part in under if part)
    return (
        frame(columns, shown, caption=f"{title}. {table.title}")
        + f'<p class="under">{words} <code>{escape(file)}</code></p>\n'
    )


def frame(columns: list[ShownColumn], rows: int, *, caption: str) -> str:
    """The first ``rows`` rows of columns as an HTML table in its frame."""
    classes = [_class(column) for column in columns]
    head = "".join(
        f'<th scope="col"{class_}>{escape(column.heading)}'
        + (f" <small>{escape(column.unit)}</small>" if column.unit else "")
        + "</th>"
        for column, class_ in zip(columns, classes, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(_cell(index, column, row, classes[index]) for index, column in enumerate(columns))
        + "</tr>\n"
        for row in range(rows)
    )
    tall = " tall" if rows > _SCROLLING_ROWS else ""
    return (
        f'<div class="table{tall}" role="region" aria-label="{escape(caption)}" tabindex="0">\n'
        f"<table>\n<caption><span>{escape(caption)}</span></caption>\n"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n</div>\n"
    )


def _whole(table: ResultTable, shown: int) -> str:
    if not table.rows:
        return "No rows:"
    return f"First {shown} of {len(table.rows)} rows; all:" if shown < len(table.rows) else "With all digits:"


def _class(column: ShownColumn) -> str:
    if column.numeric:
        return ' class="number"'
    long = any(len(text) > _LONG_TEXT for text in column.texts)
    return ' class="long"' if long else ' class="short"'


def _cell(index: int, column: ShownColumn, row: int, class_: str) -> str:
    # The first column names the row, unless it is a number.
    text = escape(column.texts[row])
    if index == 0 and not column.numeric:
        return f'<th scope="row"{class_}>{text}</th>'
    return f"<td{class_}>{text}</td>"
