"""The page of a look at labels: what was found, and the worst as pictures; one file that works offline."""

from __future__ import annotations

import io
from base64 import b64encode
from dataclasses import dataclass
from html import escape
from importlib import resources
from itertools import groupby
from string import Template
from typing import TYPE_CHECKING, Protocol

import numpy as np

from cephsure.reports.overlay import grey_range, softened
from cephsure.uncertainty.text_lines import Column, printable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_SIDE, _QUALITY = 720, 85  # px of a picture's longer side
_ROOM = 1.6  # a part of a film shows so much more than the marks take
_LEAST_OF_FILM = 0.22  # of the film's longer side
_WHOLE_FROM = 6  # marks from which the whole film is shown
_MOST_BEYOND = 0.5  # of the film that is shown beside it, for points outside
_LEAST_RANGE = 0.25  # of the film's greys that a part is stretched from: less would show noise
_RADIUS, _FONT = (2.0, 1.3), (4.2, 3.0)  # of a mark and its code, in hundredths of what is shown; where many
_SHAPES = {
    "marked": '<path class="{c}" d="M{x0:.1f} {y:.1f}H{x1:.1f}M{x:.1f} {y0:.1f}V{y1:.1f}"/>',
    "expected": '<circle class="{c}" cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}"/>',
    "other": '<rect class="{c}" x="{x0:.1f}" y="{y0:.1f}" width="{d:.1f}" height="{d:.1f}"/>',
}
_ROLES = {
    "marked": "marked there",
    "expected": "where the other points expect it",
    "other": "another annotator's mark",
}


class Marked(Protocol):
    """A point to be shown."""

    @property
    def code(self) -> str:
        """Of its landmark."""

    @property
    def at_px(self) -> tuple[float, float]:
        """Where it is on the film."""

    @property
    def role(self) -> str:
        """One of "marked", "expected", "other"."""


class Found(Protocol):
    """Something that was found."""

    @property
    def kind(self) -> str:
        """Of what sort it is."""

    @property
    def said(self) -> str:
        """In words."""

    @property
    def serious(self) -> bool:
        """Whether it must be looked at."""

    @property
    def film(self) -> str:
        """On which film, "" for none."""

    @property
    def annotator(self) -> str:
        """Whose labels, "" for nobody's."""

    @property
    def marks(self) -> Sequence[Marked]:
        """The points in question."""


@dataclass(frozen=True, slots=True)
class Pictured:
    """A film to be shown with a finding.

    Attributes:
        name: of the film.
        pixels: (H, W) grey values in [0, 1].
        marks: the points in question; none for the whole film.
        rest: (N, 2) all points in px, shown faintly; None for none.
    """

    name: str
    pixels: NDArray[np.float32]
    marks: Sequence[Marked] = ()
    rest: Array | None = None


def check_page(
    *,
    name: str,
    facts: Sequence[str],
    conclusion: str,
    remark: str,
    table: Sequence[Column],
    titles: Mapping[str, str],
    findings: Sequence[tuple[Found, Sequence[str]]],
    notes: Sequence[str],
) -> str:
    """The page as an HTML document.

    Args:
        name: of the data set.
        facts: what was read.
        conclusion: how much must be looked at.
        remark: what the reader of the page must know of its worth.
        table: columns, a row a landmark.
        titles: what the findings of a kind are called.
        findings: those of a kind one after the other, each with its pictures, as `picture` draws them.
        notes: what could not be judged.
    """
    template = resources.files("cephsure.reports") / "check_page.html"
    sections = [
        _section(titles[kind], serious=serious, findings=list(own))
        for (serious, kind), own in groupby(findings, key=lambda each: (each[0].serious, each[0].kind))
    ]
    return Template(template.read_text("utf-8")).substitute(
        name=_text(name),
        facts="\n".join(f"<p>{_text(fact)}</p>" for fact in facts),
        conclusion=_text(conclusion),
        notes="\n".join(f"<p>Note: {_text(note)}</p>" for note in notes),
        findings="\n".join(sections),
        table=_table(table),
        remark=_text(remark),
    )


