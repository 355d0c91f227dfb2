"""The two pictures of a report: the film with its landmarks and regions, and the tracing beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from cephsure.reports.film_report.drawing import Disc, Drawing, Outline, Words, line
from cephsure.reports.labels import place_labels
from cephsure.reports.marks import marks_of
from cephsure.reports.overlay import softened
from cephsure.reports.painter import BLACK, ellipse_outline, text_width
from cephsure.reports.symbols import COLOURS
from cephsure.reports.tracing import tracing_lines
from cephsure.uncertainty.text_lines import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cephsure.cephalometry.reviewed_film import ReviewedFilm
    from cephsure.films import Film
    from cephsure.reports.film_report.drawing import Array, Ink, Shape
    from cephsure.reports.labels import Label
    from cephsure.reports.marks import Mark
    from cephsure.reports.painter import Colour
    from cephsure.reports.symbols import Standing

WIDTH, GAP = 182.0, 6.0
"""Of both pictures with what lies between them, in mm."""
_WIDEST = 0.56  # of all that, for the film
_DOTS_PER_MM = 12.0  # as many as print shows, 300 in an inch
_QUALITY = 86
_LETTERS = 2.15  # mm, six points
_CAPITALS = 0.72
_DOT = 0.42  # mm, radius
_SMALLEST_REGION = 0.7  # mm, so that it is seen
_FINEST, _FEWEST = 0.3, 24  # mm from corner to corner of a region, and of how many corners each has at least
_MARGIN = 0.07  # round the tracing, of its longer side
_CORNERS = {
    "review": np.array([[0.0, -1.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]),
    "unjudged": np.array([[0.0, -1.1], [0.96, 0.66], [-0.96, 0.66]]),
}


@dataclass(frozen=True, slots=True)
class Panels:
    """Both pictures, of the same height."""

    film: Drawing
    tracing: Drawing


def panel_height(film: Film, *, most: float) -> float:
    """How high both are, in mm, where at most so high."""
    shape = film.width_px / (film.height_px * film.pixel_aspect)
    return float(min(most, _WIDEST * (WIDTH - GAP) / shape))


def draw_panels(film: Film, reviewed: ReviewedFilm, *, most: float) -> Panels:
    """Draw both, at most so many mm high."""
    height = panel_height(film, most=most)
    width = height * film.width_px / (film.height_px * film.pixel_aspect)
    drawing = Drawing(
        width, height, tuple(_film_shapes(film, reviewed, width, height)), _picture(film, width, height)
    )
    return Panels(drawing, _tracing(film, reviewed, width=WIDTH - GAP - width, height=height))


def _picture(film: Film, width: float, height: float) -> bytes:
    """The film in softened greys, as a JPEG of as many pixels as print shows."""
    share = min(1.0, _DOTS_PER_MM * width / film.width_px)
    size = max(round(share * film.width_px), 1), max(round(share * film.width_px * height / width), 1)
    jpeg = BytesIO()
    softened(film.pixels, size).convert("L").save(jpeg, "JPEG", quality=_QUALITY)
    return jpeg.getvalue()


def _film_shapes(film: Film, reviewed: ReviewedFilm, width: float, height: float) -> Iterator[Shape]:
    """Regions, wide ones first, then points, then their codes."""
    zoom = np.array([width / film.width_px, height / film.height_px])
    marks = _marks(reviewed, zoom)
    for mark in sorted(marks, key=lambda mark: -mark.radius):
        if mark.shape == "outlines" and mark.outlines:
            yield Outline(mark.outlines, fill=mark.colour, opacity=0.22, is_closed=True)
            yield Outline(mark.outlines, stroke=BLACK, width=0.42, opacity=0.4, is_closed=True)
            yield Outline(mark.outlines, stroke=mark.colour, width=0.2, is_closed=True)
    for mark in marks:
        yield from _symbol(mark.standing, mark.point, COLOURS[mark.standing], BLACK)
    points = np.array([mark.point for mark in marks]).reshape(-1, 2)
    half_axes = np.array([mark.half_axes for mark in marks]).reshape(-1, 2, 2)
    codes = [mark.code for mark in marks]
    placed = _labels(codes, points, half_axes, (width, height))
    for label, mark in zip(placed, marks, strict=True):
        yield from _label(label, mark.code, COLOURS[mark.standing], BLACK)


def _marks(reviewed: ReviewedFilm, zoom: Array) -> list[Mark]:
    """The points as they stand, in mm of the picture; of those that a person set no region is known."""
    half = np.array([0.5, 0.5])  # marks count from the first pixel's middle, this picture from its corner
    marks = []
    found = marks_of(reviewed.prediction, zoom=(float(zoom[0]), float(zoom[1])), smallest_radius=0.5)
    for mark, point in zip(found, reviewed.points, strict=True):
        if point.x_px is None or point.y_px is None:
            continue
        bare = replace(mark, code=printable(mark.code), samples=np.empty((0, 2)))
        standing = "accept" if point.is_settled else mark.standing
        if point.is_by_hand:
            at = (np.array([point.x_px, point.y_px]) + 0.5) * zoom
            small = _SMALLEST_REGION * np.eye(2)
            marks.append(replace(bare, point=at, half_axes=small, outlines=(), standing=standing))
            continue
        outlines = tuple(_thinned(chain + half) for chain in mark.outlines)
        half_axes = mark.half_axes if outlines else _SMALLEST_REGION * np.eye(2)
        marks.append(
            replace(bare, point=mark.point + half, half_axes=half_axes, outlines=outlines, standing=standing)
        )
    return marks


def _thinned(chain: Array) -> Array:
    """A closed chain of corners, (N, 2), without those that no eye can tell from their neighbours."""
    around = np.hypot(*np.diff(chain, axis=0, append=chain[:1]).T).sum()
    wanted = max(int(around / _FINEST), _FEWEST)
    return chain[:: max(len(chain) // wanted, 1)]


def _symbol(standing: Standing, at: Array, ink: Ink | Colour, edge: Ink | Colour) -> Iterator[Shape]:
    """A point's symbol, as of `symbols.paint_symbol`."""
    if standing == "accept":
        yield Disc(at[0], at[1], _DOT, ink, stroke=edge, width=0.14)
    elif standing == "unfit":
        ring = ellipse_outline(at, 1.6 * _DOT * np.eye(2), count=24)
        across = 2.4 * _DOT * np.array([0.7, -0.7])
        for stroke, width in ((edge, 0.34), (ink, 0.18)):
            yield Outline((ring,), stroke=stroke, width=width, is_closed=True)
            yield Outline(line(at - across, at + across), stroke=stroke, width=width)
    else:
        corners = at + 1.65 * _DOT * _CORNERS[standing]
        yield Outline((corners,), stroke=edge, width=0.44, is_closed=True)
        yield Outline((corners,), stroke=ink, width=0.24, is_closed=True)


