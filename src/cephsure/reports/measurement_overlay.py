"""The measured lines on their film, and below it a table of the values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from cephsure.cephalometry.catalogue import shipped_analyses
from cephsure.reports.labels import paint_labels
from cephsure.reports.lines import shortened
from cephsure.reports.marks import DOT_RADIUS, to_picture
from cephsure.reports.overlay import film_ground, stacked, write_png
from cephsure.reports.painter import BACKGROUND, BLACK, FAINT, INK, WHITE, Painter, text_width

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.cephalometry import Analysis, MeasuredValue
    from cephsure.reports.painter import Array, Colour

_DOUBT: Colour = (250, 200, 60)

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

_LINE = 1.55  # from one row of the table to the next, in font sizes
NARROWEST_PX = 400
_UNITS = {"deg": "°", "mm": " mm", "ratio": ""}


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """A line to draw: what it is called, its ends on the picture, (2, 2), and its colour."""

    label: str
    ends: Array
    colour: Colour


def draw_measurement_overlay(
    film_pixels: NDArray[np.float32], analysis: Analysis, *, width_px: int | None = None
) -> Image.Image:
    """Draw a film with the lines that were measured between, and below it what was measured.

    Each line is drawn once, from landmark to landmark; the planes (Frankfort, palatal, mandibular) go on a
    little beyond. Takes pixels (height, width) and a width as `draw_overlay` does, but the RGB picture is
    never less than 400 px wide.

    Raises:
        InputError: the pixels are not those of the prediction's film.
    """
    ground = film_ground(film_pixels, analysis.film, width_px=width_px, narrowest_px=NARROWEST_PX)
    points = {
        point.code: to_picture(np.array([point.x_px, point.y_px]), zoom=ground.zoom)
        for point in analysis.points
    }
    _paint(Painter(ground.picture), _lines(analysis, points), points, unit=ground.unit, size=ground.size)
    return stacked(ground.picture, _table(analysis, width=ground.picture.width, size=ground.size))


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


def _lines(analysis: Analysis, points: dict[str, Array]) -> list[DrawnLine]:
    """Every line of the measured formulas, each once whatever its direction."""
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
        start, stop = points[first], points[last]
        beyond = _BEYOND * (stop - start) if both in _PLANES else np.zeros(2)
        label = _NAMES.get(both, f"{first}-{last}")
        colour = _COLOURS[number % len(_COLOURS)]
        drawn.append(DrawnLine(label, np.stack([start - beyond, stop + beyond]), colour))
    return drawn


def _paint(
    painter: Painter, lines: list[DrawnLine], points: dict[str, Array], *, unit: float, size: int
) -> None:
    """Paint the lines, the points over them, and the names of both."""
    for line in lines:
        painter.line(line.ends[0], line.ends[1], 3.6 * unit, BLACK, opacity=0.5)
    for line in lines:
        painter.line(line.ends[0], line.ends[1], max(1.5 * unit, 1.0), line.colour)
    for point in points.values():
        painter.disc(point, (DOT_RADIUS + 0.9) * unit, BLACK, opacity=0.75)
        painter.disc(point, DOT_RADIUS * unit, WHITE)
    labels = [(code, WHITE) for code in points]
    labels += [(line.label, line.colour) for line in lines]
    places = [*points.values(), *(line.ends.mean(axis=0) for line in lines)]
    half_axes = np.zeros((len(places), 2, 2)) + 2 * unit * np.eye(2)
    paint_labels(painter, labels, np.array(places).reshape(-1, 2), half_axes, unit=unit, size=size)


def _table(analysis: Analysis, *, width: int, size: int) -> Image.Image:
    """The values as a picture of their own: code, value, interval, class; in columns as the width allows."""
    texts = [_row(measured) for measured in analysis.measurements]
    margin, step = 1.2 * size, _LINE * size
    widest = max((text_width(text, size) for text, _ in texts), default=0.0) + 2 * size
    columns = max(1, min(3, int((width - 2 * margin) // widest)))
    rows = -(-len(texts) // columns)
    foot = [_about(analysis), analysis.disclaimer]
    height = round(2 * margin + (rows + len(foot) + 0.5) * step)
    picture = Image.new("RGB", (width, height), BACKGROUND)
    painter = Painter(picture)
    across = (width - 2 * margin) / columns
    for number, (text, colour) in enumerate(texts):
        column, row = divmod(number, rows)
        place = (margin + column * across, margin + (row + 0.5) * step)
        painter.text(place, shortened(text, size, across - size), size, colour)
    for number, line in enumerate(foot):
        place = (margin, margin + (rows + number + 1) * step)
        painter.text(place, shortened(line, size, width - 2 * margin), size, FAINT)
    return picture


def _row(measured: MeasuredValue) -> tuple[str, Colour]:
    """One measurement in one line, and the line's colour."""
    digits, sign = (3 if measured.unit == "ratio" else 1), _UNITS[measured.unit]
    if measured.value is None:
        return f"{measured.code}  {measured.missing}", FAINT
    parts = [f"{measured.code}  {measured.value:.{digits}f}{sign}"]
    if measured.interval_90 is not None:
        low, high = measured.interval_90
        parts.append(f"({low:.{digits}f} to {high:.{digits}f})")
    said = measured.decision or (measured.not_decided and f"not decided: {measured.not_decided}")
    text = "  ".join([*parts, *([said] if said else [])])
    return text, INK if measured.not_decided is None else _DOUBT


def _about(analysis: Analysis) -> str:
    """What the numbers in brackets are."""
    reasons = [measured.no_interval for measured in analysis.measurements if measured.no_interval]
    words = {
        "calibration": "90 % intervals from the model's calibration",
        "raw sample spread": "90 % of the samples' raw spread: not calibrated",
        "none": f"no intervals: {reasons[0]}" if reasons else "no intervals",
        "a person's points": "no intervals",
    }[analysis.errors_from]
    scale = "" if analysis.film.mm_per_px is not None else "; scale unknown"
    return f"{analysis.points_from}; {words}{scale}"
