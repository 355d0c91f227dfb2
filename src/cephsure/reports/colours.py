"""Colours that stand for numbers: how far off a point is expected to be, or how far its samples scatter.

The scale is fixed, so that films can be compared at a glance: from blue (sure) over yellow to orange-red
(doubtful). It runs along the axis of blue and yellow and then darkens, so that people with any of the common
colour-vision deficiencies can read it (a test looks at it through their eyes), and all of it is bright enough
to stand on a dark film.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cephsure.reports.painter import Colour
    from cephsure.uncertainty import Prediction
    from cephsure.uncertainty.prediction import LandmarkPrediction

STOPS: tuple[Colour, ...] = ((70, 160, 255), (70, 205, 190), (250, 230, 60), (255, 150, 30), (230, 70, 10))
MAXIMUM_MM = 3.0
MAXIMUM_PERCENT = 1.2
UNSCALED: Colour = (150, 150, 150)
"""Of what has no place on a scale of colours."""
HEAT: Colour = (255, 225, 90)
"""Of a heat map's layer."""

RAW = "raw, not calibrated"


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


def scale_for(prediction: Prediction) -> ColourScale | None:
    """The scale of a prediction: 0 to 3 mm, or 0 to 1.2 % of the film's height where its scale is not known.

    Both spans are nearly the same on a cephalogram of the usual 24 cm. It stands for the expected error where
    one is promised, else for the samples' raw spread. None for an unfit film, whose points are no results,
    and where one sample has no spread.
    """
    if prediction.level is not None:
        quantity = "expected error, calibrated"
    elif prediction.verdict == "unfit" or has_one_sample(prediction):
        return None
    else:
        quantity = f"spread of the samples ({RAW})"
    if prediction.film.mm_per_px is None:
        ticks = (0.0, 0.4, 0.8, MAXIMUM_PERCENT)
        return ColourScale(quantity, "% of film height", MAXIMUM_PERCENT, ticks)
    return ColourScale(quantity, "mm", MAXIMUM_MM, (0.0, 1.0, 2.0, MAXIMUM_MM))


def colour_of(prediction: Prediction, landmark: LandmarkPrediction) -> Colour:
    """One landmark's colour on the scale of its prediction, grey where there is none."""
    scale = scale_for(prediction)
    return UNSCALED if scale is None else scale.colour(coloured_value(prediction, landmark))


def coloured_value(prediction: Prediction, landmark: LandmarkPrediction) -> float:
    """One landmark's value in the unit of `scale_for`."""
    if landmark.expected_error_mm is not None:
        return landmark.expected_error_mm
    measures = landmark.measures
    in_mm = measures.spread_mm
    return measures.spread_px / prediction.film.height_px * 100 if in_mm is None else in_mm


def has_one_sample(prediction: Prediction) -> bool:
    """Whether each landmark comes from one sample alone, so that nothing can be said of a spread."""
    return prediction.model.samples <= 1
