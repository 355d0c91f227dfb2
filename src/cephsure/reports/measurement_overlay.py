"""The measured lines on their film, over it the film's verdict, and below it the values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.cephalometry.catalogue import shipped_analyses
from cephsure.reports.band import draw_band
from cephsure.reports.labels import paint_labels
from cephsure.reports.legend import draw_legend
from cephsure.reports.marks import DOT_RADIUS, NOTED, to_picture
from cephsure.reports.measurement_table import lay_out_values
from cephsure.reports.overlay import film_ground, stacked, write_png
from cephsure.reports.painter import BLACK, Painter
from cephsure.reports.symbols import COLOURS, paint_symbol, standing_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image

    from cephsure.cephalometry import Analysis
    from cephsure.reports.overlay import Ground
    from cephsure.reports.painter import Array, Colour
    from cephsure.reports.symbols import Standing

# Far from each other for any eye, and bright enough for a dark film (Okabe and Ito 2008, lightened).
_COLOURS: tuple[Colour, ...] = (
    *((86, 180, 233), (230, 159, 0), (90, 210, 160), (240, 228, 66), (225, 140, 190), (240, 120, 60)),
)

# Lines that have a name of their own; of others the label names both ends.
_NAMES = {
    frozenset({"Po", "Or"}): "Frankfort",
    frozenset({"PNS", "ANS"}): "palatal",
    frozenset({"Go", "Me"}): "mandibular",
    frozenset({"UL", "Pog'"}): "H line",
}
# Planes are drawn beyond their points: an angle's vertex lies outside them.
_PLANES = set(map(frozenset, (("Po", "Or"), ("PNS", "ANS"), ("Go", "Me"), ("Go", "Gn"))))
_BEYOND = 0.18  # of a plane's length, to either side

NARROWEST_PX = 400


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """A line to draw: what it is called, its ends on the picture, (2, 2), and its colour."""

    label: str
    ends: Array
    colour: Colour


@dataclass(frozen=True, slots=True)
class DrawnPoint:
    """A point to draw: its label, its place on the picture, (2,), and its symbol."""

    code: str
    label: str
    place: Array
    standing: Standing


def draw_measurement_overlay(
    film_pixels: NDArray[np.float32], analysis: Analysis, *, width_px: int | None = None
) -> Image.Image:
    """Draw a film with the lines that were measured between, over it the verdict and under it the values.

    The points are their verdicts' symbols; on an unfit film all is grey, and the points are struck through.
    Each line is drawn once, from landmark to landmark; the planes (Frankfort, palatal, mandibular) go on a
    little beyond. Takes pixels (height, width) and a width as `draw_overlay` does, but the RGB picture is
    never less than 400 px wide.

    Raises:
        InputError: the pixels are not those of the prediction's film.
    """
    ground = film_ground(film_pixels, analysis.film, width_px=width_px, narrowest_px=NARROWEST_PX)
    points = [
        DrawnPoint(
            code=point.code,
            label=point.code + (NOTED if point.note is not None else ""),
            place=to_picture(np.array([point.x_px, point.y_px]), zoom=ground.zoom),
            standing=standing_of(analysis, point),
        )
        for point in analysis.points
    ]
    _paint(Painter(ground.picture), _lines(analysis, points), points, ground)
    width, size = ground.picture.width, ground.size
    band = draw_band(analysis, width=width, size=size)
    return stacked(band, ground.picture, draw_legend(lay_out_values(analysis, width=width, size=size)))


def write_measurement_overlay(
    path: Path,
    film_pixels: NDArray[np.float32],
    analysis: Analysis,
    *,
    width_px: int | None = None,
) -> Path:
    """Draw what `draw_measurement_overlay` does and write it to ``path`` as PNG, whole or not at all.

    Raises:
        InputError: the pixels are not those of the prediction's film, or the file cannot be written.
    """
    return write_png(path, draw_measurement_overlay(film_pixels, analysis, width_px=width_px))


def _lines(analysis: Analysis, points: list[DrawnPoint]) -> list[DrawnLine]:
    """Every line of the measured formulas, each once whatever its direction; grey on an unfit film."""
    at = {point.code: point.place for point in points}
    formulas = {
        entry.measurement.code: entry.measurement.formula
        for shipped in shipped_analyses().values()
        for entry in shipped.entries
    }
    ends: dict[frozenset[str], tuple[str, str]] = {}
    for measured in analysis.measurements:
        for first, last in () if measured.value is None else formulas[measured.code].lines:
            ends.setdefault(frozenset({first, last}), (first, last))
    drawn = []
    for number, (both, (first, last)) in enumerate(ends.items()):
        start, stop = at[first], at[last]
        beyond = _BEYOND * (stop - start) if both in _PLANES else np.zeros(2)
        label = _NAMES.get(both, f"{first}-{last}")
        colour = COLOURS["unfit"] if analysis.verdict == "unfit" else _COLOURS[number % len(_COLOURS)]
        drawn.append(DrawnLine(label, np.stack([start - beyond, stop + beyond]), colour))
    return drawn


def _paint(painter: Painter, lines: list[DrawnLine], points: list[DrawnPoint], ground: Ground) -> None:
    """Paint the lines, the points over them, and the names of both."""
    unit = ground.unit
    for line in lines:
        painter.line(line.ends[0], line.ends[1], 3.6 * unit, BLACK, opacity=0.5)
    for line in lines:
        painter.line(line.ends[0], line.ends[1], max(1.5 * unit, 1.0), line.colour)
    for point in points:
        paint_symbol(painter, point.standing, point.place, DOT_RADIUS * unit)
    labels = [(point.label, COLOURS[point.standing]) for point in points]
    labels += [(line.label, line.colour) for line in lines]
    places = [*(point.place for point in points), *(line.ends.mean(axis=0) for line in lines)]
    half_axes = np.zeros((len(places), 2, 2)) + 2 * unit * np.eye(2)
    paint_labels(painter, labels, np.array(places).reshape(-1, 2), half_axes, unit=unit, size=ground.size)
