"""What a calibration is fitted on: signed errors of a model on films that it was not trained on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cephsure.errors import InputError
from cephsure.uncertainty.calibration.error_fits import tempered_errors_mm
from cephsure.uncertainty.measures import ALWAYS_IN_MM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.inference.samples import HeatMaps
    from cephsure.uncertainty.prediction import Prediction


@dataclass(frozen=True, slots=True)
class CalibrationSource:
    """Where calibration data come from: data set, split, truth and model.

    Attributes:
        data_sha256: over the films' names, image files and chosen points, as in a bundle's provenance.
        truth: whose points are true.
        model_sha256: of the uncalibrated bundle.
        samples: samples a landmark.
        seed: of the predictions.
    """

    dataset: str
    data_sha256: str
    split: str
    truth: str
    model: str
    model_kind: str
    model_sha256: str
    samples: int
    seed: int


@dataclass(frozen=True, slots=True)
class CalibrationData:
    """F films with L landmarks: how far the model was off, and what it said about that itself.

    All directions are those of the upright film, the head facing right: x runs to the face, y downwards. A
    film that faces left is mirrored, so that an offset means the same on every film.

    Attributes:
        film_ids: the films' names.
        groups: films that belong together (one exposure taken twice, one patient) share a name; a film that
            stands alone has a name of its own.
        errors_mm: (F, L, 2) found minus true position, NaN where there is no truth or no scale.
        measures: key of a measure in mm (``Measure.key(in_mm=True)``) -> (F, L) values, NaN without a scale.
        points_px: (F, L, 2) found positions in px of each film as given.
        upright_mm_per_px: (F, 2) what a px of the film as given is on the upright film, in mm; along x it is
            negative where the film faces left. NaN without a scale.
        maps: the heat maps of each film as given, or None if they were not asked for.
        tempered_mm: (F, L, G) expected errors under the maps at ``error_fits.LOG_TEMPERATURES``, with maps.
    """

    film_ids: tuple[str, ...]
    groups: tuple[str, ...]
    numbers: tuple[int, ...]
    errors_mm: NDArray[np.float64]
    measures: dict[str, NDArray[np.float64]]
    points_px: NDArray[np.float64]
    upright_mm_per_px: NDArray[np.float64]
    source: CalibrationSource
    maps: tuple[HeatMaps, ...] | None = None
    tempered_mm: NDArray[np.float64] | None = None

    @property
    def radial_mm(self) -> NDArray[np.float64]:
        """(F, L) radial errors in mm, NaN where they are not known."""
        return np.hypot(self.errors_mm[..., 0], self.errors_mm[..., 1])

    def take(self, films: Sequence[int] | NDArray[np.int64]) -> CalibrationData:
        """The films at some indices, in that order."""
        chosen = np.asarray(films, dtype=np.int64)
        return replace(
            self,
            film_ids=tuple(self.film_ids[i] for i in chosen),
            groups=tuple(self.groups[i] for i in chosen),
            errors_mm=self.errors_mm[chosen],
            measures={key: values[chosen] for key, values in self.measures.items()},
            points_px=self.points_px[chosen],
            upright_mm_per_px=self.upright_mm_per_px[chosen],
            maps=None if self.maps is None else tuple(self.maps[i] for i in chosen),
            tempered_mm=None if self.tempered_mm is None else self.tempered_mm[chosen],
        )


def calibration_data(
    predictions: Sequence[Prediction],
    truths_px: NDArray[np.float64],
    *,
    film_ids: Sequence[str],
    groups: Sequence[str | None],
    source: CalibrationSource,
    maps: Sequence[HeatMaps] | None = None,
) -> CalibrationData:
    """Set predictions of F films, of one landmark set, beside the truth.

    The true positions are (F, L, 2) in px of each film as given, NaN where there is none; a group is None for
    a film that stands alone; heat maps are given if they are to be used. An InputError where no film has a
    scale and a true point, or two films share a name.
    """
    doubled = [name for name, count in Counter(film_ids).items() if count > 1]
    if doubled:
        raise InputError(f"two films are called {doubled[0]!r}")
    points_px = np.stack([prediction.points_px for prediction in predictions])
    scales = np.stack([prediction.upright_mm_per_px for prediction in predictions])
    errors_mm = (points_px - truths_px) * scales[:, None]
    # A point of which one coordinate is missing has no position.
    errors_mm[np.isnan(errors_mm).any(axis=2)] = np.nan
    if not np.isfinite(errors_mm).any():
        raise InputError(
            "no film with a scale and a true point: there is nothing to calibrate on in millimetres",
            remedy="give the scale by --mm-per-px",
        )
    return CalibrationData(
        film_ids=tuple(film_ids),
        # A name no group can have keeps films apart that stand alone.
        groups=tuple(
            f"film {name}" if group is None else f"group {group}"
            for name, group in zip(film_ids, groups, strict=True)
        ),
        numbers=tuple(landmark.number for landmark in predictions[0].landmarks),
        errors_mm=errors_mm,
        measures={
            key: np.array([prediction.measured(key) for prediction in predictions]) for key in ALWAYS_IN_MM
        },
        points_px=points_px,
        upright_mm_per_px=scales,
        source=source,
        maps=None if maps is None else tuple(maps),
        tempered_mm=None if maps is None else np.stack([*map(tempered_errors_mm, maps, points_px, scales)]),
    )
