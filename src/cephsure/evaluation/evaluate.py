"""From predicted and true points to accuracy and to the quality of the measures of uncertainty."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cephsure.errors import InputError
from cephsure.evaluation.bootstrap import film_weights, mean_interval
from cephsure.evaluation.errors import THRESHOLDS_MM, radial_errors, summarize
from cephsure.evaluation.quality import known, known_interval, measure_quality
from cephsure.evaluation.result import (
    About,
    Accuracy,
    Evaluation,
    LandmarkAccuracy,
    LeftOut,
    LeftOutCount,
    MeasureQuality,
    PartialEvaluation,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from cephsure.landmarks import LandmarkSet

Unit = Literal["mm", "px"]
NO_SCALE = "the film has no scale, others have one"
NO_TRUTH = "no truth for the point"
NO_POINT = "no truth for any of the film's points"
NOT_PREDICTED = "not predicted"


def evaluate(
    predicted_px: ArrayLike,
    truth_px: ArrayLike,
    mm_per_px: ArrayLike,
    measures: Mapping[str, ArrayLike],
    directions: Mapping[str, Literal[-1, 1]],
    *,
    landmark_set: LandmarkSet | None = None,
    without: Sequence[int] = (),
    left_out: Sequence[LeftOut] = (),
    about: About | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """Evaluate predictions of F films with L landmarks.

    Errors are in mm if any film has a scale: films without one are then left out, and said to be. If no film
    has a scale, errors are in px, every value in mm is None and nothing is invented in its place.

    Points predicted and true are (F, L, 2), (x, y) in px, the scale along x and y (F, 2), the measures by
    name (F, L) in one unit for all films; NaN is what is missing. A direction is +1 if the measure rises with
    uncertainty, -1 if it falls. Without a landmark set landmarks are only numbered from 1. The overall
    figures are also given ``without`` each of some landmarks, by number; what was left out before counts in.

    Raises:
        InputError: there is not one point to evaluate.
        ValueError: the shapes do not fit.
    """
    points, dropped = _points(predicted_px, truth_px, mm_per_px, measures, directions)
    labels = _labels(points, landmark_set)
    weights = film_weights(len(points.errors), n_resamples=n_resamples, seed=seed)
    reasons = (*left_out, *dropped)
    numbers = np.array([number for number, _, _ in labels])
    parts = {number: points.only(numbers != number) for number in without if number in numbers}
    return Evaluation(
        **_accuracy(points, weights),
        about=About() if about is None else about,
        unit=points.unit,
        per_landmark=tuple(
            LandmarkAccuracy(
                **_accuracy(points.only(numbers == number), weights), number=number, code=code, name=name
            )
            for number, code, name in labels
        ),
        measures=_qualities(points, weights),
        without={
            str(number): PartialEvaluation(**_accuracy(part, weights), measures=_qualities(part, weights))
            for number, part in parts.items()
        },
        left_out=LeftOutCount(
            films=sum(reason.films for reason in reasons),
            points=sum(reason.points for reason in reasons),
            reasons=reasons,
        ),
        resamples=n_resamples,
    )


@dataclass(frozen=True, slots=True)
class _Points:
    """Errors (F, L) in ``unit``, NaN where there is none, with the measures' values and directions."""

    errors: NDArray[np.float64]
    unit: Unit
    measures: dict[str, NDArray[np.float64]]
    directions: Mapping[str, Literal[-1, 1]]

    def only(self, landmarks: NDArray[np.bool_]) -> _Points:
        """The same films with some of the landmarks."""
        measures = {name: values[:, landmarks] for name, values in self.measures.items()}
        return replace(self, errors=self.errors[:, landmarks], measures=measures)


def _points(
    predicted_px: ArrayLike,
    truth_px: ArrayLike,
    mm_per_px: ArrayLike,
    measures: Mapping[str, ArrayLike],
    directions: Mapping[str, Literal[-1, 1]],
) -> tuple[_Points, list[LeftOut]]:
    """Errors of the films that can be evaluated, and what cannot."""
    errors_px = radial_errors(predicted_px, truth_px)
    errors_mm = radial_errors(predicted_px, truth_px, mm_per_px=mm_per_px)
    values = {name: np.asarray(given, dtype=np.float64) for name, given in measures.items()}
    for name, given in values.items():
        if given.shape != errors_px.shape:
            raise ValueError(f"measure {name} has shape {given.shape}, the errors have {errors_px.shape}")
    has_scale: NDArray[np.bool_] = np.asarray(np.isfinite(mm_per_px).all(axis=1))
    true: NDArray[np.bool_] = np.asarray(np.isfinite(truth_px).all(axis=2))
    in_mm = bool(has_scale.any())
    scaled = has_scale if in_mm else np.ones_like(has_scale)
    kept = scaled & true.any(axis=1)
    errors = (errors_mm if in_mm else errors_px)[kept]
    if np.isnan(errors).all():
        raise InputError(
            "there is no point to evaluate: no film has both a prediction and a truth",
            remedy="check the data set, the split and the annotator chosen as truth",
        )
    dropped = [
        LeftOut(reason=NO_SCALE, films=int((~scaled).sum())),
        LeftOut(reason=NO_POINT, films=int((scaled & ~kept).sum())),
        LeftOut(reason=NO_TRUTH, points=int((~true[kept]).sum())),
        LeftOut(reason=NOT_PREDICTED, points=int((true[kept] & np.isnan(errors)).sum())),
    ]
    kept_values = {name: given[kept] for name, given in values.items()}
    points = _Points(errors, "mm" if in_mm else "px", kept_values, directions)
    return points, [reason for reason in dropped if reason.films or reason.points]


def _labels(points: _Points, landmark_set: LandmarkSet | None) -> list[tuple[int, str | None, str | None]]:
    """Number, code and name of each landmark, in the order of the arrays."""
    count = points.errors.shape[1]
    if landmark_set is None:
        return [(number, None, None) for number in range(1, count + 1)]
    if len(landmark_set) != count:
        raise ValueError(f"{count} landmarks do not fit the set {landmark_set.name} of {len(landmark_set)}")
    return [(landmark.number, landmark.code, landmark.name) for landmark in landmark_set.landmarks]


def _accuracy(points: _Points, weights: NDArray[np.float64]) -> dict[str, Any]:
    """The fields of ``Accuracy``."""
    summary = summarize(points.errors)
    fields: dict[str, Any] = dict.fromkeys(Accuracy.model_fields)
    fields[f"mre_{points.unit}"] = known(summary.mean)
    fields[f"sd_{points.unit}"] = known(summary.sd)
    fields[f"mre_ci95_{points.unit}"] = known_interval(mean_interval(points.errors, weights))
    fields["n_films"] = int((~np.isnan(points.errors)).any(axis=1).sum())
    fields["n_points"] = summary.n_points
    if points.unit == "mm" and summary.n_points:
        fields["sdr"] = {str(threshold): summary.success_percent[threshold] for threshold in THRESHOLDS_MM}
    return fields


def _qualities(points: _Points, weights: NDArray[np.float64]) -> dict[str, MeasureQuality]:
    """Quality of each measure."""
    in_mm = points.unit == "mm"
    return {
        name: measure_quality(points.errors, values, points.directions[name], weights, in_mm=in_mm)
        for name, values in points.measures.items()
    }
