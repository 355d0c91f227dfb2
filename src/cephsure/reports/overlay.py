"""The overlay: a film with its landmarks on it, each with how far to trust it."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from cephsure.atomic import write_atomically
from cephsure.errors import InputError
from cephsure.reports.label_layout import place_labels
from cephsure.reports.legend import BACKGROUND, draw_legend, lay_out_legend, printable
from cephsure.reports.marks import DOT_RADIUS, marks_of, paint_marks
from cephsure.reports.painter import Painter, capital_height, text_width

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.reports.colour_scale import Colour
    from cephsure.reports.marks import Mark
    from cephsure.uncertainty import Prediction
    from cephsure.uncertainty.prediction import FilmInfo

Labels = Literal["code", "number"]

NARROWEST_PX = 200
SMALLEST_RADIUS = 5.5  # in strokes
_BLACK: Colour = (0, 0, 0)
_WHITE: Colour = (255, 255, 255)
_DARKEST, _BRIGHTEST = 10, 190


def draw_overlay(
    film_pixels: NDArray[np.float32],
    prediction: Prediction,
    *,
    width_px: int | None = None,
    labels: Labels = "code",
) -> Image.Image:
    """Draw a film with its landmarks and, below the film, a legend.

    Each landmark is a point in the colour of its uncertainty, within the ellipse of two standard deviations
    of its samples (a baseline's one sample: the circle of the expected error), with the samples as faint dots
    and the landmark's code beside it. The film is shown in softened greys, so that the marks stand out.

    Args:
        film_pixels: (height, width) grey values in [0, 1], as in ``Film.pixels``.
        prediction: the prediction of this film.
        width_px: width of the picture; by default the film's. Never less than 200 px.
        labels: write the landmarks' codes or their numbers.

    Returns:
        An RGB picture: the film at the top left, reduced or enlarged to the width, the legend beneath.

    Raises:
        InputError: the pixels are not those of the prediction's film.
    """
    film = prediction.film
    check_same_film(film_pixels, film)
    width = max(width_px or film.width_px, NARROWEST_PX)
    height = max(round(film.height_px * width / film.width_px), 1)
    unit = stroke_px(width, height)
    size = max(10, round(13.5 * unit))
    picture = softened(film_pixels, (width, height))
    zoom = (width / film.width_px, height / film.height_px)
    marks = marks_of(prediction, zoom=zoom, smallest_radius=SMALLEST_RADIUS * unit)
    _paint(picture, marks, unit=unit, size=size, labels=labels)
    smallest_px = SMALLEST_RADIUS * unit / zoom[1]
    legend = draw_legend(lay_out_legend(prediction, width=width, size=size, smallest_px=smallest_px))
    sheet = Image.new("RGB", (width, height + legend.height), BACKGROUND)
    sheet.paste(picture, (0, 0))
    sheet.paste(legend, (0, height))
    return sheet


def write_overlay(
    path: Path,
    film_pixels: NDArray[np.float32],
    prediction: Prediction,
    *,
    width_px: int | None = None,
    labels: Labels = "code",
) -> Path:
    """Draw an overlay and write it as PNG, whole or not at all.

    Args:
        path: the file to write; its folder is made if absent.
        film_pixels: as for ``draw_overlay``.
        prediction: as for ``draw_overlay``.
        width_px: as for ``draw_overlay``.
        labels: as for ``draw_overlay``.

    Returns:
        ``path``.

    Raises:
        InputError: the pixels are not those of the prediction's film, or the file cannot be written.
    """
    picture = draw_overlay(film_pixels, prediction, width_px=width_px, labels=labels)
    return write_png(path, picture)


def write_png(path: Path, picture: Image.Image) -> Path:
    """Write a picture of a film as PNG, whole or not at all; ``path`` is returned."""
    png = BytesIO()
    # Films are noise to a packer: the highest compression saves little and takes ten times as long.
    picture.save(png, format="PNG", compress_level=1)
    return write_atomically(path, png.getvalue())


def check_same_film(film_pixels: NDArray[np.float32], film: FilmInfo) -> None:
    """Refuse pixels (height, width) that cannot be those of a prediction's film.

    Raises:
        InputError: the sizes differ.
    """
    if film_pixels.shape != (film.height_px, film.width_px):
        given = " x ".join(str(n) for n in film_pixels.shape[::-1])
        raise InputError(
            f"the prediction is of a film of {film.width_px} x {film.height_px} px, the pixels are {given}",
            where=film.path,
            remedy="give the pixels of the same film",
        )


def stroke_px(width: int, height: int) -> float:
    """The stroke that suits a picture: a thousandth of its side, never finer than can be seen."""
    return max(float(np.sqrt(width * height)) / 1000, 0.6)


def softened(film_pixels: NDArray[np.float32], size: tuple[int, int]) -> Image.Image:
    """The film as an RGB picture of a size, its greys stretched to a range that leaves white to the marks."""
    # Every eighth pixel tells the range as well as all of them, in a sixty-fourth of the time.
    low, high = np.percentile(film_pixels[::8, ::8], (0.5, 99.5))
    gain = (_BRIGHTEST - _DARKEST) / max(float(high - low), 1e-6)
    grey = np.clip(film_pixels * np.float32(gain) + np.float32(_DARKEST - low * gain), _DARKEST, _BRIGHTEST)
    picture = Image.fromarray(grey.astype(np.uint8))
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return picture.convert("RGB")


def _paint(picture: Image.Image, marks: list[Mark], *, unit: float, size: int, labels: Labels) -> None:
    """Paint the marks, and their labels over them."""
    painter = Painter(picture)
    paint_marks(painter, marks, unit=unit)
    texts = [printable(mark.code) if labels == "code" else str(mark.number) for mark in marks]
    pad = 0.25 * size
    places = place_labels(
        np.array([mark.point for mark in marks]).reshape(-1, 2),
        np.array([mark.half_axes for mark in marks]).reshape(-1, 2, 2),
        np.array([(text_width(text, size) + pad, capital_height(size) + 2 * pad) for text in texts]),
        picture.size,
        dot_radius=(DOT_RADIUS + 1.5) * unit,
    )
    for place in places:
        if place.leader is not None:
            paint_leader(painter, place.leader, unit=unit, colour=_WHITE)
    for place, text in zip(places, texts, strict=True):
        left, top, _, bottom = place.box
        painter.text((left + pad / 2, (top + bottom) / 2), text, size, _WHITE, halo=max(1.3 * unit, 1.2))


def paint_leader(painter: Painter, leader: NDArray[np.float64], *, unit: float, colour: Colour) -> None:
    """Paint the line from a point to its label, (2, 2), in strokes that suit the picture."""
    start, end = leader
    painter.line(start, end, 2.4 * unit, _BLACK, opacity=0.45)
    painter.line(start, end, max(0.9 * unit, 0.8), colour, opacity=0.8)
