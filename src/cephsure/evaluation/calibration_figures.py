"""What a cross-fitted calibration amounts to: figures with intervals, as JSON data and tables."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.evaluation.bootstrap import film_weights, mean_interval
from cephsure.evaluation.errors import reliability
from cephsure.evaluation.table import NOT_DEFINED, Column, Table, cell, percent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from cephsure.landmarks import LandmarkSet
    from cephsure.uncertainty.calibration.data import CalibrationData
    from cephsure.uncertainty.calibration.fitting import CrossFit, RegionFigures

SCHEMA = "cephsure.calibration-figures/1"
RESAMPLES = 1000


def document(
    crossed: CrossFit, data: CalibrationData, landmark_set: LandmarkSet, *, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """All figures of cross-fitted films as JSON data, their intervals from bootstrap resamples of films.

    Overall and per landmark: expected against actual errors, coverage and areas by kind and level.
    """
    weights = film_weights(len(data.film_ids), n_resamples=resamples, seed=crossed.seed)
    found = reliability(crossed.expected_mm, crossed.actual_mm)
    return {
        "schema": SCHEMA,
        "source": asdict(data.source),
        "films": len(data.film_ids),
        "groups": len(set(data.groups)),
        "points": int(np.isfinite(crossed.actual_mm).sum()),
        "folds": crossed.folds,
        "seed": crossed.seed,
        "interval": f"95 %, {resamples} bootstrap resamples of films",
        "mean_error_mm": _rounded(np.nanmean(crossed.actual_mm)),
        "mean_expected_mm": _rounded(crossed.expected_mm[np.isfinite(crossed.actual_mm)].mean()),
        "expected_calibration_error_mm": _rounded(found.expected_calibration_error),
        "deciles": [
            {"points": int(n), "expected_mm": _rounded(x), "actual_mm": _rounded(y), "ratio": _rounded(x / y)}
            for n, x, y in zip(found.counts, found.expected, found.actual, strict=True)
        ],
        "regions": [
            {"kind": kind, "level": level, **_region(figures, weights)}
            for (kind, level), figures in crossed.regions.items()
        ],
        "landmarks": [
            {"number": landmark.number, "code": landmark.code, **_landmark(crossed, index, weights)}
            for index, landmark in enumerate(landmark_set.landmarks)
        ],
    }


def _region(figures: RegionFigures, weights: NDArray[np.float64]) -> dict[str, Any]:
    """Coverage and area of one kind and level."""
    areas = np.where(np.isfinite(figures.areas_mm2), figures.areas_mm2, np.nan)
    known = np.isfinite(figures.covered)
    by_landmark = [np.nanmean(column) for column in figures.covered.T if np.isfinite(column).any()]
    return {
        **_coverage(figures.covered, weights),
        "worst_landmark": _rounded(min(by_landmark)),
        "mean_area_mm2": _of_finite(np.mean, areas),
        "mean_area_ci95_mm2": [*map(_rounded, mean_interval(areas, weights))],
        "median_area_mm2": _of_finite(np.median, areas),
        "whole_film_share": _rounded(np.isinf(figures.areas_mm2[known]).mean()),
    }


def _coverage(covered: NDArray[np.float64], weights: NDArray[np.float64]) -> dict[str, Any]:
    interval = mean_interval(covered, weights)
    return {"coverage": _rounded(np.nanmean(covered)), "coverage_ci95": [*map(_rounded, interval)]}


def _landmark(crossed: CrossFit, index: int, weights: NDArray[np.float64]) -> dict[str, Any]:
    """One landmark's figures."""
    actual = crossed.actual_mm[:, index]
    known = np.isfinite(actual)
    if not known.any():
        return {"films": 0, "mean_error_mm": None, "mean_expected_mm": None, "regions": []}
    return {
        "films": int(known.sum()),
        "mean_error_mm": _rounded(actual[known].mean()),
        "mean_expected_mm": _rounded(crossed.expected_mm[known, index].mean()),
        "regions": [
            {
                "kind": kind,
                "level": level,
                **_coverage(figures.covered[:, index], weights),
                "mean_area_mm2": _of_finite(np.mean, figures.areas_mm2[:, index]),
            }
            for (kind, level), figures in crossed.regions.items()
        ],
    }


def _of_finite(
    statistic: Callable[[NDArray[np.float64]], np.floating], areas: NDArray[np.float64]
) -> float | None:
    finite = areas[np.isfinite(areas)]
    return _rounded(statistic(finite)) if finite.size else None


def _rounded(value: float | np.floating) -> float | None:
    """Six digits; None for what is not known, since JSON has no NaN."""
    return float(f"{float(value):.6g}") if np.isfinite(value) else None


def region_table(figures: dict[str, Any]) -> Table:
    """Coverage and area by kind and level."""
    headings = ("level", "held the true point, % [95 %]", "worst landmark, %", "mean area, mm² [95 %]")
    rows = [
        (
            region["kind"],
            f"{region['level']:.0%}",
            f"{percent(region['coverage'])} {_span(region['coverage_ci95'], 100)}",
            percent(region["worst_landmark"]),
            f"{cell(region['mean_area_mm2'], 1)} {_span(region['mean_area_ci95_mm2'], 1)}",
            cell(region["median_area_mm2"], 1),
            percent(region["whole_film_share"]),
        )
        for region in figures["regions"]
    ]
    return Table(
        f"Regions, cross-fitted ({figures['folds']} folds, {figures['films']} films)",
        (Column("kind", "left"), *map(Column, (*headings, "median, mm²", "whole film, %"))),
        tuple(rows),
    )


def reliability_table(figures: dict[str, Any]) -> Table:
    """Expected and actual errors in groups of equal number."""
    rows = tuple(
        (
            str(number),
            str(group["points"]),
            *(cell(group[key], 2) for key in ("expected_mm", "actual_mm", "ratio")),
        )
        for number, group in enumerate(figures["deciles"], start=1)
    )
    columns = tuple(map(Column, ("group", "points", "expected", "actual", "ratio")))
    return Table("Errors in mm, cross-fitted", columns, rows)


def landmark_table(figures: dict[str, Any], *, kind: str, levels: Sequence[float]) -> Table:
    """Each landmark: expected and actual error, coverage and area of one kind of region."""
    rows = []
    for mark in figures["landmarks"]:
        regions = {entry["level"]: entry for entry in mark["regions"] if entry["kind"] == kind}
        errors = cell(mark["mean_expected_mm"], 2), cell(mark["mean_error_mm"], 2)
        cells = [str(mark["number"]), mark["code"], *errors]
        for level in levels:
            entry = regions.get(level, {})
            cells += [percent(entry.get("coverage")), cell(entry.get("mean_area_mm2"), 1)]
        rows.append(tuple(cells))
    by_level = [text for level in levels for text in (f"in {level:.0%}, %", "mm²")]
    headings = map(Column, ("expected, mm", "actual, mm", *by_level))
    columns = (Column("no"), Column("code", "left"), *headings)
    return Table(f"Landmarks, regions: {kind}", columns, tuple(rows))


def _span(ends: Sequence[float | None], factor: float) -> str:
    return f"[{', '.join(NOT_DEFINED if end is None else f'{factor * end:.1f}' for end in ends)}]"
