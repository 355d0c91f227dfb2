"""What a cross-fitted calibration amounts to: figures with intervals, as JSON data, tables and a diagram."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.evaluation.bootstrap import film_weights, mean_interval
from cephsure.evaluation.errors import Reliability, reliability
from cephsure.evaluation.table import NOT_DEFINED, Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from cephsure.landmarks import LandmarkSet
    from cephsure.uncertainty.calibration import CalibrationData, CrossFit, RegionFigures

SCHEMA = "cephsure.calibration-figures/1"
RESAMPLES = 1000
# Okabe and Ito's palette: told apart by colour-blind readers too.
_COLOURS = {"hdr": "#0072B2", "ellipse": "#D55E00", "disc": "#009E73"}
_MARKERS = {"hdr": "o", "ellipse": "s", "disc": "^"}
_GREY = "#666666"


def document(
    crossed: CrossFit, data: CalibrationData, landmark_set: LandmarkSet, *, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """All figures as JSON data.

    Args:
        crossed: the cross-fitted films.
        data: what they come from.
        landmark_set: names the landmarks.
        resamples: bootstrap resamples of films behind each interval.

    Returns:
        Overall and per landmark: expected against actual errors, coverage and areas by kind and level.
    """
    weights = film_weights(len(data.film_ids), n_resamples=resamples, seed=crossed.seed)
    found = reliability(crossed.expected_mm, crossed.actual_mm)
    return {
        "schema": SCHEMA,
        "source": data.source.to_dict(),
        "films": len(data.film_ids),
        "groups": len(set(data.groups)),
        "points": int(np.isfinite(crossed.actual_mm).sum()),
        "folds": crossed.folds,
        "seed": crossed.seed,
        "interval": f"95 %, {resamples} bootstrap resamples of films",
        "mean_error_mm": _number(np.nanmean(crossed.actual_mm)),
        "mean_expected_mm": _number(crossed.expected_mm[np.isfinite(crossed.actual_mm)].mean()),
        "expected_calibration_error_mm": _number(found.expected_calibration_error),
        "deciles": _deciles(found),
        "regions": [
            {"kind": kind, "level": level, **_region(figures, weights)}
            for (kind, level), figures in crossed.regions.items()
        ],
        "landmarks": [
            {
                "number": landmark.number,
                "code": landmark.code,
                **_landmark(crossed, index, weights),
            }
            for index, landmark in enumerate(landmark_set.landmarks)
        ],
    }


def _deciles(found: Reliability) -> list[dict[str, float | int | None]]:
    return [
        {"points": int(count), "expected_mm": _number(x), "actual_mm": _number(y), "ratio": _number(x / y)}
        for count, x, y in zip(found.counts, found.expected, found.actual, strict=True)
    ]


def _region(figures: RegionFigures, weights: NDArray[np.float64]) -> dict[str, Any]:
    """Coverage and area of one kind and level."""
    bounded = figures.areas_mm2[np.isfinite(figures.areas_mm2)]
    known = np.isfinite(figures.covered)
    by_landmark = [np.nanmean(column) for column in figures.covered.T if np.isfinite(column).any()]
    return {
        "coverage": _number(np.nanmean(figures.covered)),
        "coverage_ci95": [_number(end) for end in mean_interval(figures.covered, weights)],
        "worst_landmark": _number(min(by_landmark)),
        "mean_area_mm2": _number(bounded.mean()) if bounded.size else None,
        "mean_area_ci95_mm2": [_number(end) for end in mean_interval(_finite(figures.areas_mm2), weights)],
        "median_area_mm2": _number(np.median(bounded)) if bounded.size else None,
        "whole_film_share": _number(np.isinf(figures.areas_mm2[known]).mean()),
    }


def _landmark(crossed: CrossFit, index: int, weights: NDArray[np.float64]) -> dict[str, Any]:
    """One landmark's figures."""
    actual = crossed.actual_mm[:, index]
    known = np.isfinite(actual)
    if not known.any():
        return {"films": 0, "mean_error_mm": None, "mean_expected_mm": None, "regions": []}
    return {
        "films": int(known.sum()),
        "mean_error_mm": _number(actual[known].mean()),
        "mean_expected_mm": _number(crossed.expected_mm[known, index].mean()),
        "regions": [
            {
                "kind": kind,
                "level": level,
                "coverage": _number(np.nanmean(figures.covered[:, index])),
                "coverage_ci95": [_number(end) for end in mean_interval(figures.covered[:, index], weights)],
                "mean_area_mm2": _number(_mean(_finite(figures.areas_mm2[:, index]))),
            }
            for (kind, level), figures in crossed.regions.items()
        ],
    }


def _finite(areas: NDArray[np.float64]) -> NDArray[np.float64]:
    """Areas with NaN in place of infinity."""
    return np.where(np.isfinite(areas), areas, np.nan)


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _number(value: float | np.floating) -> float | None:
    """Six digits; None for what is not known, since JSON has no NaN."""
    return float(f"{float(value):.6g}") if np.isfinite(value) else None


