"""What is drawn for each landmark: a point, the region it may lie in, its samples, in a colour.

Colours say how far to trust a landmark, on a fixed scale, so that films can be compared at a glance: from
blue (sure) over yellow to orange-red (doubtful). The scale runs along the axis of blue and yellow and then
darkens, so that people with any of the common colour-vision deficiencies can read it (a test looks at it
through their eyes), and all of it is bright enough to stand on a dark film.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.reports.painter import BLACK, WHITE, ellipse_outline

if TYPE_CHECKING:
    from cephsure.reports.painter import Array, Colour, Painter
    from cephsure.uncertainty import Prediction
    from cephsure.uncertainty.prediction import LandmarkPrediction, Region

STOPS: tuple[Colour, ...] = ((70, 160, 255), (70, 205, 190), (250, 230, 60), (255, 150, 30), (230, 70, 10))
MAXIMUM_MM = 3.0
MAXIMUM_PERCENT = 1.2
STANDARD_DEVIATIONS = 2.0
DOT_RADIUS = 2.9  # in strokes


@dataclass(frozen=True, slots=True)
class ColourScale:
    """What the colour stands for in words, in which unit, where the scale ends, and which values it shows."""

    quantity: str
    unit: str
    maximum: float  # the value of the last colour; larger values have it too
    ticks: tuple[float, ...]

    def colour(self, value: float) -> Colour:
        """The colour of a value, linear between the stops.

        >>> scale = ColourScale("spread", "mm", 3.0, (0, 3))
        >>> scale.colour(0.0), scale.colour(0.75), scale.colour(9.9)
        ((70, 160, 255), (70, 205, 190), (230, 70, 10))
        """
        place = min(max(value / self.maximum, 0.0), 1.0) * (len(STOPS) - 1)
        low = min(int(place), len(STOPS) - 2)
        part = place - low
        red, green, blue = (
            round(a + part * (b - a)) for a, b in zip(STOPS[low], STOPS[low + 1], strict=True)
        )
        return red, green, blue

    def tick_label(self, tick: float) -> str:
        """A tick's number; the last one is marked as open, since larger values share its colour."""
        return f"{tick:g}+" if tick >= self.maximum else f"{tick:g}"


def scale_for(prediction: Prediction) -> ColourScale:
    """The scale of a prediction: 0 to 3 mm, or 0 to 1.2 % of the film's height where its scale is not known.

    Both spans are nearly the same on a cephalogram of the usual 24 cm. Calibrated landmarks are coloured by
    their expected error; of the others a single sample has no spread, and is coloured by its expected error.
    """
    if all(landmark.expected_error_mm is not None for landmark in prediction.landmarks):
        quantity = "expected error, calibrated"
    else:
        quantity = "expected error" if has_one_sample(prediction) else "spread of the samples"
    if prediction.film.mm_per_px is None:
        ticks = (0.0, 0.4, 0.8, MAXIMUM_PERCENT)
        return ColourScale(quantity, "% of film height", MAXIMUM_PERCENT, ticks)
    return ColourScale(quantity, "mm", MAXIMUM_MM, (0.0, 1.0, 2.0, MAXIMUM_MM))


def coloured_value(prediction: Prediction, landmark: LandmarkPrediction) -> float:
    """One landmark's value in the unit of `scale_for`."""
    if landmark.expected_error_mm is not None:
        return landmark.expected_error_mm
    measures = landmark.measures
    single = has_one_sample(prediction)
    in_px = measures.raw_expected_error_px if single else measures.spread_px
    in_mm = measures.raw_expected_error_mm if single else measures.spread_mm
    return in_px / prediction.film.height_px * 100 if in_mm is None else in_mm


def has_one_sample(prediction: Prediction) -> bool:
    """Whether each landmark comes from one sample alone, so that nothing can be said of a spread."""
    return prediction.model.samples <= 1


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
    colour: Colour  # for the landmark's uncertainty
    value: float  # what the colour stands for, in the colour scale's unit
    # Closed chains (N, 2) of the region that holds the true point with a stated probability; half axes are
    # then those of the box round them. Empty without calibration: the region is an ellipse.
    outlines: tuple[Array, ...] = ()
    doubtful: bool = False  # whether the gate sends the point to review: a diamond with a dark middle

    @property
    def radius(self) -> float:
        """Radius of the circle round the point that holds the region."""
        return float(np.hypot(*self.half_axes[0]))


def marks_of(prediction: Prediction, *, zoom: tuple[float, float], smallest_radius: float) -> list[Mark]:
    """The marks of a prediction, one a landmark, on a picture of its film.

    ``zoom`` is the px of the picture for a px of the film, along x and y; half axes are drawn at least
    ``smallest_radius`` long, in px of the picture.
    """
    scale, single = scale_for(prediction), has_one_sample(prediction)
    marks = []
    for landmark in prediction.landmarks:
        value = coloured_value(prediction, landmark)
        point = to_picture(np.array([landmark.x_px, landmark.y_px]), zoom=zoom)
        outlines = tuple(to_picture(chain, zoom=zoom) for chain in region_outlines(landmark.region))
        samples_px = np.array(landmark.samples_px, dtype=np.float64).reshape(-1, 2)
        if landmark.region is not None:
            half_axes = _box(point, outlines)
        elif single:
            half_axes = landmark.measures.raw_expected_error_px * np.eye(2) * zoom
        else:
            half_axes = spread_half_axes(samples_px) * zoom
        marks.append(
            Mark(
                code=landmark.code,
                number=landmark.number,
                point=point,
                half_axes=_at_least(half_axes, smallest_radius),
                samples=to_picture(samples_px[:0] if single else samples_px, zoom=zoom),
                colour=scale.colour(value),
                value=value,
                outlines=outlines,
                doubtful=landmark.verdict == "review",
            )
        )
    return marks


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
        if not mark.doubtful:
            painter.disc(mark.point, (DOT_RADIUS + 0.9) * unit, BLACK, opacity=0.75)
    for mark in marks:
        if mark.doubtful:
            paint_diamond(painter, mark.point, DOT_RADIUS * unit, mark.colour)
        else:
            painter.disc(mark.point, DOT_RADIUS * unit, mark.colour)


def paint_diamond(painter: Painter, point: Array, radius: float, colour: Colour) -> None:
    """Paint the mark of a point to be reviewed: a hollow diamond, told from a dot without any colour.

    ``radius`` is that of the dot it stands for, in px.
    """
    corners = np.array([[0.0, -1.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    outer, frame, inner = (point + factor * radius * corners for factor in (2.3, 1.9, 1.0))
    painter.polygon(outer, BLACK, opacity=0.75)
    painter.polygon(frame, colour, hole=inner)


def _paint_region(painter: Painter, mark: Mark, *, unit: float) -> None:
    if mark.outlines:
        painter.area(mark.outlines, mark.colour, opacity=0.22)
        painter.edge(mark.outlines, 3.6 * unit, BLACK, opacity=0.4)
        painter.edge(mark.outlines, 1.8 * unit, mark.colour)
        return
    shade, outer, inner = (
        ellipse_outline(mark.point, _widened(mark, by=by * unit)) for by in (2.0, 0.9, -0.9)
    )
    painter.polygon(inner, mark.colour, opacity=0.22)
    painter.polygon(shade, BLACK, opacity=0.6, hole=outer)
    painter.polygon(outer, mark.colour, hole=inner)


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
