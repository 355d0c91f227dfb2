"""Distortion: do the measures rise as a film is distorted, and do they rise where the error does?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.studies.distorted import distorted_films
from cephsure.studies.distortion_figures import (
    all_measures_figure,
    distortion_picture,
    own_measure_figure,
)
from cephsure.studies.distortion_results import model_trends
from cephsure.studies.result import ExperimentResult, ResultTable
from cephsure.studies.shifts.distortion import BLUR_CELLS, CELL_MM
from cephsure.studies.wording import ends, with_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from cephsure.evaluation.bootstrap import Interval
    from cephsure.studies.distorted import Distorted
    from cephsure.studies.distortion_results import ModelTrends
    from cephsure.studies.result import Cell, DrawnFigure
    from cephsure.studies.study import Study


def distortion(study: Study) -> ExperimentResult:
    """Distort test films elastically with rising magnitude; measures and errors beside it.

    Source: Drevický & Kodým 2020, their second experiment; the error against the moved truth is ours.

    Args:
        study: models, data set, seed; ``shift_films`` films are distorted at every magnitude.

    Returns:
        Coefficients, means at each magnitude, the field in mm; figures.

    Raises:
        InputError: a film cannot be read or has no scale.
    """
    done = distorted_films(study)
    trends = model_trends(study, done)
    figures: dict[str, Figure | DrawnFigure] = {
        "distortion-own-measure": own_measure_figure(done, trends),
        "distortion-measures": all_measures_figure(done, trends),
    }
    picture = distortion_picture(study, done)
    if picture is not None:
        figures["distortion-samples"] = picture
    return ExperimentResult(
        name="distortion",
        title="Elastic distortion",
        method=_method(study, done),
        findings=_findings(done, trends),
        tables={
            "distortion": _coefficients(done, trends),
            "distortion-by-magnitude": _by_magnitude(done, trends),
            "distortion-field": _field(done),
        },
        figures=figures,
    )


def _method(study: Study, done: Distorted) -> tuple[str, ...]:
    cell_x_mm, cell_y_mm = CELL_MM
    films = (
        f"{len(done.items)} films spread evenly over {done.test}, each at {len(done.magnitudes)} magnitudes "
        f"from {done.magnitudes[0]:g} to {done.magnitudes[-1]:g}, given to the models as a user's film would "
        "be."
    )
    field = (
        "The field is the reference's: for each cell and axis a number uniform in [−1, 1], blurred by a "
        f"Gaussian of {BLUR_CELLS:g} cells, times the magnitude, in cells. A cell is a px of the reference's "
        f"128 x 128 grid on an ISBI film, {cell_x_mm:.3f} x {cell_y_mm:.3f} mm, on every film; the table of "
        "the field says what a magnitude is in mm. A film has one field, which is scaled up "
        f"(seed {study.seed} and the film's name)."
    )
    resampling = (
        "The film is resampled bilinearly through v + d(v), between cells by bicubic spline, its edge's "
        "grey values going on beyond it. The truth is moved through the exact inverse of that map; a point "
        "that the map's folds show several times, or that leaves the film, has no truth there and is counted."
    )
    statistics = (
        "Errors are against the annotation a model was trained on. Pearson and Spearman of the magnitude "
        f"are those of the {len(done.magnitudes)} means, as published; the point-wise Spearman of measure "
        "and error takes every landmark of every film at every magnitude, unbinned. Intervals: 95 % "
        "percentile bootstrap over films."
    )
    return (films, field, resampling, statistics)


def _coefficients(done: Distorted, trends: Sequence[ModelTrends]) -> ResultTable:
    rows: list[tuple[Cell, ...]] = []
    for one in trends:
        for measure in one.measures:
            along = measure.trend
            rows.append(
                (
                    *(one.model.title, measure.title, one.truth),
                    *_cells(measure.point_spearman, measure.point_spearman_ci95),
                    *_cells(along.pearson, along.pearson_ci95),
                    one.published if measure is one.own else None,
                    *_cells(along.spearman, along.spearman_ci95),
                    *(len(done.items), len(done.magnitudes), measure.points),
                )
            )
        along = one.error
        rows.append(
            (
                *(one.model.title, "radial error (no measure)", one.truth, None, None, None),
                *_cells(along.pearson, along.pearson_ci95),
                None,
                *_cells(along.spearman, along.spearman_ci95),
                *(len(done.items), len(done.magnitudes), None),
            )
        )
    columns = (
        *("model", "measure", "truth"),
        *("error_spearman", "error_spearman_low", "error_spearman_high"),
        *("magnitude_pearson", "magnitude_pearson_low", "magnitude_pearson_high", "published_pearson"),
        *("magnitude_spearman", "magnitude_spearman_low", "magnitude_spearman_high"),
        *("n_films", "n_magnitudes", "n_points"),
    )
    note = (
        "error_spearman: point by point, unbinned, over every magnitude. magnitude_pearson and "
        "magnitude_spearman: of the magnitude and the mean over all points. A measure that does not vary is "
        "left out. The radial error's own rows say how steadily the error itself grows."
    )
    return ResultTable.from_rows("Measures under elastic distortion", columns, tuple(rows), note)


def _by_magnitude(done: Distorted, trends: Sequence[ModelTrends]) -> ResultTable:
    keys = list(dict.fromkeys(measure.key for one in trends for measure in one.measures))
    rows: list[tuple[Cell, ...]] = []
    for one in trends:
        by_key = {measure.key: measure.trend for measure in one.measures}
        columns = [one.error, *(by_key.get(key) for key in keys)]
        for index, magnitude in enumerate(done.magnitudes):
            cells: list[Cell] = [one.model.title, float(magnitude)]
            for along in columns:
                values = (None,) * 3 if along is None else (along.means, along.low, along.high)
                cells += [None if found is None else float(found[index]) for found in values]
            rows.append(tuple(cells))
    names = [f"{name}{end}" for name in ("error_mm", *keys) for end in ("", "_low", "_high")]
    note = "Means over all points of all films, with 95 % intervals."
    return ResultTable.from_rows("Means at each magnitude", ("model", "magnitude", *names), tuple(rows), note)


def _field(done: Distorted) -> ResultTable:
    rows: list[tuple[Cell, ...]] = []
    for index, magnitude in enumerate(done.magnitudes):
        sizes = np.array([field.size_mm(magnitude) for field in done.fields])
        folded = np.mean([field.folded_share(magnitude) for field in done.fields])
        marked, lost = _lost_points(done, index)
        rows.append(
            (
                float(magnitude),
                float(np.sqrt(np.mean(sizes[:, 0] ** 2))),
                float(sizes[:, 1].max()),
                100.0 * float(folded),
                lost,
                marked,
            )
        )
    columns = ("magnitude", "rms_mm", "max_mm", "folded_percent", "points_without_place", "n_points")
    note = (
        "rms_mm and max_mm: length of the displacement over all films, root mean square and largest. "
        "folded_percent: share of the film where the map has turned over. points_without_place: true points "
        "that a fold shows several times or that left the film."
    )
    return ResultTable.from_rows("The field in millimetres", columns, tuple(rows), note)


def _lost_points(done: Distorted, index: int) -> tuple[int, int]:
    """True points, and how many of them have no place at a magnitude, of the first annotation."""
    truth = next(iter(done.given_px))
    marked = np.isfinite(done.given_px[truth]).all(axis=-1)
    there = np.isfinite(done.truths_px[truth][:, index]).all(axis=-1)
    return int(marked.sum()), int((marked & ~there).sum())


def _findings(done: Distorted, trends: Sequence[ModelTrends]) -> tuple[str, ...]:
    last = len(done.magnitudes) - 1
    rms_mm = float(np.sqrt(np.mean([field.size_mm(done.magnitudes[-1])[0] ** 2 for field in done.fields])))
    marked, lost = _lost_points(done, last)
    moved = f"Magnitude {done.magnitudes[-1]:g} moves the film by {rms_mm:.1f} mm (root mean square); "
    sentences = [f"{moved}{lost} of {marked} true points have no single place there."]
    for one in trends:
        sentences.append(_own_sentence(one))
        best = one.best
        if best is not None:
            sentences.append(
                f"{one.model.title}: point by point over all magnitudes the error is best followed by "
                f"{best.title}, Spearman {with_interval(best.point_spearman, best.point_spearman_ci95)} "
                f"(n = {best.points}); the mean error goes from {one.error.means[0]:.2f} to "
                f"{one.error.means[-1]:.2f} mm."
            )
    return tuple(sentences)


def _own_sentence(one: ModelTrends) -> str:
    if one.own is None:
        return f"{one.model.title}: its {one.model.own_measure} does not vary."
    along = one.own.trend
    return (
        f"{one.model.title}: Pearson of magnitude and mean {one.own.title} "
        f"{with_interval(along.pearson, along.pearson_ci95)}, "
        f"published {with_interval(one.published, None)}, "
        f"Spearman {with_interval(along.spearman, along.spearman_ci95)}; Pearson of magnitude and mean error "
        f"{with_interval(one.error.pearson, one.error.pearson_ci95)}."
    )


def _cells(value: float, interval: Interval) -> tuple[Cell, ...]:
    return (value, *ends(interval))
