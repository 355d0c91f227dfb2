"""What is drawn for each landmark: the region it may lie in, its samples, and its verdict's symbol.

The region's colour says how far off the point is expected to be (`colours`), the symbol what became of it
(`symbols`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.reports.colours import colour_of, has_one_sample
from cephsure.reports.painter import BLACK, WHITE, ellipse_outline
from cephsure.reports.symbols import paint_symbol, standing_of

if TYPE_CHECKING:
    from cephsure.reports.painter import Array, Colour, Painter
    from cephsure.reports.symbols import Standing
    from cephsure.uncertainty import Prediction
    from cephsure.uncertainty.prediction import LandmarkPrediction, Region

STANDARD_DEVIATIONS = 2.0
DOT_RADIUS = 2.7  # in strokes
NOTED = "!"
"""Follows the code of a point of which something else must be said."""


def region_outlines(region: Region | None) -> tuple[Array, ...]:
    """The closed outlines, (N, 2) in px of the film, of a region with a stated probability.

    What an even number of them surrounds is outside. None for all of the film, and for no region.
    """
    if region is None or region.whole_film:
        return ()
    if region.outlines_px is not None:
        return tuple(np.array(chain, dtype=np.float64) for chain in region.outlines_px)
    return (ellipse_outline(np.array(region.centre_px), np.array(region.half_axes_px)),)


@dataclass(frozen=True, slots=True)
class Mark:
    """One landmark as it is drawn; everything in px of the picture."""

    code: str
    number: int
    point: Array  # (2,)
    half_axes: Array  # (2, 2), the region's half axes as rows, the longer one first
    samples: Array  # (T, 2); empty if there is one sample only
    colour: Colour  # of the region: for the expected error, or the samples' raw spread
    standing: Standing
    # Closed chains (N, 2) of the region that holds the true point with a stated probability; half axes are
    # then those of the box round them. Empty without calibration (the shape is the ellipse of the samples'
    # raw spread), and where the region is all of the film (a square tells the colour).
    outlines: tuple[Array, ...] = ()
    shape: Literal["outlines", "ellipse", "square"] = "outlines"
    noted: bool = False  # whether something else must be said of the point

    @property
    def radius(self) -> float:
        """Radius of the circle round the point that holds the region."""
        return float(np.hypot(*self.half_axes[0]))


def marks_of(prediction: Prediction, *, zoom: tuple[float, float], smallest_radius: float) -> list[Mark]:
    """The marks of a prediction, one a landmark, on a picture of its film.

    ``zoom`` is the px of the picture for a px of the film, along x and y; half axes are drawn at least
    ``smallest_radius`` long, in px of the picture.
    """
    return [_mark(prediction, mark, zoom=zoom, smallest=smallest_radius) for mark in prediction.landmarks]


def _mark(
    prediction: Prediction, landmark: LandmarkPrediction, *, zoom: tuple[float, float], smallest: float
) -> Mark:
    point = to_picture(np.array([landmark.x_px, landmark.y_px]), zoom=zoom)
    outlines = tuple(to_picture(chain, zoom=zoom) for chain in region_outlines(landmark.region))
    samples_px = np.array(landmark.samples_px, dtype=np.float64).reshape(-1, 2)
    single = has_one_sample(prediction)
    if landmark.region is not None:
        half_axes = _box(point, outlines)
    elif single:
        half_axes = landmark.measures.raw_expected_error_px * np.eye(2) * zoom
    else:
        half_axes = spread_half_axes(samples_px) * zoom
    return Mark(
        code=landmark.code,
        number=landmark.number,
        point=point,
        half_axes=_at_least(half_axes, smallest),
        samples=to_picture(samples_px[:0] if single else samples_px, zoom=zoom),
        colour=colour_of(prediction, landmark),
        standing=standing_of(prediction, landmark),
        outlines=outlines,
        shape=_shape(landmark.region),
        noted=landmark.note is not None,
    )


def _shape(region: Region | None) -> Literal["outlines", "ellipse", "square"]:
    if region is None:
        return "ellipse"
    return "square" if region.whole_film else "outlines"


def to_picture(positions_px: Array, *, zoom: tuple[float, float]) -> Array:
    """Positions on the film to positions on its picture; in both the first pixel's centre is (0, 0).

    >>> to_picture(np.array([[0.0, 0.0], [99.5, 10.0]]), zoom=(0.5, 0.5)).tolist()
    [[-0.25, -0.25], [49.5, 4.75]]
    """
    return np.asarray((positions_px + 0.5) * zoom - 0.5)


def spread_half_axes(samples: Array) -> Array:
    """Half axes, as rows, the longer first, of the ellipse of two standard deviations of (T, 2) samples.

    From the samples' covariance (divided by T - 1); zeros for fewer than two samples.
    """
    if len(samples) < 2:
        return np.zeros((2, 2))
    variances, axes = np.linalg.eigh(np.cov(samples.T))
    lengths = STANDARD_DEVIATIONS * np.sqrt(np.clip(variances[::-1], 0, None))
    return np.asarray(lengths[:, None] * axes.T[::-1])


def paint_marks(painter: Painter, marks: list[Mark], *, unit: float) -> None:
    """Paint the landmarks in strokes of ``unit`` px.

    All regions come before all points, and wide regions before narrow ones: no point is ever covered by a
    region, no sure landmark by a doubtful one.
    """
    for mark in sorted(marks, key=lambda mark: -mark.radius):
        _paint_region(painter, mark, unit=unit)
        for sample in mark.samples:
            painter.disc(sample, max(0.7, 0.9 * unit), WHITE, opacity=0.6)
    for mark in marks:
        paint_symbol(painter, mark.standing, mark.point, DOT_RADIUS * unit)


def _paint_region(painter: Painter, mark: Mark, *, unit: float) -> None:
    if mark.shape == "outlines":
        painter.area(mark.outlines, mark.colour, opacity=0.22)
        painter.edge(mark.outlines, 3.6 * unit, BLACK, opacity=0.4)
        painter.edge(mark.outlines, 1.8 * unit, mark.colour)
        return
    # Thinner than what is promised, and not filled.
    shade, outer, inner = (
        _square(mark, by=by * unit)
        if mark.shape == "square"
        else ellipse_outline(mark.point, _widened(mark, by=by * unit))
        for by in (1.5, 0.6, -0.6)
    )
    painter.polygon(shade, BLACK, opacity=0.6, hole=outer)
    painter.polygon(outer, mark.colour, hole=inner)


def _square(mark: Mark, *, by: float) -> Array:
    corners = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    return np.asarray(mark.point + (float(np.hypot(*mark.half_axes[1])) + by) * corners)


def _box(point: Array, outlines: tuple[Array, ...]) -> Array:
    """(2, 2) half axes of a box round the point that holds all outlines, the longer first."""
    if not outlines:
        return np.zeros((2, 2))
    half_axes = np.diag(np.abs(np.concatenate(outlines) - point).max(axis=0))
    return half_axes if half_axes[0, 0] >= half_axes[1, 1] else half_axes[::-1]


def _at_least(half_axes: Array, smallest: float) -> Array:
    """The same axes, none shorter than ``smallest``; an axis of no length is put across the other."""
    lengths = np.hypot(half_axes[:, 0], half_axes[:, 1])
    directions = half_axes / np.maximum(lengths, 1e-12)[:, None]
    if lengths[0] < 1e-9:
        directions[0] = (1.0, 0.0)
    if lengths[1] < 1e-9:
        directions[1] = (-directions[0, 1], directions[0, 0])
    return np.asarray(directions * np.maximum(lengths, smallest)[:, None])


def _widened(mark: Mark, *, by: float) -> Array:
    lengths = np.hypot(mark.half_axes[:, 0], mark.half_axes[:, 1])[:, None]
    return np.asarray(mark.half_axes * (np.maximum(lengths + by, 0.1) / lengths))
