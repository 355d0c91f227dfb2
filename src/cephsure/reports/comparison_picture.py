"""The picture of a film's points beside the true ones, the worst of them large."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from cephsure.reports.band import draw_band
from cephsure.reports.colours import RAW
from cephsure.reports.crops import draw_crop
from cephsure.reports.labels import paint_labels
from cephsure.reports.legend import draw_legend, lay_out_legend
from cephsure.reports.lines import LINE
from cephsure.reports.marks import DOT_RADIUS, NOTED, marks_of, to_picture
from cephsure.reports.overlay import film_ground, stacked
from cephsure.reports.painter import BACKGROUND, Painter
from cephsure.reports.symbols import COLOURS, TRUTH, paint_symbol, paint_truth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.reports.comparison import Comparison
    from cephsure.reports.legend import Key
    from cephsure.reports.overlay import Ground

WORST = 6
"""So many points are shown large unless asked otherwise."""

_TALL, _WIDEST = 1110, 1400  # px of the film's picture
_SIZE, _GAP = 15, 8  # px of letters, and between pictures


def draw_comparison(
    film_pixels: NDArray[np.float32], comparison: Comparison, *, worst: int = WORST
) -> Image.Image:
    """Draw a film with its found and true points, and beside it the worst points large.

    Each of these shows the members' points, the heat map as a translucent layer, the region at its level, the
    found and the true point and a bar of some mm (px without a scale); under it how far off the point is, how
    far off it was expected to be, its verdict, and whether the region holds the true point.

    Args:
        film_pixels: (height, width) grey values in [0, 1], as in ``Film.pixels``.
        comparison: of this film.
        worst: how many points are shown large; those without a true point never are.

    Returns:
        An RGB picture: the band with the verdict, film and large points side by side, the legend.

    Raises:
        InputError: the pixels are not those of the prediction's film.
    """
    prediction = comparison.prediction
    film, places = prediction.film, comparison.worst(worst)
    zoom = min(_TALL / film.height_px, _WIDEST / film.width_px)
    ground = film_ground(film_pixels, film, width_px=max(round(film.width_px * zoom), 1), narrowest_px=1)
    _paint_film(ground, comparison)
    rows = 3 if len(places) > 2 else 2
    side = round(_TALL / rows - 2 * LINE * _SIZE - 2 * _GAP)
    crops = [draw_crop(film_pixels, comparison, place, side=side, size=_SIZE) for place in places]
    body = _beside(ground.picture, crops, rows=rows)
    keys: list[Key] = [("truth", f"true point: {comparison.truth_of}")]
    if comparison.maps is not None:
        keys.append(("heat", f"heat map ({RAW})"))
    band = draw_band(prediction, width=body.width, size=_SIZE, more=comparison.sentences)
    legend = lay_out_legend(prediction, width=body.width, size=_SIZE, smallest_px=None, more=keys)
    return stacked(band, body, draw_legend(legend))


def _paint_film(ground: Ground, comparison: Comparison) -> None:
    """Paint found and true points, a line between the two, and the codes."""
    prediction, painter, unit = comparison.prediction, Painter(ground.picture), ground.unit
    marks = marks_of(prediction, zoom=ground.zoom, smallest_radius=DOT_RADIUS * unit)
    true = to_picture(comparison.truth_px, zoom=ground.zoom)
    known = np.isfinite(comparison.errors)
    for mark, at in zip(marks, true, strict=True):
        if np.isfinite(at).all():
            painter.line(mark.point, at, 0.9 * unit, TRUTH, opacity=0.8)
    for mark in marks:
        paint_symbol(painter, mark.standing, mark.point, DOT_RADIUS * unit)
    for at in true[known]:
        paint_truth(painter, at, DOT_RADIUS * unit)
    labels = [(mark.code + (NOTED if mark.noted else ""), COLOURS[mark.standing]) for mark in marks]
    points = np.array([mark.point for mark in marks]).reshape(-1, 2)
    half_axes = np.zeros((len(marks), 2, 2)) + 2.5 * DOT_RADIUS * unit * np.eye(2)
    paint_labels(painter, labels, points, half_axes, unit=unit, size=ground.size, keep_off=true[known])


def _beside(film: Image.Image, crops: list[Image.Image], *, rows: int) -> Image.Image:
    """A film's picture, and right of it the crops in rows, the first ones on top."""
    columns = -(-len(crops) // rows)
    across, down = (
        max((size[i] for size in (crop.size for crop in crops)), default=0) + _GAP for i in (0, 1)
    )
    size = (film.width + columns * across, max(film.height, min(rows, len(crops)) * down))
    sheet = Image.new("RGB", size, BACKGROUND)
    sheet.paste(film, (0, 0))
    for number, crop in enumerate(crops):
        row, column = divmod(number, columns)
        sheet.paste(crop, (film.width + _GAP + column * across, row * down))
    return sheet
