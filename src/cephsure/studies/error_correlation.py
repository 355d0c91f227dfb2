"""Does a measure follow the error? Point by point, unbinned, pooled and within each landmark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.evaluation.bootstrap import film_weights
from cephsure.evaluation.quality import pearson
from cephsure.studies import plotting
from cephsure.studies.held_out import OFFICIAL, WITHOUT, HeldOut, held_out, truth_for
from cephsure.studies.measured import CORRELATION_NOTE, MeasureCorrelation, correlate, measured, strongest
from cephsure.studies.plotting import GREY, KIND_COLOURS, POOLED, WITHIN, Estimate, Forest, Row, Series
from cephsure.studies.published import REFERENCE
from cephsure.studies.result import ExperimentResult, ResultTable, method_text, with_interval
from cephsure.studies.statistics.intervals import equal_bins

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cephsure.studies.study import Study, StudyModel

RESAMPLES = 500
ALL = "all"
_BINS = 10
_SHOWN = ("model", "measure", "n_points", "pearson", "spearman", "auc_4mm", "within_spearman")
_OVER_2, _OVER_4 = Series("error > 2 mm", "o", filled=False), Series("error > 4 mm", "s")
_OURS, _PUBLISHED = Series("this study"), Series("published", "D", filled=False)


@dataclass(frozen=True, slots=True)
class Group:
    """Every measure of one model against its error in one choice of films and landmarks.

    Attributes:
        truth: whose points count as true.
        films: "official" or "clean", ``n_films`` of them.
        landmarks: "all", or without which.
        found: a measure each.
    """

    model: StudyModel
    truth: str
    films: str
    landmarks: str
    n_films: int
    found: tuple[MeasureCorrelation, ...]

    @property
    def own(self) -> MeasureCorrelation | None:
        """The measure by which the reference judges this kind of model, if it says anything."""
        name = self.model.own_measure
        return next((found for found in self.found if found.measured.measure.name == name), None)

    @property
    def published_pearson(self) -> float:
        """The reference's coefficient for this kind, of under-trained models if ours is one."""
        published = REFERENCE[self.model.kind]
        return published.under_trained_pearson if self.model.under_trained else published.error_pearson


def error_correlation(study: Study) -> ExperimentResult:
    """Correlation of each measure with the radial error, each landmark of each plain test film a point.

    A table of every coefficient and one of each landmark's; figures: ours beside the published ones, all
    measures pooled and within a landmark, and for each model the points themselves.

    Raises:
        InputError: the films have no scale, or cannot be predicted.
    """
    held = held_out(study)
    groups = [group for model in study.models for group in _groups(study, held, model)]
    main = [group for group in groups if (group.films, group.landmarks) == (OFFICIAL, ALL)]
    figures = {
        "error_correlation_published": published_figure(main, held.test),
        "error_correlation_measures": measures_figure(main, held.test),
    }
    figures |= {
        f"error_correlation_{group.model.label}": scatter_figure(group, held.test, seed=study.seed)
        for group in main
        if group.found
    }
    tables = _tables(study, groups, main, held.test)
    table = tables["error_correlation"]
    whole = (table.frame["films"] == OFFICIAL) & (table.frame["landmarks"] == ALL)
    return ExperimentResult(
        name="error-correlation",
        title="Does a measure follow the error?",
        method=method_text("error-correlation", test=held.test, sizes=held.sizes, resamples=RESAMPLES),
        tables=tables,
        figures=figures,
        shown=table.select(*_SHOWN, where=whole),
    )


def _groups(study: Study, held: HeldOut, model: StudyModel) -> Iterator[Group]:
    """All points; without the landmark on which annotators differ; without leaked films."""
    truth = truth_for(model, study.dataset)
    table, all_errors = held.tables[model.label], held.errors_mm(model, truth)
    for films, chosen in held.groups.items():
        values, errors, n_films = measured(table.where(chosen)), all_errors[chosen], int(chosen.sum())
        weights = film_weights(n_films, n_resamples=RESAMPLES, seed=study.seed)
        found = tuple(correlate(value, errors, weights) for value in values.values())
        yield Group(model, truth, films, ALL, n_films, found)
        if films == OFFICIAL and WITHOUT in table.numbers:
            others = np.where(np.array(table.numbers) == WITHOUT, np.nan, errors)
            found = tuple(correlate(value, others, weights) for value in values.values())
            yield Group(model, truth, films, f"without {WITHOUT}", n_films, found)


def _tables(
    study: Study, groups: Sequence[Group], main: Sequence[Group], test: str
) -> dict[str, ResultTable]:
    marks = study.dataset.landmark_set.landmarks
    landmarks: list[dict[str, Any]] = [
        {"model": group.model.title, "truth": group.truth, "number": mark.number, "code": mark.code}
        | {"landmark": mark.name, "mre_mm": mean, "measure": found.measured.measure.name}
        | {"direction": found.measured.measure.direction, "spearman": coefficient}
        for group in main
        for found in group.found
        for mark, mean, coefficient in zip(
            marks, np.nanmean(found.lengths_mm, axis=0), found.within.per_landmark, strict=True
        )
    ]
    return {
        "error_correlation": ResultTable.from_records(
            f"Each measure against the radial error, point by point, on {test}",
            [_record(group, found) for group in groups for found in group.found],
            note=f"{CORRELATION_NOTE} own_measure: the one by which the reference judges the kind; "
            "published_pearson is its value there, of fully or of under-trained models as ours is. A measure "
            "that is the same for every point is left out.",
        ),
        "error_correlation_landmarks": ResultTable.from_records(
            f"Rank correlation of measure and error within each landmark, official {test}",
            landmarks,
            note="One point a film; negative for a good measure that falls with uncertainty.",
        ),
    }


