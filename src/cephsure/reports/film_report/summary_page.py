"""Many films on one HTML page, a row a film; it needs no other file."""

from __future__ import annotations

from html import escape
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

from cephsure.uncertainty.text_lines import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

_VERDICT = 1  # its column


def summary_html(headings: Sequence[str], rows: Sequence[Sequence[str | float | None]]) -> str:
    """The table as an HTML document; the second column is the film's verdict, and told by its colour too."""
    template = resources.files("cephsure.reports.film_report") / "summary.html"
    heads = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    return Template(template.read_text("utf-8")).substitute(
        count=f"{len(rows)} film{'' if len(rows) == 1 else 's'}",
        heads=heads,
        rows="\n".join(map(_row, rows)),
    )


def _row(row: Sequence[str | float | None]) -> str:
    cells = [f'<th scope="row">{escape(printable(str(row[0] or "")))}</th>']
    for column, content in enumerate(row[1:], start=1):
        if isinstance(content, str):
            name = f' class="{escape(content)}"' if column == _VERDICT else ""
            cells.append(f"<td{name}>{escape(printable(content))}</td>")
        else:
            cells.append(f'<td class="figure">{"" if content is None else f"{content:g}"}</td>')
    return f"<tr>{''.join(cells)}</tr>"
