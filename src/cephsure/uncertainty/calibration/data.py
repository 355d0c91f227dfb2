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
        marks_px: (F, K, L, 2) positions of each annotator that the networks tell apart, else of the one.
        maps: each film's heat maps as given, one an annotator, or None if they were not asked for.
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
    marks_px: NDArray[np.float64]
    maps: tuple[tuple[HeatMaps, ...], ...] | None = None
    tempered_mm: NDArray[np.float64] | None = None

    @property
    def radial_mm(self) -> NDArray[np.float64]:
        """(F, L) radial errors in mm, NaN where they are not known."""
        return np.hypot(self.errors_mm[..., 0], self.errors_mm[..., 1])

    @property
    def truths_px(self) -> NDArray[np.float64]:
        """(F, L, 2) true positions in px of each film as given, NaN where they or the scale are not known."""
        return self.points_px - self.errors_mm / self.upright_mm_per_px[:, None]

    @property
    def lines_mm(self) -> NDArray[np.float64]:
        """(F, L, 2) half the vectors from the first annotator's mark to the second's; 0 without two."""
        return half_lines(self.marks_px) * self.upright_mm_per_px[:, None]

    def read_by(self, truths_px: NDArray[np.float64]) -> CalibrationData:
        """The same films beside other true points, (F, L, 2) in px of each film as given."""
        return replace(self, errors_mm=_errors_mm(self.points_px, truths_px, self.upright_mm_per_px))

    def draw(self, films: int, rng: np.random.Generator, *, spare: int = 0) -> NDArray[np.bool_]:
        """(F,) which films are drawn: whole groups at random until there are so many films.

        At least ``spare`` of the groups are not drawn.
        """
        names = np.asarray(self.groups)
        drawn = np.zeros(len(names), dtype=bool)
        order = rng.permutation(np.unique(names))
        for group in order[: len(order) - spare]:
            if drawn.sum() >= films:
                break
            drawn |= names == group
        return drawn

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
            marks_px=self.marks_px[chosen],
            maps=None if self.maps is None else tuple(self.maps[i] for i in chosen),
            tempered_mm=None if self.tempered_mm is None else self.tempered_mm[chosen],
        )


def half_lines(marks: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., L, 2) half the vectors from the first of two annotators' marks (..., K, L, 2) to the second's.

    Zero where there are not two: then there is no line that readers could lie on.
    """
    if marks.shape[-3] != 2:
        return np.zeros((*marks.shape[:-3], *marks.shape[-2:]))
    return np.asarray((marks[..., 1, :, :] - marks[..., 0, :, :]) / 2)


def _errors_mm(
    points_px: NDArray[np.float64], truths_px: NDArray[np.float64], scales: NDArray[np.float64]
) -> NDArray[np.float64]:
    errors_mm = (points_px - truths_px) * scales[:, None]
    # A point of which one coordinate is missing has no position.
    errors_mm[np.isnan(errors_mm).any(axis=2)] = np.nan
    return errors_mm


def calibration_data(
    predictions: Sequence[Prediction],
    truths_px: NDArray[np.float64],
    *,
    film_ids: Sequence[str],
    groups: Sequence[str | None],
    source: CalibrationSource,
    marks_px: Sequence[NDArray[np.float64]] | None = None,
    maps: Sequence[tuple[HeatMaps, ...]] | None = None,
) -> CalibrationData:
    """Set predictions of F films, of one landmark set, beside the truth.

    The true positions are (F, L, 2) in px of each film as given, NaN where there is none; a group is None for
    a film that stands alone; annotators' marks (K, L, 2) a film are given where networks tell them apart, and
    heat maps if they are to be used. An InputError where no film has a scale and a true point, or two films
    share a name.
    """
    doubled = [name for name, count in Counter(film_ids).items() if count > 1]
    if doubled:
        raise InputError(f"two films are called {doubled[0]!r}")
    points_px = np.stack([prediction.points_px for prediction in predictions])
    scales = np.stack([prediction.upright_mm_per_px for prediction in predictions])
    errors_mm = _errors_mm(points_px, truths_px, scales)
    if not np.isfinite(errors_mm).any():
        raise InputError(
            "no film with a scale and a true point: there is nothing to calibrate on in millimetres",
            remedy="give the scale by --mm-per-px",
        )
    measures = [comparable_measures(prediction) for prediction in predictions]
    return CalibrationData(
        film_ids=tuple(film_ids),
        # A name no group can have keeps films apart that stand alone.
        groups=tuple(
            f"film {name}" if group is None else f"group {group}"
            for name, group in zip(film_ids, groups, strict=True)
        ),
        numbers=tuple(landmark.number for landmark in predictions[0].landmarks),
        errors_mm=errors_mm,
        measures={key: np.array([own[key] for own in measures]) for key in ALWAYS_IN_MM},
        points_px=points_px,
        upright_mm_per_px=scales,
        source=source,
        marks_px=points_px[:, None] if marks_px is None else np.stack([*marks_px]),
        maps=None if maps is None else tuple(maps),
        tempered_mm=None if maps is None else np.stack([*map(_tempered_mm, maps, points_px, scales)]),
    )


def comparable_measures(prediction: Prediction) -> dict[str, NDArray[np.float64]]:
    """A prediction's measures in mm, as if it had samples without end.

    The mean distance of T samples to their own mean is short by a factor sqrt((T - 1) / T) in root mean
    square. Calibration films may have been predicted by fewer members than others, which have seen them.
    """
    measures = {key: prediction.measured(key) for key in ALWAYS_IN_MM}
    samples = prediction.model.samples
    if samples > 1:
        spread, error = measures["spread_mm"], measures["raw_expected_error_mm"]
        maps_own = np.maximum(error**2 - spread**2, 0.0)
        spread = spread * np.sqrt(samples / (samples - 1))
        measures |= {"spread_mm": spread, "raw_expected_error_mm": np.sqrt(maps_own + spread**2)}
    return measures


def _tempered_mm(
    maps: Sequence[HeatMaps], points_px: NDArray[np.float64], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(L, G) as ``tempered_errors_mm``, of each annotator's map about the own mark, their mean."""
    middle = [tempered_errors_mm(own, own.middles_px, scale) for own in maps] if len(maps) > 1 else None
    return tempered_errors_mm(maps[0], points_px, scale) if middle is None else np.mean(middle, axis=0)