def picture(shown: Pictured) -> str:
    """A film, or the part round some marks, as SVG."""
    box = _part(shown)
    left, top, right, bottom = box
    height, width = shown.pixels.shape
    inside = (max(left, 0), max(top, 0), min(right, width), min(bottom, height))
    unit = max(right - left, bottom - top) / 100
    cut = shown.pixels[inside[1] : inside[3], inside[0] : inside[2]]
    drawn = [_image(cut, inside, _greys(shown.pixels, cut))] if cut.size else []
    if shown.rest is not None:
        drawn += [
            f'<circle class="rest" cx="{x + 0.5:.1f}" cy="{y + 0.5:.1f}" r="{0.55 * unit:.2f}"/>'
            for x, y in shown.rest.tolist()
            if left <= x <= right and top <= y <= bottom
        ]
    drawn += _ways(shown.marks)
    many = len(shown.marks) >= _WHOLE_FROM
    marks = sorted(shown.marks, key=lambda mark: mark.role == "marked")
    drawn += [_mark(mark, _RADIUS[many] * unit) for mark in marks]
    drawn += _codes(marks, _RADIUS[many] * unit, _FONT[many] * unit)
    what = "; ".join(f"{mark.code} {_ROLES[mark.role]}" for mark in shown.marks) or "the whole film"
    label = escape(printable(f"Film {shown.name}: {what}"), quote=True)
    return (
        f'<svg viewBox="{left} {top} {right - left} {bottom - top}" role="img" aria-label="{label}">'
        f"{''.join(drawn)}</svg>"
    )


def _part(shown: Pictured) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is shown, in px of the film; beyond it for points outside."""
    height, width = shown.pixels.shape
    if not shown.marks:
        return 0, 0, width, height
    size, places = np.array([width, height]), np.array([mark.at_px for mark in shown.marks])
    places = np.clip(places, -_MOST_BEYOND * size, (1 + _MOST_BEYOND) * size)
    low, high = places.min(axis=0), places.max(axis=0)
    if len(shown.marks) >= _WHOLE_FROM or (low < 0).any() or (high > size).any():
        low, high = np.minimum(low, 0), np.maximum(high, size)
    else:
        middle = (low + high) / 2
        half = max(_ROOM * float((high - low).max()), _LEAST_OF_FILM * max(width, height)) / 2
        low, high = np.maximum(middle - half, 0), np.minimum(middle + half, size)
    left, top, right, bottom = (int(value) for value in (*np.floor(low), *np.ceil(high)))
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _image(cut: NDArray[np.float32], inside: tuple[int, int, int, int], greys: tuple[float, float]) -> str:
    """A part of a film, reduced where it is large."""
    height, width = cut.shape
    factor = min(_SIDE / max(height, width), 1.0)
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    jpeg = io.BytesIO()
    softened(cut, size, greys).convert("L").save(jpeg, "JPEG", quality=_QUALITY)
    return (
        f'<image x="{inside[0]}" y="{inside[1]}" width="{width}" height="{height}" '
        f'preserveAspectRatio="none" href="data:image/jpeg;base64,{b64encode(jpeg.getvalue()).decode()}"/>'
    )


def _greys(film: NDArray[np.float32], part: NDArray[np.float32]) -> tuple[float, float]:
    """The range of greys of a part of a film, so that bone is seen in a dark corner as well."""
    low, high = grey_range(part)
    darkest, brightest = grey_range(film)
    missing = max(_LEAST_RANGE * (brightest - darkest) - (high - low), 0.0)
    return low - missing / 2, high + missing / 2


def _ways(marks: Sequence[Marked]) -> list[str]:
    """A line from where a point is marked to where it is expected."""
    marked = {mark.code: mark.at_px for mark in marks if mark.role == "marked"}
    return [
        '<line class="expected way" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>'.format(
            *(value + 0.5 for value in (*marked[mark.code], *mark.at_px))
        )
        for mark in marks
        if mark.role == "expected" and mark.code in marked
    ]


def _mark(mark: Marked, radius: float) -> str:
    """A point's symbol."""
    x, y = (value + 0.5 for value in mark.at_px)
    values = {"x": x, "y": y, "r": radius, "d": 2 * radius}
    values |= {"x0": x - radius, "x1": x + radius, "y0": y - radius, "y1": y + radius}
    shape = _SHAPES[mark.role]
    return shape.format(c="halo", **values) + shape.format(c=f"{mark.role} shape", **values)


