"""Many films on one HTML page, a row a film; it needs no other file."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

from cephsure.cephalometry.analysis_table import is_unsure, number, shown
from cephsure.reports.film_report.rows import DASH, MINUS, said_of
from cephsure.uncertainty.text_lines import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cephsure.cephalometry import Analysis, MeasuredValue


@dataclass(frozen=True, slots=True)
class SummaryFilm:
    """A film's row.

    Attributes:
        reviewed: by whom and whether completely; "" by nobody.
        points: how many are doubtful, of how many.
    """

    name: str
    verdict: str | None
    why: str
    reviewed: str
    points: tuple[int, int]
    analysis: Analysis


def summary_html(films: Sequence[SummaryFilm]) -> str:
    """The films as an HTML document: verdict, reason, review, doubtful points, and each measurement."""
    template = resources.files("cephsure.reports.film_report") / "summary.html"
    keys = list(dict.fromkeys(_key(value) for film in films for value in film.analysis.measurements))
    several = len({analysis for analysis, _ in keys}) > 1
    heads = ["film", "verdict", "why", "reviewed by", "doubtful"]
    heads += [f"{analysis} {code}" if several else code for analysis, code in keys]
    return Template(template.read_text("utf-8")).substitute(
        count=f"{len(films)} film{'' if len(films) == 1 else 's'}",
        heads="".join(f'<th scope="col">{escape(head)}</th>' for head in heads),
        rows="\n".join(_row(film, keys) for film in films),
    )


def _key(value: MeasuredValue) -> tuple[str, str]:
    return value.analysis, value.code


def _row(film: SummaryFilm, keys: Sequence[tuple[str, str]]) -> str:
    doubtful, points = film.points
    values = {_key(value): value for value in film.analysis.measurements}
    name = film.verdict or "none"
    cells = [
        f'<th scope="row">{escape(printable(film.name))}</th><td class="{name}">{film.verdict or DASH}</td>',
        f'<td class="words">{escape(film.why)}</td><td>{escape(printable(film.reviewed)) or DASH}</td>',
        f'<td class="figure">{doubtful} of {points}</td>',
        *(_cell(film.analysis, values.get(key)) for key in keys),
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _cell(analysis: Analysis, value: MeasuredValue | None) -> str:
    if value is None or value.value is None:
        return f'<td class="missing">{DASH}</td>'
    error = "" if value.sd is None else f" <small>± {number(value.sd, value.unit)}</small>"
    said = said_of(analysis, value)
    class_ = "" if said == DASH else f'<br><small class="said">{escape(said)}</small>'
    doubt = ' class="doubtful"' if is_unsure(analysis, value) else ""
    return f'<td{doubt}><span class="value">{shown(value).replace("-", MINUS)}{error}</span>{class_}</td>'
