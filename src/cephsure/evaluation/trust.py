"""Whether a model's judgement of itself is true: bias, regions, expected errors and verdicts beside truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.errors import InputError
from cephsure.evaluation.bootstrap import film_weights, mean_interval
from cephsure.evaluation.errors import is_within, reliability
from cephsure.evaluation.quality import known_interval
from cephsure.evaluation.result import (
    ExpectedErrors,
    GateTrust,
    LandmarkTrust,
    RegionTrust,
    Strata,
    Stratum,
    Tenth,
    Trust,
)
from cephsure.uncertainty.regions import holds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from cephsure.uncertainty.prediction import LandmarkPrediction, Prediction

TOLERANCE_MM = 2.0
UNKNOWN = "unknown"
_VERDICTS = ("fit", "review", "unfit")
_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What F films' predictions came to, L landmarks each, beside one truth.

    (F, L) values are NaN where something is not known: without a scale, a true point, calibration or a gate.
    What is withheld on unfit films counts: a model's judgement must not look better for what it leaves out.

    Attributes:
        marks: number and code of each landmark.
        errors_mm: (F, L, 2) found minus true, on the upright film.
        expected_mm: (F, L) calibrated expected errors.
        held: (F, L) 1 where the region holds the true point, else 0.
        areas_mm2: (F, L) of the regions, infinite for all of the film.
        accepted: (F, L) 1 where the gate accepts the point, else 0.
        verdicts: of the films.
        level: of the regions.
    """

    marks: tuple[tuple[int, str], ...]
    errors_mm: NDArray[np.float64]
    expected_mm: NDArray[np.float64]
    held: NDArray[np.float64]
    areas_mm2: NDArray[np.float64]
    accepted: NDArray[np.float64]
    verdicts: tuple[str | None, ...]
    level: float | None

    @classmethod
    def of(cls, predictions: Sequence[Prediction], truths_px: NDArray[np.float64]) -> Outcomes:
        """Predictions beside true points (F, L, 2) in px of each film as given, NaN where there is none."""
        scales = np.stack([found.upright_mm_per_px for found in predictions])[:, None]
        errors = (np.stack([found.points_px for found in predictions]) - truths_px) * scales
        # (F, L, 4); what belongs to a point without truth or scale is not looked at.
        values = np.array(
            [
                [_values(*pair) for pair in zip(found.landmarks, true, strict=True)]
                for found, true in zip(predictions, truths_px, strict=True)
            ]
        )
        values[np.isnan(errors).any(axis=2)] = np.nan
        regions = (mark.stated.region for found in predictions for mark in found.landmarks)
        return cls(
            tuple((mark.number, mark.code) for mark in predictions[0].landmarks),
            errors,
            expected_mm=values[..., 0],
            held=values[..., 1],
            areas_mm2=values[..., 2],
            accepted=values[..., 3],
            verdicts=tuple(found.verdict for found in predictions),
            level=next((region.level for region in regions if region is not None), None),
        )

    @property
    def radial_mm(self) -> NDArray[np.float64]:
        """(F, L) radial errors."""
        return np.hypot(self.errors_mm[..., 0], self.errors_mm[..., 1])

    def films(self, chosen: NDArray[np.bool_]) -> Outcomes:
        """Some of the films."""
        return self._part(np.flatnonzero(chosen), slice(None))

    def landmark(self, place: int) -> Outcomes:
        """One of the landmarks."""
        return self._part(np.arange(len(self.verdicts)), slice(place, place + 1))

    def _part(self, films: NDArray[np.int64], landmarks: slice) -> Outcomes:
        names = ("errors_mm", "expected_mm", "held", "areas_mm2", "accepted")
        return replace(
            self,
            marks=self.marks[landmarks],
            verdicts=tuple(self.verdicts[film] for film in films),
            **{name: getattr(self, name)[films][:, landmarks] for name in names},
        )


