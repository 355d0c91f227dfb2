"""One point of a comparison, large: found and true point, members, heat map and region, and a caption."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from cephsure.reports.colours import HEAT
from cephsure.reports.legend import STANDINGS
from cephsure.reports.lines import LINE, wrapped
from cephsure.reports.marks import NOTED, marks_of, paint_marks, region_outlines, to_picture
from cephsure.reports.overlay import grey_range, softened
from cephsure.reports.painter import BACKGROUND, FAINT, INK, WHITE, Painter
from cephsure.reports.symbols import paint_truth, standing_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.inference.samples import HeatMaps
    from cephsure.reports.comparison import Comparison
    from cephsure.reports.marks import Mark
    from cephsure.uncertainty.prediction import FilmInfo

    Array = NDArray[np.float64]

_LEAST_MM = 10.0  # that a crop shows across
_LEAST_SHARE = 0.04  # of the film's height, where the scale is not known
_ROOM = 1.3  # a crop shows so much more than what must be seen
_BARS = tuple(unit * power for power in (0.1, 1.0, 10.0, 100.0) for unit in (1.0, 2.0, 5.0))
_STROKE = 1 / 240  # of a crop's side
_LEAST_CONTRAST = 0.5  # of the film's range of greys
_OPACITY = 0.6  # of the heat map's most likely cell


@dataclass(frozen=True, slots=True)
class Window:
    """A square part of a film, in whole px."""

    left: int
    top: int
    side: int

    def seen(self, positions_px: Array, *, zoom: float) -> Array:
        """Where positions on the film lie on its enlarged picture."""
        return to_picture(positions_px - np.array([self.left, self.top]), zoom=(zoom, zoom))


def draw_crop(
    film_pixels: NDArray[np.float32], comparison: Comparison, place: int, *, side: int, size: int
) -> Image.Image:
    """Draw one point of a comparison, which has a true one, ``side`` px wide, with its caption beneath.

    ``place`` is the landmark's among those of the prediction, ``size`` that of letters, in px.
    """
    prediction = comparison.prediction
    window = window_of(comparison, place)
    zoom, unit = side / window.side, max(side * _STROKE, 0.8)
    rows, columns = (slice(first, first + window.side) for first in (window.top, window.left))
    part = film_pixels[rows, columns]
    picture = softened(part, (side, side), _contrast(part, of_film=grey_range(film_pixels)))
    if comparison.maps is not None:
        picture = _under_heat(picture, comparison.maps, place, window)
    painter = Painter(picture)
    paint_marks(painter, [_mark_of(comparison, place, window, zoom=zoom, unit=unit)], unit=unit)
    paint_truth(painter, window.seen(comparison.truth_px[place], zoom=zoom), 2.7 * unit)
    _paint_bar(painter, prediction.film, zoom=zoom, size=size)
    return _captioned(picture, caption(comparison, place), size=size)


def caption(comparison: Comparison, place: int) -> tuple[str, str]:
    """How far off a point is and was expected to be; what became of it, and where the true point lies."""
    prediction, unit = comparison.prediction, comparison.unit
    mark, inside = prediction.landmarks[place], comparison.in_regions[place]
    error = f"{mark.code}{NOTED if mark.note else ''}: error {comparison.errors[place]:.2f} {unit}"
    if mark.expected_error_mm is not None:
        error += f", expected {mark.expected_error_mm:.2f} mm"
    became = STANDINGS[standing_of(prediction, mark)]
    if inside is not None and mark.region is not None:
        became += f", {'in' if inside else 'outside'} the {100 * mark.region.level:g} % region"
    return error, became


def window_of(comparison: Comparison, place: int) -> Window:
    """The part of the film round a found and a true point that shows both, samples and region."""
    prediction = comparison.prediction
    film, mark = prediction.film, prediction.landmarks[place]
    points = [np.array([[mark.x_px, mark.y_px]]), comparison.truth_px[place : place + 1]]
    shown = np.concatenate([*points, np.array(mark.samples_px).reshape(-1, 2), *region_outlines(mark.region)])
    # A region or a sample far off must not make all the rest too small to see.
    middle = np.concatenate(points).mean(axis=0)
    reach = np.abs(np.concatenate(points) - middle).max()
    least = _LEAST_SHARE * film.height_px if film.mm_per_px is None else _LEAST_MM / film.mm_per_px[0]
    spread = min(np.abs(shown - middle).max(), max(3 * reach, 1.5 * least))
    side = round(max(2 * _ROOM * max(reach, spread), least))
    side = max(min(side, film.width_px, film.height_px), 1)
    left, top = (
        min(max(round(at - (side - 1) / 2), 0), size - side)
        for at, size in zip(middle.tolist(), (film.width_px, film.height_px), strict=True)
    )
    return Window(left, top, side)


def _contrast(part: NDArray[np.float32], *, of_film: tuple[float, float]) -> tuple[float, float]:
    """The range of greys of a part of a film, but not so short that grain stands out."""
    low, high = np.percentile(part, (0.5, 99.5)).tolist()
    short = max(_LEAST_CONTRAST * (of_film[1] - of_film[0]) - (high - low), 0.0)
    return low - short / 2, high + short / 2


def _mark_of(comparison: Comparison, place: int, window: Window, *, zoom: float, unit: float) -> Mark:
    """The point's mark on its crop."""
    prediction = comparison.prediction
    alone = prediction.model_copy(update={"landmarks": (prediction.landmarks[place],)})
    # Only the square of a region that is all of the film has no size of its own.
    smallest = 0.5 if prediction.landmarks[place].region is None else 8.5 * unit
    (mark,) = marks_of(alone, zoom=(zoom, zoom), smallest_radius=smallest)
    back = zoom * np.array([window.left, window.top])
    return replace(
        mark,
        point=mark.point - back,
        samples=mark.samples - back,
        outlines=tuple(chain - back for chain in mark.outlines),
    )


