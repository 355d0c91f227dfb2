"""Two tracings of a patient on the earlier film, with an arrow at each landmark that moved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cephsure.cephalometry.two_films_table import MARK, promises, remarks
from cephsure.reports.band import draw_band
from cephsure.reports.labels import paint_labels
from cephsure.reports.legend import KEY_INDENT, Legend, draw_legend
from cephsure.reports.lines import LINE, Line, wrapped
from cephsure.reports.marks import NOTED, to_picture
from cephsure.reports.overlay import film_ground, stacked
from cephsure.reports.painter import BLACK, FAINT, INK, WHITE, Painter
from cephsure.reports.symbols import COLOURS
from cephsure.reports.tracing import dashes, segments, tracing_lines
from cephsure.uncertainty.prediction_table import verdict_line
from cephsure.uncertainty.text_lines import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from cephsure.cephalometry.analysis import Analysis
    from cephsure.cephalometry.two_films import TwoFilms
    from cephsure.reports.overlay import Ground
    from cephsure.reports.painter import Array, Colour
    from cephsure.uncertainty.gate.verdict import FilmVerdict

# Blue and yellow part for nearly every eye, and in grey the second is the brighter; it is dashed as well.
FIRST: Colour = (70, 150, 255)
SECOND: Colour = (255, 226, 70)
ARROW: Colour = WHITE

NARROWEST_PX = 400
_STROKE, _RADIUS = 1.4, 3.2  # of lines and of points, in strokes
_DASH, _GAP = 9.0, 6.0
# Remarks that the legend's symbols make already, or of what the picture has not.
_IN_KEYS = (MARK, "T1: points", "T2: points", "T1: note", "T2: note", "forward: ")
_WORST: tuple[FilmVerdict | None, ...] = ("unfit", "review", None, "fit")


@dataclass(frozen=True, slots=True)
class Both:
    """Two films' verdicts as one band has them: that of the worse one."""

    verdict: FilmVerdict | None
    why: str | None
    promise: str


def draw_superimposition(
    film_pixels: NDArray[np.float32], films: TwoFilms, *, width_px: int | None = None
) -> Image.Image:
    """Draw both films' tracings on the first film, over it the verdicts and below it the legend.

    The first film's lines are solid and its points are dots, the second's lines are dashed and its points
    hollow squares: they are told apart without colours too. An arrow leads from dot to square where a
    landmark moved, with how far; where nothing is known of that there are none. The tracing of an unfit film
    is grey. Takes pixels (height, width) of the first film, and a width as `draw_overlay` does, but the RGB
    picture is never less than 400 px wide.

    Raises:
        InputError: the pixels are not those of the first film.
    """
    ground = film_ground(film_pixels, films.first.film, width_px=width_px, narrowest_px=NARROWEST_PX)
    painter = Painter(ground.picture)
    first, second = _places(films, ground)
    one, other = _colour(films.first, FIRST), _colour(films.second, SECOND)
    _paint_lines(painter, tracing_lines(first), one, ground.unit)
    _paint_lines(painter, _dashed(tracing_lines(second), ground.unit), other, ground.unit)
    for at in second.values():
        paint_second(painter, at, _RADIUS * ground.unit, other)
    for point in films.found.points:
        if point.moved:
            paint_arrow(painter, first[point.code], second[point.code], max(1.5 * ground.unit, 1.0))
    for at in first.values():  # in the square where both are at one place, and where an arrow begins
        paint_first(painter, at, _RADIUS * ground.unit, one)
    _paint_names(painter, films, first, second, ground)
    width, size = ground.picture.width, ground.size
    said = [f"{name}: {_name(analysis)}: {verdict_line(analysis)}" for name, analysis in films.films]
    band = draw_band(_worse(films), width=width, size=size, more=said)
    return stacked(band, ground.picture, _legend(films, width=width, size=size))


def _worse(films: TwoFilms) -> Both:
    """The worse verdict of the two, and what was found."""
    analyses = [analysis for _, analysis in films.films]
    worst = min(analyses, key=lambda analysis: _WORST.index(analysis.verdict))
    promise = "; ".join(promises(films))
    if worst.verdict is None:  # then why stands in the title
        return Both(None, worst.why, f"{films.headline()}; {promise}")
    return Both(worst.verdict, films.headline(), promise)


def _name(analysis: Analysis) -> str:
    return printable(Path(analysis.film_name).name)


def _places(films: TwoFilms, ground: Ground) -> tuple[dict[str, Array], dict[str, Array]]:
    """Both films' points on the picture, (2,) by landmark code: all that each has."""
    matrix, shift = np.array(films.found.matrix), np.array(films.found.shift_px)
    first = {point.code: np.array([point.x_px, point.y_px]) for point in films.first.points}
    second = {
        point.code: matrix @ np.array([point.x_px, point.y_px]) + shift for point in films.second.points
    }
    return tuple(  # type: ignore[return-value] # two of them
        {code: to_picture(at, zoom=ground.zoom) for code, at in each.items()} for each in (first, second)
    )


def _colour(analysis: Analysis, colour: Colour) -> Colour:
    return COLOURS["unfit"] if analysis.verdict == "unfit" else colour


def _dashed(lines: list[Array], unit: float) -> list[Array]:
    return [piece for line in lines for piece in dashes(line, dash=_DASH * unit, gap=_GAP * unit)]