def region_table(figures: dict[str, Any]) -> Table:
    """Coverage and area by kind and level."""
    headings = ("level", "held the true point, % [95 %]", "worst landmark, %", "mean area, mm² [95 %]")
    rows = [
        (
            region["kind"],
            f"{region['level']:.0%}",
            f"{_percent(region['coverage'])} {_span(region['coverage_ci95'], 100)}",
            _percent(region["worst_landmark"]),
            f"{_cell(region['mean_area_mm2'], 1)} {_span(region['mean_area_ci95_mm2'], 1)}",
            _cell(region["median_area_mm2"], 1),
            _percent(region["whole_film_share"]),
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
    rows = [
        (
            str(number),
            str(group["points"]),
            _cell(group["expected_mm"], 2),
            _cell(group["actual_mm"], 2),
            _cell(group["ratio"], 2),
        )
        for number, group in enumerate(figures["deciles"], start=1)
    ]
    return Table(
        "Errors in mm, cross-fitted",
        tuple(map(Column, ("group", "points", "expected", "actual", "ratio"))),
        tuple(rows),
    )


def landmark_table(figures: dict[str, Any], *, kind: str, levels: Sequence[float]) -> Table:
    """Each landmark: expected and actual error, coverage and area of one kind of region."""
    rows = []
    for mark in figures["landmarks"]:
        regions = {entry["level"]: entry for entry in mark["regions"] if entry["kind"] == kind}
        cells = [
            str(mark["number"]),
            mark["code"],
            _cell(mark["mean_expected_mm"], 2),
            _cell(mark["mean_error_mm"], 2),
        ]
        for level in levels:
            entry = regions.get(level, {})
            cells += [_percent(entry.get("coverage")), _cell(entry.get("mean_area_mm2"), 1)]
        rows.append(tuple(cells))
    by_level = [text for level in levels for text in (f"in {level:.0%}, %", "mm²")]
    headings = ("expected, mm", "actual, mm", *by_level)
    return Table(
        f"Landmarks, regions: {kind}",
        (Column("no"), Column("code", "left"), *map(Column, headings)),
        tuple(rows),
    )


def _cell(value: float | None, digits: int) -> str:
    return NOT_DEFINED if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return NOT_DEFINED if value is None else f"{100 * value:.1f}"


def _span(ends: Sequence[float | None], factor: float) -> str:
    return f"[{', '.join(NOT_DEFINED if end is None else f'{factor * end:.1f}' for end in ends)}]"


def reliability_diagram(figures: dict[str, Any]) -> bytes:
    """Reliability diagrams: expected against actual errors, stated against actual coverage.

    Args:
        figures: as ``document`` gives them.

    Returns:
        A PNG file's content.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 4.4), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    _errors(left, figures)
    _coverage(right, figures)
    source = figures["source"]
    figure.suptitle(
        f"{source['model']} on {source['dataset']} {source['split']}, truth: {source['truth']} · "
        f"{figures['films']} films, cross-fitted in {figures['folds']} folds",
        fontsize=10,
    )
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def _errors(axes: Axes, figures: dict[str, Any]) -> None:
    """Mean expected against mean actual error, in groups of equal number."""
    groups = figures["deciles"]
    expected = [group["expected_mm"] for group in groups]
    actual = [group["actual_mm"] for group in groups]
    end = 1.1 * max(*expected, *actual)
    axes.plot([0, end], [0, end], color=_GREY, linewidth=1, label="as expected")
    axes.fill_between([0, end], [0, end / 1.2], [0, end / 0.8], color=_GREY, alpha=0.12, label="within 20 %")
    axes.plot(expected, actual, "o-", color=_COLOURS["hdr"], label="tenths of the points, by expectation")
    axes.set(xlim=(0, end), ylim=(0, end), aspect="equal")
    axes.set_xlabel("mean expected radial error, mm")
    axes.set_ylabel("mean radial error, mm")
    axes.set_title(
        f"{figures['points']} points; calibration error {figures['expected_calibration_error_mm']:.3f} mm",
        fontsize=9,
    )
    axes.legend(fontsize=8, frameon=False, loc="upper left")


def _coverage(axes: Axes, figures: dict[str, Any]) -> None:
    """Stated against actual coverage of each kind of region, with the worst landmark."""
    axes.plot([40, 100], [40, 100], color=_GREY, linewidth=1, label="as stated")
    kinds = list(dict.fromkeys(region["kind"] for region in figures["regions"]))
    for number, kind in enumerate(kinds):
        chosen = [region for region in figures["regions"] if region["kind"] == kind]
        # Set a little apart: at one place the kinds would cover each other.
        x = [100 * region["level"] + 0.9 * (number - 1) for region in chosen]
        y = [100 * region["coverage"] for region in chosen]
        ends = [region["coverage_ci95"] for region in chosen]
        whiskers = [
            [at - 100 * (low if low is not None else at / 100) for at, (low, _) in zip(y, ends, strict=True)],
            [
                100 * (high if high is not None else at / 100) - at
                for at, (_, high) in zip(y, ends, strict=True)
            ],
        ]
        axes.errorbar(x, y, yerr=whiskers, fmt=_MARKERS[kind], color=_COLOURS[kind], capsize=3, label=kind)
        worst = [100 * region["worst_landmark"] for region in chosen]
        label = "worst landmark" if not number else None
        axes.plot(x, worst, _MARKERS[kind], color=_COLOURS[kind], fillstyle="none", label=label)
    axes.set(xlim=(45, 100), ylim=(min(40, *axes.get_ylim()), 101))
    axes.set_xlabel("stated probability, %")
    axes.set_ylabel("held the true point, %")
    axes.set_title("regions; bars: 95 % bootstrap interval over films", fontsize=9)
    axes.legend(fontsize=8, frameon=False, loc="upper left")
