"""What is drawn for each landmark: a point, the region its samples spread over, and the samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.reports.colour_scale import coloured_value, has_one_sample, scale_for
from cephsure.reports.painter import ellipse_outline
from cephsure.reports.regions import region_outlines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.reports.colour_scale import Colour
    from cephsure.reports.painter import Painter
    from cephsure.uncertainty import Prediction
    from cephsure.uncertainty.prediction import LandmarkPrediction

STANDARD_DEVIATIONS = 2.0
DOT_RADIUS = 2.9  # in strokes
_BLACK: Colour = (0, 0, 0)
_WHITE: Colour = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Mark:
    """One landmark as it is drawn; everything in px of the picture.

    Attributes:
        code: the landmark's code.
        number: the landmark's number.
        point: (2,) position.
        half_axes: (2, 2), the region's half axes as rows, the longer one first.
        samples: (T, 2) positions; empty if there is one sample only.
        colour: for the landmark's uncertainty.
        value: what the colour stands for, in the colour scale's unit.
        outlines: closed chains (N, 2) of the region that holds the true point with a stated probability; half
            axes are then those of the box round them. Empty without calibration: the region is an ellipse.
        doubtful: whether the gate sends the point to review; it is then a diamond with a dark middle.
    """

    code: str
    number: int
    point: NDArray[np.float64]
    half_axes: NDArray[np.float64]
    samples: NDArray[np.float64]
    colour: Colour
    value: float
    outlines: tuple[NDArray[np.float64], ...] = ()
    doubtful: bool = False

    @property
    def radius(self) -> float:
        """Radius of the circle round the point that holds the region."""
        return float(np.hypot(*self.half_axes[0]))


def marks_of(prediction: Prediction, *, zoom: tuple[float, float], smallest_radius: float) -> list[Mark]:
    """The marks of a prediction on a picture of its film.

    Args:
        prediction: one film's landmarks.
        zoom: px of the picture for a px of the film, along x and y.
        smallest_radius: half axes are drawn at least this long, in px of the picture.

    Returns:
        One mark a landmark, in order.
    """
    scale = scale_for(prediction)
    marks = []
    for landmark in prediction.landmarks:
        value = coloured_value(prediction, landmark)
        point = to_picture(np.array([landmark.x_px, landmark.y_px]), zoom=zoom)
        outlines = tuple(to_picture(one, zoom=zoom) for one in region_outlines(landmark.region))
        half_axes = _region_px(landmark, single=has_one_sample(prediction)) * zoom
        if landmark.region is not None:
            half_axes = _box(point, outlines)
        samples = to_picture(np.array(landmark.samples_px, dtype=np.float64).reshape(-1, 2), zoom=zoom)
        marks.append(
            Mark(
                code=landmark.code,
                number=landmark.number,
                point=point,
                half_axes=_at_least(half_axes, smallest_radius),
                samples=samples[:0] if has_one_sample(prediction) else samples,
                colour=scale.colour(value),
                value=value,
                outlines=outlines,
                doubtful=landmark.verdict == "review",
            )
        )
    return marks


def to_picture(positions_px: NDArray[np.float64], *, zoom: tuple[float, float]) -> NDArray[np.float64]:
    """Positions on the film to positions on its picture; in both the first pixel's centre is (0, 0).

    >>> to_picture(np.array([[0.0, 0.0], [99.5, 10.0]]), zoom=(0.5, 0.5)).tolist()
    [[-0.25, -0.25], [49.5, 4.75]]
    """
    moved: NDArray[np.float64] = (positions_px + 0.5) * zoom - 0.5
    return moved


def spread_half_axes(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half axes of the ellipse of two standard deviations of some samples.

    Args:
        samples: (T, 2) positions.

    Returns:
        (2, 2) half axes as rows, the longer first, from the samples' covariance (divided by T - 1);
        zeros for fewer than two samples.
    """
    if len(samples) < 2:
        return np.zeros((2, 2))
    variances, axes = np.linalg.eigh(np.cov(samples.T))
    lengths = STANDARD_DEVIATIONS * np.sqrt(np.clip(variances[::-1], 0, None))
    half_axes: NDArray[np.float64] = lengths[:, None] * axes.T[::-1]
    return half_axes