def _under_heat(picture: Image.Image, maps: HeatMaps, place: int, window: Window) -> Image.Image:
    """The picture with the heat map over it, the clearer the more likely."""
    side = picture.width
    at = (np.arange(side) + 0.5) * window.side / side - 0.5
    grid = np.stack(np.meshgrid(at + window.left, at + window.top), axis=-1)  # (side, side, 2) px of the film
    cells = (grid - maps.origins_px[place]) @ np.linalg.inv(maps.cell_px).T
    likely = _between(maps.probabilities[place], cells)
    opacity = _OPACITY * np.sqrt(likely / max(float(maps.probabilities[place].max()), 1e-12))
    layer = Image.new("RGB", picture.size, HEAT)
    return Image.composite(layer, picture, Image.fromarray(np.round(255 * opacity).astype(np.uint8)))


def _between(image: NDArray[np.float32], cells: Array) -> Array:
    """Values of an image at places (..., 2) (column, row), linear between its cells, 0 off it."""
    padded = np.pad(image.astype(np.float64), 1)
    height, width = padded.shape
    column, row = (np.clip(cells[..., axis] + 1, 0, size - 1.001) for axis, size in ((0, width), (1, height)))
    x, y = column.astype(np.int64), row.astype(np.int64)
    right, down = column - x, row - y
    upper = padded[y, x] * (1 - right) + padded[y, x + 1] * right
    lower = padded[y + 1, x] * (1 - right) + padded[y + 1, x + 1] * right
    return np.asarray(upper * (1 - down) + lower * down)


def _paint_bar(painter: Painter, film: FilmInfo, *, zoom: float, size: int) -> None:
    """A bar that is some mm long, or px of the film where its scale is not known."""
    side = painter.picture.width
    unit, length_px = ("px", 1.0) if film.mm_per_px is None else ("mm", 1 / film.mm_per_px[0])
    long = max((bar for bar in _BARS if bar * length_px * zoom <= 0.3 * side), default=_BARS[0])
    start = np.array([0.6 * size, side - 0.7 * size])
    end = start + np.array([long * length_px * zoom, 0.0])
    painter.line(start - 1.0, end + 1.0, 0.42 * size, (0, 0, 0), opacity=0.7)
    painter.line(start, end, 0.2 * size, WHITE)
    painter.text((float(start[0]), float(start[1]) - 0.75 * size), f"{long:g} {unit}", size, WHITE, halo=1.3)


def _captioned(picture: Image.Image, texts: tuple[str, str], *, size: int) -> Image.Image:
    lines = [
        (part, colour)
        for text, colour in zip(texts, (INK, FAINT), strict=True)
        for part in wrapped(text, size, picture.width)
    ]
    sheet = Image.new(
        "RGB", (picture.width, round(picture.height + (len(lines) * LINE + 0.4) * size)), BACKGROUND
    )
    sheet.paste(picture, (0, 0))
    painter = Painter(sheet)
    for number, (text, colour) in enumerate(lines):
        painter.text((0.0, picture.height + (0.95 + LINE * number) * size), text, size, colour)
    return sheet