def _codes(marks: Sequence[Marked], radius: float, font: float) -> list[str]:
    """The codes beside the points that were marked; one that would cover another is left out."""
    drawn, placed = [], list[tuple[float, float, float]]()
    for mark in marks:
        if mark.role != "marked":
            continue
        x, y = mark.at_px[0] + 0.5 + 1.3 * radius, mark.at_px[1] + 0.5 - 0.6 * radius
        end = x + 0.65 * font * len(mark.code)
        if any(x < right and left < end and abs(y - line) < 0.9 * font for left, right, line in placed):
            continue
        placed.append((x, end, y))
        place, code = f'x="{x:.1f}" y="{y:.1f}" font-size="{font:.1f}"', _text(mark.code)
        drawn.append(
            f'<text class="code back" {place} stroke-width="{0.2 * font:.1f}">{code}</text>'
            f'<text class="code marked" {place}>{code}</text>'
        )
    return drawn


def _section(title: str, *, serious: bool, findings: Sequence[tuple[Found, Sequence[str]]]) -> str:
    """The findings of one kind: those with pictures, then the others."""
    cards = [_card(finding, pictures) for finding, pictures in findings if pictures]
    others = [finding for finding, pictures in findings if not pictures]
    parts = [f"<h2>{'To be looked at' if serious else 'Good to know'}: {_text(title)} ({len(findings)})</h2>"]
    if cards:
        roles = {mark.role for finding, pictures in findings if pictures for mark in finding.marks}
        parts += [_key(roles) if roles else "", f'<div class="cards">\n{"".join(cards)}\n</div>']
    if others:
        columns = (
            Column("film", tuple(finding.film for finding in others)),
            Column("whose", tuple(finding.annotator for finding in others)),
            Column("what", tuple(finding.said for finding in others)),
        )
        filled = [column for column in columns if any(column.cells)]
        parts.append(f'<div class="wide">{_table(filled)}</div>')
    return f"<section>{''.join(parts)}</section>"


def _card(finding: Found, pictures: Sequence[str]) -> str:
    whose = f", {_text(finding.annotator)}" if finding.annotator else ""
    head = f"<b>Film {_text(finding.film)}{whose}</b>" if finding.film else ""
    return (
        f'<figure class="card"><div class="films">{"".join(pictures)}</div>'
        f"<figcaption>{head}<br>{_text(finding.said)}</figcaption></figure>\n"
    )


def _key(roles: Collection[str]) -> str:
    """What the symbols of some roles mean."""
    values = {"x": 10, "y": 10, "r": 7, "d": 14, "x0": 3, "x1": 17, "y0": 3, "y1": 17}
    symbols = "".join(
        f'<span><svg viewBox="0 0 20 20" aria-hidden="true">{shape.format(c=f"{role} shape", **values)}</svg>'
        f"{_ROLES[role]}</span>"
        for role, shape in _SHAPES.items()
        if role in roles
    )
    return f'<p class="key">{symbols}<span>faint dots: all points of this annotator</span></p>'


def _table(columns: Sequence[Column]) -> str:
    """Columns as a table of HTML."""
    side = {True: ' class="right"', False: ""}
    heading = "".join(f"<th{side[column.right]}>{_text(column.heading)}</th>" for column in columns)
    rows = "".join(
        "<tr>"
        + "".join(f"<td{side[column.right]}>{_text(column.cells[row])}</td>" for column in columns)
        + "</tr>"
        for row in range(len(columns[0].cells))
    )
    return f"<table><tr>{heading}</tr>{rows}</table>"


def _text(words: str) -> str:
    """Words from outside as text of the page."""
    return escape(printable(words), quote=True)