def _record(group: Group, found: MeasureCorrelation) -> dict[str, Any]:
    model, is_own = group.model, found is group.own
    record: dict[str, Any] = {"model": model.title, "recipe": model.recipe, "kind": model.kind}
    record |= {"under_trained": model.under_trained, "truth": group.truth, "films": group.films}
    record |= {"landmarks": group.landmarks, "n_films": group.n_films, "own_measure": is_own}
    return record | found.record() | {"published_pearson": group.published_pearson if is_own else None}


def published_figure(main: Sequence[Group], test: str) -> Figure:
    """Pearson's r of each kind's own measure, ours beside the published one."""
    own = [(group, group.own) for group in main if group.own is not None]
    rows = []
    for group, found in own:
        coefficient = Estimate(found.quality.pearson, found.quality.pearson_ci95)
        estimates = {_OURS.name: coefficient, _PUBLISHED.name: Estimate(group.published_pearson)}
        name = f"{group.model.title}: {found.measured.measure.title}"
        rows.append(Row(name, KIND_COLOURS[group.model.kind], estimates))
    points = max((found.quality.n_points for _, found in own), default=0)
    return plotting.forest_figure(
        [Forest("Pearson's r with the radial error", rows, [_OURS, _PUBLISHED], limits=(-1, 1))],
        caption="Pearson's r of radial error and the measure by which the reference judges each kind of "
        f"model, point by point, unbinned ({points} points of official {test}; 95 % intervals, films "
        "resampled), beside the published value (of under-trained models where ours is one).",
        panel_width=8.5,
    )


def measures_figure(main: Sequence[Group], test: str) -> Figure:
    """Every measure's rank correlation, pooled and within a landmark, and its area for large errors."""
    rows = []
    for group in main:
        points = max((found.quality.n_points for found in group.found), default=0)
        rows.append(Row(f"{group.model.title} (n = {points})"))
        for found in group.found:
            areas = {
                _OVER_2.name: Estimate(found.quality.auc_2mm, found.quality.auc_2mm_ci95),
                _OVER_4.name: Estimate(found.quality.auc_4mm, found.quality.auc_4mm_ci95),
            }
            estimates = plotting.correlation_estimates(found) | areas
            rows.append(Row(found.measured.measure.title, KIND_COLOURS[group.model.kind], estimates))
    return plotting.forest_figure(
        [
            Forest("Spearman's coefficient with the radial error", rows, [POOLED, WITHIN]),
            Forest("area under the ROC curve", rows, [_OVER_2, _OVER_4], neutral=0.5),
        ],
        caption=f"How well each measure follows the radial error on official {test}, point by point, "
        "unbinned. Left: Spearman's coefficient, turned so that a good measure is positive, over all points "
        "and within each landmark. Right: area under the ROC curve for finding large errors. 95 % "
        "intervals, films resampled.",
        panel_width=5.4,
    )


def scatter_figure(group: Group, test: str, *, seed: int) -> Figure:
    """The points of one model: its own measure, the best other one, and both in bins."""
    other = strongest(group.found, but=group.model.own_measure)
    shown = [found for found in (group.own, other) if found is not None]
    figure, axes = plotting.new_figure(
        1,
        len(shown) + 1,
        caption=f"{group.model.title}, official {test}: radial error against its measure and against the "
        "best other one (chosen on these films), each landmark of each film a point; dashed: error equal to "
        f"measure. Last panel: the same points in {_BINS} bins of equal size, mean error with 95 % "
        "interval; r of the bin means is far above r of the points because averaging removes the scatter.",
        panel_inches=(4.7, 3.9),
    )
    for panel, found in zip(axes[0], shown, strict=False):
        said = found.said(pearson=True)
        if found is group.own:
            said += f"\npublished r = {with_interval(group.published_pearson, None)}"
        y, title = "radial error [mm]", f"{group.model.title}\n{found.measured.measure.title}"
        plotting.density_panel(
            panel, found.measured, found.lengths_mm, y=y, title=title, said=said, diagonal=True
        )
    _binned_panel(axes[0, -1], shown, seed=seed)
    return figure


def _binned_panel(axes: Axes, shown: Sequence[MeasureCorrelation], *, seed: int) -> None:
    """Mean error in bins of equal size, from the most certain to the most uncertain points."""
    for found, colour, marker in zip(shown, ("black", "#CC79A7"), "oD", strict=False):
        weights = film_weights(len(found.lengths_mm), n_resamples=500, seed=seed)
        bins = equal_bins(found.lengths_mm, found.measured.turned, weights, bins=_BINS)
        r = with_interval(pearson(found.measured.measure.direction * bins.scores, bins.means), None)
        axes.errorbar(
            (np.arange(len(bins.means)) + 0.5) * 100.0 / max(len(bins.means), 1),
            bins.means,
            yerr=[bins.means - bins.low, bins.high - bins.means],
            fmt=f"{marker}-",
            color=colour,
            markersize=4,
            lw=1.1,
            capsize=2,
            label=f"{found.measured.measure.title}: bin means r = {r}",
        )
    mean = float(np.nanmean(shown[0].lengths_mm))
    axes.axhline(mean, color=GREY, lw=0.8, ls=":", label="mean of all points")
    x, y = "points, from certain to uncertain [%]", "mean radial error in the bin [mm]"
    plotting.label(axes, x=x, y=y, title="binned")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=7, frameon=False, loc="upper left")