def _values(mark: LandmarkPrediction, true_px: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Expected error, whether the region holds the true point, its area and whether the point is accepted."""
    stated, nan = mark.stated, float("nan")
    region = stated.region
    held = area = nan
    if region is not None and np.isfinite(true_px).all():
        held = float(holds(region, true_px))
        area = np.inf if region.whole_film or region.area_mm2 is None else region.area_mm2
    expected = nan if stated.expected_error_mm is None else stated.expected_error_mm
    return expected, held, area, nan if mark.verdict is None else float(mark.verdict == "accept")


def check_tolerance(tolerance_mm: float) -> None:
    """Raise `InputError` unless it is a positive number of mm."""
    if not 0.0 < tolerance_mm < np.inf:
        raise InputError(f"a tolerance is a positive number of mm, not {tolerance_mm:g}")


def trust(
    outcomes: Outcomes, truth: str, *, tolerance_mm: float = TOLERANCE_MM, seed: int = 0
) -> Trust | None:
    """All figures against one truth; None if no point has an error in mm.

    ``tolerance_mm`` is what a point may be off and not be wrong, ``seed`` that of the bootstrap.
    """
    kept = outcomes.films(np.asarray(np.isfinite(outcomes.radial_mm).any(axis=1)))
    if not kept.verdicts:
        return None
    weights = film_weights(len(kept.verdicts), n_resamples=_RESAMPLES, seed=seed)
    single = [kept.landmark(place) for place in range(len(kept.marks))]
    marks = [
        LandmarkTrust(number=one.marks[0][0], code=one.marks[0][1], **_figures(one, tolerance_mm, None))
        for one in single
        if np.isfinite(one.radial_mm).any()
    ]
    covered = {mark.code: mark.regions.coverage for mark in marks if mark.regions is not None}
    worst = min(covered, key=covered.__getitem__, default=None)
    groups = reliability(kept.expected_mm, kept.radial_mm)
    return Trust(
        **_figures(kept, tolerance_mm, weights),
        truth=truth,
        worst_landmark=worst,
        worst_coverage=None if worst is None else covered[worst],
        tenths=tuple(
            Tenth(n_points=int(count), expected_mm=expected, actual_mm=actual)
            for count, expected, actual in zip(groups.counts, groups.expected, groups.actual, strict=True)
        ),
        per_landmark=tuple(marks),
    )


def _figures(found: Outcomes, tolerance_mm: float, weights: NDArray[np.float64] | None) -> dict[str, Any]:
    """The fields of ``TrustFigures`` of films and landmarks with at least one point."""
    radial = found.radial_mm
    known = np.isfinite(radial)
    errors = radial[known]
    x, y = found.errors_mm[known].mean(axis=0).tolist()
    return {
        "n_films": int(known.any(axis=1).sum()),
        "n_points": len(errors),
        "bias_mm": (x, y),
        "mre_mm": float(errors.mean()),
        "p95_mm": float(np.percentile(errors, 95)),
        "sdr_2mm": float(is_within(errors, 2.0).mean()),
        "regions": _regions(found, weights),
        "expected": _expected(found),
        "gate": _gate(found, tolerance_mm, weights),
    }


def _regions(found: Outcomes, weights: NDArray[np.float64] | None) -> RegionTrust | None:
    held = found.held[~np.isnan(found.held)]
    if found.level is None or not held.size:
        return None
    areas = found.areas_mm2[~np.isnan(found.areas_mm2)]
    finite = areas[np.isfinite(areas)]
    return RegionTrust(
        level=found.level,
        n_points=held.size,
        coverage=float(held.mean()),
        coverage_ci95=_interval(found.held, weights),
        median_area_mm2=float(np.median(finite)) if finite.size else None,
        whole_film_share=float(np.isinf(areas).mean()),
    )


def _expected(found: Outcomes) -> ExpectedErrors | None:
    both = ~np.isnan(found.expected_mm)
    if not both.any():
        return None
    expected, actual = float(found.expected_mm[both].mean()), float(found.radial_mm[both].mean())
    return ExpectedErrors(
        n_points=int(both.sum()),
        mean_expected_mm=expected,
        mean_actual_mm=actual,
        ratio=expected / actual if actual else None,
    )


def _gate(found: Outcomes, tolerance_mm: float, weights: NDArray[np.float64] | None) -> GateTrust | None:
    judged = ~np.isnan(found.accepted)
    if not judged.any():
        return None
    wrong = (~is_within(found.radial_mm, tolerance_mm)).astype(np.float64)
    accepted = judged & (found.accepted == 1.0)
    films = [found.verdicts[film] for film in np.flatnonzero(judged.any(axis=1))]
    return GateTrust(
        films={verdict: films.count(verdict) for verdict in _VERDICTS},
        tolerance_mm=tolerance_mm,
        accepted_share=float(accepted.sum() / judged.sum()),
        wrong_among_accepted=float(wrong[accepted].mean()) if accepted.any() else None,
        wrong_among_accepted_ci95=_interval(np.where(accepted, wrong, np.nan), weights),
        wrong_share=float(wrong[judged].mean()),
    )


def _interval(values: NDArray[np.float64], weights: NDArray[np.float64] | None) -> tuple[float, float] | None:
    """Bootstrap interval of a mean; None where none is asked for, as for single landmarks."""
    return None if weights is None else known_interval(mean_interval(values, weights))


def trust_of_all(
    outcomes: Mapping[str, Outcomes], *, tolerance_mm: float = TOLERANCE_MM
) -> tuple[Trust, ...]:
    """The figures against each of some truths; those without a point are left out."""
    every = (trust(found, truth, tolerance_mm=tolerance_mm) for truth, found in outcomes.items())
    return tuple(found for found in every if found is not None)


def strata(
    outcomes: Mapping[str, Outcomes],
    film_ids: Sequence[str],
    values: Mapping[str, str],
    *,
    column: str,
    tolerance_mm: float = TOLERANCE_MM,
) -> Strata:
    """The figures of films that share a value, by truth; a film without a value is of the stratum "unknown".

    ``values`` are those of a column of a film table, by film; the strata are in the order of their names, the
    unknown last.
    """
    of_film = [values.get(film, UNKNOWN) for film in film_ids]
    groups = []
    for name in sorted(set(of_film), key=lambda name: (name == UNKNOWN, name)):
        chosen = np.array([value == name for value in of_film])
        part = {truth: found.films(chosen) for truth, found in outcomes.items()}
        figures = trust_of_all(part, tolerance_mm=tolerance_mm)
        groups.append(Stratum(name=name, n_films=int(chosen.sum()), trust=figures))
    missing = tuple(film for film in film_ids if film not in values)
    return Strata(column=column, groups=tuple(groups), not_in_table=missing)