def paint_marks(painter: Painter, marks: list[Mark], *, unit: float) -> None:
    """Paint the landmarks.

    All regions come before all points, and wide regions before narrow ones: no point is ever covered by a
    region, no sure landmark by a doubtful one.

    Args:
        painter: of the picture.
        marks: what to paint.
        unit: the stroke that suits the picture's size, in px.
    """
    for mark in sorted(marks, key=lambda mark: -mark.radius):
        paint = _paint_outlines if mark.outlines else _paint_region
        paint(painter, mark, unit=unit)
    for mark in marks:
        if not mark.doubtful:
            painter.disc(mark.point, (DOT_RADIUS + 0.9) * unit, _BLACK, opacity=0.75)
    for mark in marks:
        if mark.doubtful:
            paint_diamond(painter, mark.point, DOT_RADIUS * unit, mark.colour)
        else:
            painter.disc(mark.point, DOT_RADIUS * unit, mark.colour)


def paint_diamond(painter: Painter, point: NDArray[np.float64], radius: float, colour: Colour) -> None:
    """Paint the mark of a point to be reviewed: a hollow diamond, told from a dot without any colour.

    Args:
        painter: of the picture.
        point: (2,) its middle.
        radius: of the dot that it stands for, in px.
        colour: of its frame.
    """
    corners = np.array([[0.0, -1.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    outer, frame, inner = (point + factor * radius * corners for factor in (2.3, 1.9, 1.0))
    painter.polygon(outer, _BLACK, opacity=0.75)
    painter.polygon(frame, colour, hole=inner)


def _paint_region(painter: Painter, mark: Mark, *, unit: float) -> None:
    shade, outer, inner = (
        ellipse_outline(mark.point, _widened(mark, by=by * unit)) for by in (2.0, 0.9, -0.9)
    )
    painter.polygon(inner, mark.colour, opacity=0.22)
    painter.polygon(shade, _BLACK, opacity=0.6, hole=outer)
    painter.polygon(outer, mark.colour, hole=inner)
    for sample in mark.samples:
        painter.disc(sample, max(0.7, 0.9 * unit), _WHITE, opacity=0.6)


def _paint_outlines(painter: Painter, mark: Mark, *, unit: float) -> None:
    painter.area(mark.outlines, mark.colour, opacity=0.22)
    painter.edge(mark.outlines, 3.6 * unit, _BLACK, opacity=0.4)
    painter.edge(mark.outlines, 1.8 * unit, mark.colour)
    for sample in mark.samples:
        painter.disc(sample, max(0.7, 0.9 * unit), _WHITE, opacity=0.6)


def _box(point: NDArray[np.float64], outlines: tuple[NDArray[np.float64], ...]) -> NDArray[np.float64]:
    """(2, 2) half axes of a box round the point that holds all outlines, the longer first."""
    if not outlines:
        return np.zeros((2, 2))
    half_axes = np.diag(np.abs(np.concatenate(outlines) - point).max(axis=0))
    return half_axes if half_axes[0, 0] >= half_axes[1, 1] else half_axes[::-1]


def _region_px(landmark: LandmarkPrediction, *, single: bool) -> NDArray[np.float64]:
    """(2, 2) half axes in px of the film: from the samples, or the expected error's circle for one sample."""
    if single:
        return landmark.measures.expected_error_px * np.eye(2)
    return spread_half_axes(np.array(landmark.samples_px, dtype=np.float64).reshape(-1, 2))


def _at_least(half_axes: NDArray[np.float64], smallest: float) -> NDArray[np.float64]:
    """The same axes, none shorter than ``smallest``; an axis of no length is put across the other."""
    lengths = np.hypot(half_axes[:, 0], half_axes[:, 1])
    directions = half_axes / np.maximum(lengths, 1e-12)[:, None]
    if lengths[0] < 1e-9:
        directions[0] = (1.0, 0.0)
    if lengths[1] < 1e-9:
        directions[1] = (-directions[0, 1], directions[0, 0])
    longer: NDArray[np.float64] = directions * np.maximum(lengths, smallest)[:, None]
    return longer


def _widened(mark: Mark, *, by: float) -> NDArray[np.float64]:
    lengths = np.hypot(mark.half_axes[:, 0], mark.half_axes[:, 1])[:, None]
    widened: NDArray[np.float64] = mark.half_axes * (np.maximum(lengths + by, 0.1) / lengths)
    return widened
