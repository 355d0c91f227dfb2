"""A report as one HTML file that needs no other, for a screen, light or dark, and for a sheet of A4."""

from __future__ import annotations

from html import escape
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

from cephsure.reports.film_report.bars import bar_drawing, colour_bar
from cephsure.reports.film_report.content import TITLE
from cephsure.reports.film_report.rows import DASH
from cephsure.reports.film_report.svg import svg

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cephsure.reports.film_report.content import FilmReport
    from cephsure.reports.film_report.rows import Row, Table, Usual

PANEL_HEIGHT = 88.0
"""Of the pictures, in mm."""
_HEADINGS = (
    ("Measurement", ' colspan="2"'),
    ("Value", ' class="figure"'),
    ("±", ' class="figure"'),
    ("Norm or border", ""),
    ("Deviation", ""),
    ("Class", ""),
)


def report_html(report: FilmReport) -> str:
    """The report as an HTML document."""
    template = resources.files("cephsure.reports.film_report") / "film_report.html"
    panels = report.panels(most=PANEL_HEIGHT)
    points = sum(point.x_px is not None for point in report.reviewed.points)
    return Template(template.read_text("utf-8")).substitute(
        title=TITLE,
        film=escape(report.film_name),
        patient=_facts(report.patient),
        facts=_facts(report.facts),
        verdict=report.verdict or "none",
        verdict_words=escape(report.verdict_words),
        why=f"<p>{escape(report.why)}</p>\n" if report.why else "",
        review=escape(report.review),
        picture=svg(panels.film, label=f"The film with {points} landmarks", name="picture"),
        tracing=svg(panels.tracing, label="The tracing through the landmarks", name="tracing"),
        caption=_caption(report),
        tracing_caption=escape(report.tracing_caption),
        tables=_tables(report.tables),
        doubts=_doubts(report),
        remarks="\n".join(f"<p>{escape(remark)}</p>" for remark in report.remarks),
        made_by="\n".join(f"<p>{escape(line)}</p>" for line in report.made_by),
        disclaimer=escape(report.disclaimer),
    )


def _facts(facts: tuple[tuple[str, str], ...]) -> str:
    stated = "".join(f"<div><dt>{escape(what)}</dt><dd>{escape(text)}</dd></div>" for what, text in facts)
    return f"<dl>{stated}</dl>" if stated else ""


def _caption(report: FilmReport) -> str:
    text, scale = escape(report.caption), report.colours
    if scale is None:
        return text
    bar = svg(colour_bar(scale), label=None, name="colours")
    last = escape(scale.tick_label(scale.maximum))
    return f"{text} Their colour, {escape(scale.quantity)}: 0{bar}{last} {escape(scale.unit)}."


def _tables(tables: tuple[Table, ...]) -> str:
    heads = "".join(f'<th scope="col"{attribute}>{name}</th>' for name, attribute in _HEADINGS)
    parts = [f'<div class="wide"><table>\n<thead><tr>{heads}</tr></thead>']
    for table in tables:
        parts.append("<tbody>")
        if len(tables) > 1:
            parts.append(f'<tr><th scope="colgroup" colspan="7">{escape(table.title)}</th></tr>')
        parts += map(_row, table.rows)
        parts.append("</tbody>")
    return "\n".join([*parts, "</table></div>"])


def _row(row: Row) -> str:
    doubtful = ' class="doubtful"' if row.is_doubtful else ""
    missing = ' class="missing"' if row.value == DASH else ""
    return "".join(
        [
            f'<tr{missing}><th scope="row">{escape(row.name)}</th><td class="code">{escape(row.code)}</td>',
            f'<td class="figure">{escape(row.value)}</td><td class="figure">{escape(row.error)}</td>',
            f'<td class="usual">{"<br>".join(map(_norm, row.usual))}</td>',
            f"<td>{''.join(_deviations(row))}</td><td{doubtful}>{escape(row.said)}</td></tr>",
        ]
    )


def _norm(usual: Usual) -> str:
    return escape(usual.text) + (f" <small>{escape(usual.whom)}</small>" if usual.whom else "")


def _deviations(row: Row) -> Iterator[str]:
    for usual in row.usual:
        drawn = ""
        if usual.bar is not None:
            drawn = svg(bar_drawing(usual.bar, is_doubtful=row.is_doubtful), label=None)
        yield f'<div class="deviation">{drawn}<span>{escape(usual.deviation)}</span></div>'


def _doubts(report: FilmReport) -> str:
    if not report.doubts:
        return ""
    items = "\n".join(
        f'<li><span class="doubtful">{escape(doubt.what)}</span>: {escape(doubt.why)}</li>'
        for doubt in report.doubts
    )
    return f"<h2>Doubtful</h2>\n<ul>\n{items}\n</ul>"
