"""Colours for how far to trust a landmark: a fixed scale, so that films can be compared at a glance.

From blue (sure) over yellow to orange-red (doubtful). The scale runs along the axis of blue and yellow and
then darkens, so that people with any of the common colour-vision deficiencies can read it (a test looks at it
through their eyes), and all of it is bright enough to stand on a dark film.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cephsure.uncertainty import Prediction
    from cephsure.uncertainty.prediction import LandmarkPrediction

Colour = tuple[int, int, int]

STOPS: tuple[Colour, ...] = ((70, 160, 255), (70, 205, 190), (250, 230, 60), (255, 150, 30), (230, 70, 10))
MAXIMUM_MM = 3.0
MAXIMUM_PERCENT = 1.2


@dataclass(frozen=True, slots=True)
class ColourScale:
    """What the colour stands for, in which unit, and where the scale ends.

    Attributes:
        quantity: what is coloured, in words.
        unit: of values and ticks.
        maximum: the value of the last colour; larger values have it too.
        ticks: values to write at the scale.
    """

    quantity: str
    unit: str
    maximum: float
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

    Both spans are nearly the same on a cephalogram of the usual 24 cm.

    Args:
        prediction: one film's landmarks. Calibrated ones are coloured by their expected error; of the others
            a single sample has no spread, and the scale is that of the expected error too.

    Returns:
        The scale to colour ``coloured_value`` by.
    """
    if is_calibrated(prediction):
        quantity = "expected error, calibrated"
    else:
        quantity = "expected error" if has_one_sample(prediction) else "spread of the samples"
    if prediction.film.mm_per_px is None:
        ticks = (0.0, 0.4, 0.8, MAXIMUM_PERCENT)
        return ColourScale(quantity, "% of film height", MAXIMUM_PERCENT, ticks)
    return ColourScale(quantity, "mm", MAXIMUM_MM, (0.0, 1.0, 2.0, MAXIMUM_MM))


def coloured_value(prediction: Prediction, landmark: LandmarkPrediction) -> float:
    """One landmark's value in the unit of ``scale_for``."""
    if landmark.expected_error_mm is not None:
        return landmark.expected_error_mm
    measures = landmark.measures
    single = has_one_sample(prediction)
    in_px = measures.expected_error_px if single else measures.spread_px
    in_mm = measures.expected_error_mm if single else measures.spread_mm
    return in_px / prediction.film.height_px * 100 if in_mm is None else in_mm


def is_calibrated(prediction: Prediction) -> bool:
    """Whether the landmarks have calibrated errors."""
    return all(landmark.expected_error_mm is not None for landmark in prediction.landmarks)


def has_one_sample(prediction: Prediction) -> bool:
    """Whether each landmark comes from one sample alone, so that nothing can be said of a spread."""
    return prediction.model.samples <= 1