def _paint_lines(painter: Painter, lines: list[Array], colour: Colour, unit: float) -> None:
    """Paint one film's lines, with a black edge that parts them from the film."""
    width = max(_STROKE * unit, 1.0)
    for start, end in segments(lines):
        painter.line(start, end, width + 1.6 * unit, BLACK, opacity=0.5)
    for start, end in segments(lines):
        painter.line(start, end, width, colour)


def paint_first(painter: Painter, at: Array, radius: float, colour: Colour = FIRST) -> None:
    """Paint a point of the first film, a dot round ``at``, (2,); all in px."""
    painter.disc(at, 1.1 * radius, BLACK, opacity=0.75)
    painter.disc(at, 0.8 * radius, colour)


def paint_second(painter: Painter, at: Array, radius: float, colour: Colour = SECOND) -> None:
    """Paint a point of the second film, a hollow square round ``at``, (2,); all in px."""
    corners = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    outer, frame, inner = (at + factor * radius * corners for factor in (1.9, 1.65, 1.15))
    painter.polygon(outer, BLACK, opacity=0.75, hole=inner)
    painter.polygon(frame, colour, hole=inner)


def paint_arrow(painter: Painter, start: Array, end: Array, width: float) -> None:
    """Paint an arrow between two points, (2,) each, its shaft ``width`` px thick; a short one is all head."""
    way = end - start
    length = float(np.hypot(*way))
    if length == 0:
        return
    along = way / length
    across = np.array([-along[1], along[0]])
    for edge, colour in ((0.9 * width, BLACK), (0.0, ARROW)):
        head, half = min(5.5 * width, length) + edge, 2.3 * width + edge
        tip = end + edge * along
        base = tip - (head + 0.5 * edge) * along
        painter.line(start - edge * along, base + along, width + 2 * edge, colour)
        painter.polygon(np.stack([tip, base + half * across, base - half * across]), colour)


def _paint_names(
    painter: Painter, films: TwoFilms, first: dict[str, Array], second: dict[str, Array], ground: Ground
) -> None:
    """Write the landmarks' names, and how far those that moved did."""
    unit, points = ground.unit, films.found.points
    labels: list[tuple[str, Colour]] = []
    for point in points:
        note = NOTED if films.is_for_review(point) else ""
        if point.moved and point.displacement_mm is not None:
            labels.append((f"{point.code} {point.displacement_mm:.1f} mm{note}", ARROW))
        else:
            labels.append((point.code, FAINT))
    middles = np.array([(first[point.code] + second[point.code]) / 2 for point in points]).reshape(-1, 2)
    ways = np.array([(second[point.code] - first[point.code]) / 2 for point in points]).reshape(-1, 2)
    reach = np.hypot(*ways.T) + 1.5 * _RADIUS * unit
    dots = np.array([at for each in (first, second) for at in each.values()]).reshape(-1, 2)
    half_axes = reach[:, None, None] * np.eye(2)
    paint_labels(painter, labels, middles, half_axes, unit=unit, size=ground.size, keep_off=dots)


def _legend(films: TwoFilms, *, width: int, size: int) -> Image.Image:
    """What the lines and symbols mean, what must be known, and what the picture is not for."""
    margin, indent = 1.2 * size, KEY_INDENT * 1.8 * size
    lines, keys, y = list[Line](), list[tuple[str, float]](), 0.7 * margin
    for key, text, colour in _said(films):
        left = margin + (indent if key else 0.0)
        if key:
            keys.append((key, y + LINE * size / 2))
        for part in wrapped(text, size, width - margin - left):
            lines.append(Line(part, left, y + LINE * size / 2, size, colour))
            y += LINE * size
    picture = draw_legend(Legend(width, round(y + 0.6 * margin), tuple(lines), None, None, ()))
    painter = Painter(picture)
    for key, middle in keys:
        _paint_key(painter, key, np.array([margin + 0.38 * indent, middle]), size, films)
    return picture


def _said(films: TwoFilms) -> list[tuple[str, str, Colour]]:
    """Symbol, if any, text and colour of each entry."""
    said = [
        (key, f"{name}: {_name(analysis)}; points: {printable(analysis.points_from)}", INK)
        for key, (name, analysis) in zip(("first", "second"), films.films, strict=True)
    ]
    if any(point.moved is not None for point in films.found.points):
        said.append(("arrow", "moved: from T1 to T2, in mm; no arrow: the points may be off by as much", INK))
        if any(point.moved and films.is_for_review(point) for point in films.found.points):
            said.append((NOTED, "rests on a point that is to be reviewed", INK))
    shown = set(promises(films))  # over the film
    more = [text for text, _ in remarks(films) if text not in shown and not text.startswith(_IN_KEYS)]
    return [*said, *(("", text, FAINT) for text in more), ("", films.disclaimer, INK)]


def _paint_key(painter: Painter, key: str, middle: Array, size: int, films: TwoFilms) -> None:
    """Paint what an entry of the legend is about."""
    reach, width = np.array([1.0 * size, 0.0]), max(0.1 * size, 1.0)
    if key == NOTED:
        painter.text((middle[0] - 0.15 * size, middle[1]), NOTED, size, INK)
    elif key == "arrow":
        paint_arrow(painter, middle - reach, middle + reach, width)
    elif key == "first":
        colour = _colour(films.first, FIRST)
        painter.line(middle - reach, middle + reach, width, colour)
        paint_first(painter, middle, 0.24 * size, colour)
    else:
        colour = _colour(films.second, SECOND)
        for part in (-0.85, 0.85):
            painter.line(middle + (part - 0.25) * reach, middle + (part + 0.25) * reach, width, colour)
        paint_second(painter, middle, 0.24 * size, colour)
