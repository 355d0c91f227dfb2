"""The measured lines on their film, and below it a table of the values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from cephsure.cephalometry.analysis import UNDECIDABLE
from cephsure.cephalometry.catalogue import shipped_analyses
from cephsure.reports.label_layout import place_labels
from cephsure.reports.legend import BACKGROUND, printable, shortened
from cephsure.reports.marks import DOT_RADIUS, to_picture
from cephsure.reports.overlay import check_same_film, paint_leader, softened, stroke_px, write_png
from cephsure.reports.painter import Painter, capital_height, text_width

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.cephalometry import Analysis, MeasuredValue
    from cephsure.reports.colour_scale import Colour
    from cephsure.uncertainty import Prediction

_BLACK: Colour = (0, 0, 0)
_WHITE: Colour = (255, 255, 255)
_INK: Colour = (238, 238, 238)
_FAINT: Colour = (176, 180, 186)
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
_PLANES = {
    frozenset({"Po", "Or"}),
    frozenset({"PNS", "ANS"}),
    frozenset({"Go", "Me"}),
    frozenset({"Go", "Gn"}),
}
_BEYOND = 0.18  # of a plane's length, to either side

_LINE = 1.55  # from one row of the table to the next, in font sizes
_UNITS = {"deg": "°", "mm": " mm", "ratio": ""}


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """A line to draw: what it is called, its ends on the picture and its colour."""

    label: str
    ends: NDArray[np.float64]
    colour: Colour


def draw_measurement_overlay(
    film_pixels: NDArray[np.float32],
    prediction: Prediction,
    analysis: Analysis,
    *,
    width_px: int | None = None,
) -> Image.Image:
    """Draw a film with the lines that were measured between, and below it what was measured.

    Each line is drawn once, from landmark to landmark; the planes (Frankfort, palatal, mandibular) go on a
    little beyond.

    Args:
        film_pixels: (height, width) grey values in [0, 1], as in ``Film.pixels``.
        prediction: the prediction of this film.
        analysis: what was measured on it.
        width_px: width of the picture; by default the film's.

    Returns:
        An RGB picture: the film, and beneath it a table of the values.

    Raises:
        InputError: the pixels are not those of the prediction's film.
    """
    film = prediction.film
    check_same_film(film_pixels, film)
    width = max(width_px or film.width_px, 400)
    height = max(round(film.height_px * width / film.width_px), 1)
    unit = stroke_px(width, height)
    size = max(10, round(13.5 * unit))
    picture = softened(film_pixels, (width, height))
    zoom = (width / film.width_px, height / film.height_px)
    points = {one.code: to_picture(np.array([one.x_px, one.y_px]), zoom=zoom) for one in prediction.landmarks}
    lines = _lines(analysis, points)
    _paint(picture, lines, points, unit=unit, size=size)
    table = _table(analysis, width=width, size=size)
    sheet = Image.new("RGB", (width, height + table.height), BACKGROUND)
    sheet.paste(picture, (0, 0))
    sheet.paste(table, (0, height))
    return sheet


def write_measurement_overlay(
    path: Path,
    film_pixels: NDArray[np.float32],
    prediction: Prediction,
    analysis: Analysis,
    *,
    width_px: int | None = None,
) -> Path:
    """Draw the measured lines on a film and write it as PNG, whole or not at all.

    Args:
        path: the file to write; its folder is made if absent.
        film_pixels: as for ``draw_measurement_overlay``.
        prediction: as for ``draw_measurement_overlay``.
        analysis: as for ``draw_measurement_overlay``.
        width_px: as for ``draw_measurement_overlay``.

    Returns:
        ``path``.

    Raises:
        InputError: the pixels are not those of the prediction's film, or the file cannot be written.
    """
    picture = draw_measurement_overlay(film_pixels, prediction, analysis, width_px=width_px)
    return write_png(path, picture)


def _lines(analysis: Analysis, points: dict[str, NDArray[np.float64]]) -> list[DrawnLine]:
    """Every line of the measured formulas, each once whatever its direction."""
    formulas = {
        entry.measurement.code: entry.measurement.formula
        for shipped in shipped_analyses().values()
        for entry in shipped.entries
    }
    ends: dict[frozenset[str], tuple[str, str]] = {}
    for one in analysis.measurements:
        if one.value is None:
            continue
        for first, last in formulas[one.code].lines:
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
    picture: Image.Image,
    lines: list[DrawnLine],
    points: dict[str, NDArray[np.float64]],
    *,
    unit: float,
    size: int,
) -> None:
    """Paint the lines, the points over them, and the names of both."""
    painter = Painter(picture)
    for line in lines:
        painter.line(line.ends[0], line.ends[1], 3.6 * unit, _BLACK, opacity=0.5)
    for line in lines:
        painter.line(line.ends[0], line.ends[1], max(1.5 * unit, 1.0), line.colour)
    for point in points.values():
        painter.disc(point, (DOT_RADIUS + 0.9) * unit, _BLACK, opacity=0.75)
        painter.disc(point, DOT_RADIUS * unit, _WHITE)
    names = [(printable(code), point, _WHITE) for code, point in points.items()]
    names += [(printable(line.label), line.ends.mean(axis=0), line.colour) for line in lines]
    pad = 0.25 * size
    places = place_labels(
        np.array([point for _, point, _ in names]).reshape(-1, 2),
        np.zeros((len(names), 2, 2)) + 2 * unit * np.eye(2),
        np.array([(text_width(text, size) + pad, capital_height(size) + 2 * pad) for text, _, _ in names]),
        picture.size,
        dot_radius=(DOT_RADIUS + 1.5) * unit,
    )
    for place, (_, _, colour) in zip(places, names, strict=True):
        if place.leader is not None:
            paint_leader(painter, place.leader, unit=unit, colour=colour)
    for place, (text, _, colour) in zip(places, names, strict=True):
        left, top, _, bottom = place.box
        painter.text((left + pad / 2, (top + bottom) / 2), text, size, colour, halo=max(1.3 * unit, 1.2))


def _table(analysis: Analysis, *, width: int, size: int) -> Image.Image:
    """The values as a picture of their own: code, value, interval, class; in columns as the width allows."""
    texts = [(printable(_row(one)), _colour(one)) for one in analysis.measurements]
    margin, step = 1.2 * size, _LINE * size
    widest = max((text_width(text, size) for text, _ in texts), default=0.0) + 2 * size
    columns = max(1, min(3, int((width - 2 * margin) // widest)))
    rows = -(-len(texts) // columns)
    foot = [printable(line) for line in (_about(analysis), analysis.disclaimer)]
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
        painter.text(place, shortened(line, size, width - 2 * margin), size, _FAINT)
    return picture


def _row(one: MeasuredValue) -> str:
    """One measurement in one line."""
    digits, sign = (3 if one.unit == "ratio" else 1), _UNITS[one.unit]
    if one.value is None:
        return f"{one.code}  {one.missing}"
    parts = [f"{one.code}  {one.value:.{digits}f}{sign}"]
    if one.interval_90 is not None:
        low, high = one.interval_90
        parts.append(f"({low:.{digits}f} to {high:.{digits}f})")
    said = one.decision or one.class_of_value
    return "  ".join([*parts, *([said] if said else [])])


def _colour(one: MeasuredValue) -> Colour:
    if one.value is None:
        return _FAINT
    return _DOUBT if one.decision == UNDECIDABLE else _INK


def _about(analysis: Analysis) -> str:
    """What the numbers in brackets are."""
    reasons = [one.no_interval for one in analysis.measurements if one.no_interval is not None]
    words = {
        "calibration": "90 % intervals from the model's calibration",
        "raw sample spread": "90 % of the samples' raw spread: not calibrated",
        "none": f"no intervals: {reasons[0]}" if reasons else "no intervals",
    }[analysis.errors_from]
    scale = "" if analysis.film.mm_per_px is not None else "; scale unknown"
    return f"{analysis.model.name}; {words}{scale}"
