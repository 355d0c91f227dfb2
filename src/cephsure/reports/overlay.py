"""The overlay: a film with its landmarks on it, each with how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from PIL import Image

from cephsure.atomic import write_atomically
from cephsure.errors import InputError
from cephsure.reports.band import draw_band
from cephsure.reports.labels import paint_labels
from cephsure.reports.legend import draw_legend, lay_out_legend
from cephsure.reports.marks import NOTED, marks_of, paint_marks
from cephsure.reports.painter import BACKGROUND, Painter
from cephsure.reports.symbols import COLOURS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from cephsure.reports.marks import Mark
    from cephsure.uncertainty import Prediction

Labels = Literal["code", "number"]

NARROWEST_PX = 200
SMALLEST_RADIUS = 8.5  # in strokes
_DARKEST, _BRIGHTEST = 10, 190


def draw_overlay(
    film_pixels: NDArray[np.float32],
    prediction: Prediction,
    *,
    width_px: int | None = None,
    labels: Labels = "code",
) -> Image.Image:
    """Draw a film with its landmarks, over it a band with the verdict and under it a legend.

    Each landmark is its verdict's symbol with its code beside it, in the region that holds the true point, in
    the colour of its expected error; the samples are faint dots. Where nothing is promised there is, in place
    of the region, the raw ellipse of two standard deviations of the samples (of one sample: the circle of
    the heat map's mean distance), and the legend says so; on an unfit film all is grey and struck through.
    The film is shown in softened greys, so that the marks stand out.

    Args:
        film_pixels: (height, width) grey values in [0, 1], as in ``Film.pixels``.
        prediction: the prediction of this film.
        width_px: width of the picture; by default the film's. Never less than 200 px.
        labels: write the landmarks' codes or their numbers.

    Returns:
        An RGB picture: the band, the film, reduced or enlarged to the width, and the legend.

    Raises:
        InputError: the pixels are not those of the prediction's film.
    """
    ground = film_ground(film_pixels, prediction.film, width_px=width_px, narrowest_px=NARROWEST_PX)
    unit, size = ground.unit, ground.size
    marks = marks_of(prediction, zoom=ground.zoom, smallest_radius=SMALLEST_RADIUS * unit)
    painter = Painter(ground.picture)
    paint_marks(painter, marks, unit=unit)
    paint_labels(
        painter,
        [(_label(mark, labels), COLOURS[mark.standing]) for mark in marks],
        np.array([mark.point for mark in marks]).reshape(-1, 2),
        np.array([mark.half_axes for mark in marks]).reshape(-1, 2, 2),
        unit=unit,
        size=size,
    )
    legend = lay_out_legend(
        prediction, width=ground.picture.width, size=size, smallest_px=SMALLEST_RADIUS * unit / ground.zoom[1]
    )
    band = draw_band(prediction, width=ground.picture.width, size=size)
    return stacked(band, ground.picture, draw_legend(legend))


def _label(mark: Mark, labels: Labels) -> str:
    return (mark.code if labels == "code" else str(mark.number)) + (NOTED if mark.noted else "")


def write_overlay(
    path: Path,
    film_pixels: NDArray[np.float32],
    prediction: Prediction,
    *,
    width_px: int | None = None,
    labels: Labels = "code",
) -> Path:
    """Draw an overlay with `draw_overlay` and write it to ``path`` as PNG, whole or not at all.

    Raises:
        InputError: the pixels are not those of the prediction's film, or the file cannot be written.
    """
    return write_png(path, draw_overlay(film_pixels, prediction, width_px=width_px, labels=labels))


def write_png(path: Path, picture: Image.Image) -> Path:
    """Write a picture of a film as PNG, whole or not at all, to ``path``; its folder is made if absent."""
    png = BytesIO()
    # Films are noise to a packer: the highest compression saves little and takes ten times as long.
    picture.save(png, format="PNG", compress_level=1)
    return write_atomically(path, png.getvalue())


class Sized(Protocol):
    """A film whose size is known, or is not."""

    @property
    def path(self) -> str | None:
        """Its file."""

    @property
    def width_px(self) -> int | None:
        """Its width."""

    @property
    def height_px(self) -> int | None:
        """Its height."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A film's picture to draw on, RGB."""

    picture: Image.Image
    zoom: tuple[float, float]  # px of the picture for a px of the film, along x and y
    unit: float  # the stroke that suits the picture, in px
    size: int  # of letters, in px


def film_ground(
    film_pixels: NDArray[np.float32], film: Sized, *, width_px: int | None, narrowest_px: int
) -> Ground:
    """The softened film at a width, by default its own.

    Raises:
        InputError: the pixels (height, width) cannot be those of the film.
    """
    height_px, width_of_film = film_pixels.shape
    if (film.width_px, film.height_px) != (width_of_film, height_px):
        raise InputError(
            f"the points are of a film of {film.width_px} x {film.height_px} px, "
            f"the pixels are {width_of_film} x {height_px}",
            where=film.path,
            remedy="give the pixels of the same film",
        )
    width = max(width_px or width_of_film, narrowest_px)
    height = max(round(height_px * width / width_of_film), 1)
    # A thousandth of the picture's side, never finer than can be seen.
    unit = max(float(np.sqrt(width * height)) / 1000, 0.6)
    return Ground(
        picture=softened(film_pixels, (width, height)),
        zoom=(width / width_of_film, height / height_px),
        unit=unit,
        size=max(10, round(13.5 * unit)),
    )


def grey_range(film_pixels: NDArray[np.float32]) -> tuple[float, float]:
    """The darkest and the brightest grey of a film, but for its few extremes."""
    # Every eighth pixel tells the range as well as all of them, in a sixty-fourth of the time.
    low, high = np.percentile(film_pixels[::8, ::8], (0.5, 99.5)).tolist()
    return low, high


def softened(
    film_pixels: NDArray[np.float32], size: tuple[int, int], greys: tuple[float, float] | None = None
) -> Image.Image:
    """The film as an RGB picture of a size, a range of greys stretched to one that leaves white to the marks.

    The range is by default the film's own, as of `grey_range`.
    """
    low, high = greys or grey_range(film_pixels)
    gain = (_BRIGHTEST - _DARKEST) / max(float(high - low), 1e-6)
    grey = np.clip(film_pixels * np.float32(gain) + np.float32(_DARKEST - low * gain), _DARKEST, _BRIGHTEST)
    picture = Image.fromarray(grey.astype(np.uint8))
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return picture.convert("RGB")


def stacked(*pictures: Image.Image) -> Image.Image:
    """Pictures of the same width, one beneath the other."""
    sheet = Image.new("RGB", (pictures[0].width, sum(picture.height for picture in pictures)), BACKGROUND)
    top = 0
    for picture in pictures:
        sheet.paste(picture, (0, top))
        top += picture.height
    return sheet