def _labels(
    codes: Sequence[str],
    points: Array,
    half_axes: Array,
    bounds: tuple[float, float],
    *,
    keep_off: Array | None = None,
) -> list[Label]:
    pad = 0.5
    sizes = np.array([(_width(code) + pad, _CAPITALS * _LETTERS + pad) for code in codes]).reshape(-1, 2)
    return place_labels(points, half_axes, sizes, bounds, dot_radius=2 * _DOT, keep_off=keep_off)


def _width(text: str) -> float:
    """Of letters on a picture, in mm; a little more than the narrower fonts of the pages need."""
    return 1.04 * text_width(text, 100) * _LETTERS / 100


def _label(label: Label, code: str, ink: Ink | Colour, halo: Ink | Colour) -> Iterator[Shape]:
    if label.leader is not None:
        yield Outline((label.leader,), stroke=halo, width=0.3, opacity=0.45)
        yield Outline((label.leader,), stroke=ink, width=0.12, opacity=0.8)
    left, top, _, bottom = label.box
    base = (top + bottom + _CAPITALS * _LETTERS) / 2
    yield Words(left + 0.25, base, code, _LETTERS, ink, halo)


def _tracing(film: Film, reviewed: ReviewedFilm, *, width: float, height: float) -> Drawing:
    """The lines through the points as they stand, as large as there is room; grey where nobody vouches."""
    points = [point for point in reviewed.points if point.x_px is not None]
    if not points:
        return Drawing(width, height)
    at = np.array([(point.x_px, point.y_px) for point in points], dtype=np.float64)
    at[:, 1] *= film.pixel_aspect
    marks = {mark.number: mark.verdict for mark in reviewed.prediction.landmarks}
    at = _fitted(at, width, height)
    codes = [printable(point.code) for point in points]
    unfit = reviewed.prediction.verdict == "unfit" and not reviewed.is_complete
    shapes: list[Shape] = []
    lines = tracing_lines(dict(zip([point.code for point in points], at, strict=True)))
    for chain in lines:
        inside = np.clip(chain, 0.0, [width, height])
        shapes.append(Outline((inside,), stroke="quiet" if unfit else "accent", width=0.26))
    for point, place in zip(points, at, strict=True):
        doubtful = not point.is_settled and marks[point.number] != "accept"
        shapes.append(
            Disc(place[0], place[1], _DOT, "paper" if doubtful else "ink", stroke="ink", width=0.16)
        )
    half_axes = np.tile(0.6 * np.eye(2), (len(at), 1, 1))
    placed = _labels(codes, at, half_axes, (width, height), keep_off=_along(lines))
    for label, code in zip(placed, codes, strict=True):
        shapes += _label(label, code, "ink", "paper")
    return Drawing(width, height, tuple(shapes))


def _along(lines: Sequence[Array]) -> Array:
    """(P, 2) dots along lines, that labels are to keep off, a few in a letter's height."""
    dots = [np.empty((0, 2))]
    for chain in lines:
        for start, end in pairwise(chain):
            count = max(int(np.hypot(*(end - start)) / _LETTERS), 1)
            dots.append(start + (end - start) * ((np.arange(count) + 0.5) / count)[:, None])
    return np.concatenate(dots)


def _fitted(points: Array, width: float, height: float) -> Array:
    """Points moved and scaled into the middle of an area."""
    low, high = points.min(axis=0), points.max(axis=0)
    span = np.maximum(high - low, 1e-9)
    room = (1 - 2 * _MARGIN) * np.array([width, height])
    scale = float((room / span).min())
    return np.asarray((points - (low + high) / 2) * scale + np.array([width, height]) / 2)
