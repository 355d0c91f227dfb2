"""One symbol for each verdict, told apart by its shape and by its colour, for every eye.

The colours keep clear of the scale of expected errors (`colours`): what a symbol says is the verdict alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.reports.painter import BLACK, WHITE, ellipse_outline

if TYPE_CHECKING:
    from cephsure.cephalometry import MeasuredPoint
    from cephsure.reports.painter import Array, Colour, Painter
    from cephsure.uncertainty.prediction import LandmarkPrediction
    from cephsure.uncertainty.prediction_table import Judged

Standing = Literal["accept", "review", "unjudged", "unfit"]
"""What became of a point: accepted, to be reviewed, not judged, or no result because its film is unfit."""

COLOURS: dict[Standing, Colour] = {
    "accept": WHITE,
    "review": (255, 120, 215),
    "unjudged": (190, 196, 204),
    "unfit": (150, 150, 150),
}
TRUTH: Colour = (110, 255, 130)
"""Of a true point, a cross."""

_TRIANGLE = np.array([[0.0, -1.0], [0.87, 0.6], [-0.87, 0.6]])
_DIAMOND = np.array([[0.0, -1.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])


@dataclass(frozen=True, slots=True)
class VerdictColours:
    """A film's verdict as a band: its background, and the letters on it."""

    background: Colour
    ink: Colour
    symbol: Standing


BANDS: dict[str | None, VerdictColours] = {
    "fit": VerdictColours((0, 114, 178), WHITE, "accept"),
    "review": VerdictColours((230, 159, 0), BLACK, "review"),
    "unfit": VerdictColours((170, 30, 40), WHITE, "unfit"),
    None: VerdictColours((96, 102, 112), WHITE, "unjudged"),
}


def standing_of(film: Judged, point: LandmarkPrediction | MeasuredPoint) -> Standing:
    """What became of one point of a film; a person's are not judged."""
    if film.verdict == "unfit":
        return "unfit"
    return point.verdict or "unjudged"


def paint_symbol(
    painter: Painter,
    standing: Standing,
    point: Array,
    radius: float,
    *,
    colour: Colour | None = None,
    halo: float = 0.75,
) -> None:
    """Paint a point's symbol: a filled dot, a hollow diamond, a hollow triangle, or a ring struck through.

    The hollow ones have a dark middle, so that no bright film or sample in it makes them look filled.

    Args:
        painter: of the picture.
        standing: what became of the point.
        point: (2,) where, in px.
        radius: of the dot, in px; the hollow symbols are about twice as large.
        colour: in place of the standing's own.
        halo: opacity of the black edge, which parts the symbol from the film.
    """
    colour = COLOURS[standing] if colour is None else colour
    if standing == "accept":
        painter.disc(point, 1.55 * radius, BLACK, opacity=halo)
        painter.disc(point, radius, colour)
    elif standing == "unfit":
        _paint_struck_ring(painter, point, radius, colour, halo=halo)
    else:
        corners, size = (_DIAMOND, 1.0) if standing == "review" else (_TRIANGLE, 1.1)
        outer, frame, inner = (point + size * factor * radius * corners for factor in (2.5, 2.1, 1.2))
        painter.polygon(outer, BLACK, opacity=halo)
        painter.polygon(frame, colour, hole=inner)


def paint_truth(painter: Painter, point: Array, radius: float, *, halo: float = 0.75) -> None:
    """Paint a true point, a cross through ``point`` (2,); ``radius`` is a dot's, as of `paint_symbol`."""
    for thick, colour, opacity in ((1.0, BLACK, halo), (0.5, TRUTH, 1.0)):
        for arm in (np.array([1.0, 1.0]), np.array([1.0, -1.0])):
            reach = (1.6 * radius + (0.3 * radius if colour == BLACK else 0.0)) * arm
            painter.line(point - reach, point + reach, thick * radius, colour, opacity=opacity)


def _paint_struck_ring(painter: Painter, point: Array, radius: float, colour: Colour, *, halo: float) -> None:
    across = 2.7 * radius * np.array([0.7, -0.7])
    rings = [ellipse_outline(point, factor * radius * np.eye(2)) for factor in (2.3, 2.0, 1.5)]
    painter.polygon(rings[0], BLACK, opacity=0.6 * halo)
    painter.line(point - across, point + across, radius, BLACK, opacity=halo)
    painter.polygon(rings[1], colour, hole=rings[2])
    painter.line(point - across, point + across, 0.5 * radius, colour)
