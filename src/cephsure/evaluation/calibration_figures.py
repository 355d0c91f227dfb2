"""What a calibration amounted to when it was rehearsed: figures with intervals, as JSON data and tables."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.evaluation.bootstrap import film_weights, mean_interval
from cephsure.evaluation.errors import reliability
from cephsure.evaluation.table import NOT_DEFINED, Column, Table, cell, percent
from cephsure.uncertainty.calibration.rehearsal import judge_regions
from cephsure.uncertainty.quantile import LEVELS
from cephsure.uncertainty.readers.cases import case_title

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from cephsure.landmarks import LandmarkSet
    from cephsure.uncertainty.calibration.calibration import Bounds, Calibration
    from cephsure.uncertainty.calibration.data import CalibrationSource
    from cephsure.uncertainty.calibration.rehearsal import RegionFigures, Rehearsed
    from cephsure.uncertainty.prediction import RegionKind

SCHEMA = "cephsure.calibration-figures/2"
RESAMPLES = 1000


def document(
    rehearsed: Sequence[Rehearsed],
    calibration: Calibration,
    source: CalibrationSource,
    landmark_set: LandmarkSet,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """All figures of a rehearsal as JSON data, case by case, intervals from bootstrap resamples of films.

    Overall, per reader and per landmark: expected and actual errors, coverage and areas by kind and level.
    """
    bounds = calibration.bounds
    by_case: dict[str, list[Rehearsed]] = {}
    for films in rehearsed:
        by_case.setdefault(films.case, []).append(films)
    return {
        "schema": SCHEMA,
        "source": asdict(source),
        "seed": seed,
        "default_kind": calibration.default,
        "interval": f"95 %, {resamples} bootstrap resamples of films",
        "cases": {
            case: _section(case, films, bounds[case], landmark_set, seed=seed, resamples=resamples)
            for case, films in by_case.items()
        },
    }


def _section(
    case: str,
    rehearsed: Sequence[Rehearsed],
    bounds: Mapping[RegionKind, Bounds],
    landmark_set: LandmarkSet,
    *,
    seed: int,
    resamples: int,
) -> dict[str, Any]:
    """One case's figures."""
    names = [
        f"{f.reader.data.source.dataset}/{f.reader.data.film_ids[i]}" for f in rehearsed for i in f.films
    ]
    readers = np.concatenate([[f.reader.name] * len(f.films) for f in rehearsed])
    film_ids, rows = np.unique(names, return_inverse=True)
    weights = film_weights(len(film_ids), n_resamples=resamples, seed=seed)[:, rows]
    expected = np.concatenate([f.expected_mm for f in rehearsed])
    actual = np.concatenate([f.actual_mm for f in rehearsed])
    regions = {
        (kind, level): judge_regions(rehearsed, bounds, kind, level) for kind in bounds for level in LEVELS
    }
    found, known = reliability(expected, actual), np.isfinite(actual)
    return {
        "title": case_title(case),
        "films": len(film_ids),
        "points": int(known.sum()),
        "mean_error_mm": _rounded(actual[known].mean()),
        "mean_expected_mm": _rounded(expected[known].mean()),
        "expected_calibration_error_mm": _rounded(found.expected_calibration_error),
        "deciles": [
            {"points": int(n), "expected_mm": _rounded(x), "actual_mm": _rounded(y), "ratio": _rounded(x / y)}
            for n, x, y in zip(found.counts, found.expected, found.actual, strict=True)
        ],
        "regions": [
            {"kind": kind, "level": level, **_region(figures, weights)}
            for (kind, level), figures in regions.items()
        ],
        "readers": [
            _reader(name, readers == name, expected, actual, regions)
            for name in dict.fromkeys(readers.tolist())
        ],
        "landmarks": [
            {"number": mark.number, "code": mark.code, **_landmark(expected, actual, regions, index, weights)}
            for index, mark in enumerate(landmark_set.landmarks)
        ],
    }


def _reader(
    name: str,
    rows: NDArray[np.bool_],
    expected: NDArray[np.float64],
    actual: NDArray[np.float64],
    regions: Mapping[tuple[RegionKind, float], RegionFigures],
) -> dict[str, Any]:
    """One reader's figures."""
    known = np.isfinite(actual[rows])
    return {
        "name": name,
        "films": int(rows.sum()),
        "mean_error_mm": _rounded(actual[rows][known].mean()),
        "mean_expected_mm": _rounded(expected[rows][known].mean()),
        "regions": [
            {
                "kind": kind,
                "level": level,
                "coverage": _rounded(np.nanmean(figures.covered[rows])),
                "median_area_mm2": _of_finite(np.median, figures.areas_mm2[rows]),
            }
            for (kind, level), figures in regions.items()
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


def _landmark(
    expected: NDArray[np.float64],
    actual: NDArray[np.float64],
    regions: Mapping[tuple[RegionKind, float], RegionFigures],
    index: int,
    weights: NDArray[np.float64],
) -> dict[str, Any]:
    """One landmark's figures."""
    known = np.isfinite(actual[:, index])
    if not known.any():
        return {"films": 0, "mean_error_mm": None, "mean_expected_mm": None, "regions": []}
    return {
        "films": int(known.sum()),
        "mean_error_mm": _rounded(actual[known, index].mean()),
        "mean_expected_mm": _rounded(expected[known, index].mean()),
        "regions": [
            {
                "kind": kind,
                "level": level,
                **_coverage(figures.covered[:, index], weights),
                "mean_area_mm2": _of_finite(np.mean, figures.areas_mm2[:, index]),
            }
            for (kind, level), figures in regions.items()
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
        f"Regions for {figures['title']}: {figures['films']} films",
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
    return Table(f"Errors in mm for {figures['title']}", columns, rows)


def reader_table(figures: dict[str, Any], *, kind: str, level: float) -> Table:
    """Each reader of a case: errors, and what the regions of one kind and level held."""
    rows = []
    for reader in figures["readers"]:
        entry = next(e for e in reader["regions"] if e["kind"] == kind and e["level"] == level)
        errors = cell(reader["mean_expected_mm"], 2), cell(reader["mean_error_mm"], 2)
        held = percent(entry["coverage"]), cell(entry["median_area_mm2"], 1)
        rows.append((reader["name"], str(reader["films"]), *errors, *held))
    headings = ("films", "expected, mm", "actual, mm", f"in {level:.0%}, %", "median, mm²")
    return Table(
        f"Readers, {figures['title']}", (Column("reader", "left"), *map(Column, headings)), tuple(rows)
    )


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
