"""Does uncertainty tell where experts disagree? Each measure beside the spread of the observers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.datasets import annotators
from cephsure.datasets.observers import observers_of
from cephsure.evaluation.bootstrap import film_weights, mean_interval
from cephsure.studies import plotting
from cephsure.studies.held_out import CLEAN, HeldOut, held_out
from cephsure.studies.measured import MeasureCorrelation, Measured, correlate, measured, strongest
from cephsure.studies.observer_panels import (
    Panel,
    distance_to_the_others,
    expert_panel,
    observer_panel,
)
from cephsure.studies.plotting import GREY, KIND_COLOURS, KIND_MARKERS, POOLED, WITHIN, Forest, Row
from cephsure.studies.result import ExperimentResult, ResultTable, method_text
from cephsure.studies.statistics.intervals import mean_of_known
from cephsure.uncertainty import Measure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from cephsure.landmarks import Landmark
    from cephsure.studies.study import Study, StudyModel

RESAMPLES = 1000
# The model's distance to the observers' mean stands beside the measures; it is none, since it needs a truth.
_ERROR = Measure("error", "px", 1, "the model's error", "this experiment", lambda _samples: None)
_COLUMNS = (
    *("model", "observers", "offsets_removed", "measure", "key", "direction", "n_films", "n_points"),
    *("spearman", "spearman_low", "spearman_high", "pearson", "pearson_low", "pearson_high"),
    *("within_spearman", "within_spearman_low", "within_spearman_high", "between_spearman"),
)
_SHOWN = ("model", "observers", "measure", "n_points", "spearman", "within_spearman")
_LANDMARK_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
_ANNOTATOR_MARKERS = ("v", "D", "s", "o")
_FEW_LANDMARKS = len(_LANDMARK_COLOURS)


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """The measures of one model, and its error, beside the disagreement of a panel.

    Attributes:
        corrected: whether the observers' offsets were removed.
        found: each measure, and last the model's distance to the observers' mean.
    """

    model: StudyModel
    panel: Panel
    corrected: bool
    found: tuple[MeasureCorrelation, ...]

    @property
    def shown(self) -> list[MeasureCorrelation]:
        """The measure by which the reference judges this kind of model, and the best other one."""
        measures, name = self.found[:-1], self.model.own_measure
        own = [found for found in measures if found.measured.measure.name == name]
        other = strongest(measures, but=name)
        return own if other is None else [*own, other]


def observers(study: Study) -> ExperimentResult:
    """Rank correlation of each measure with how far observers disagree, and the models among the observers.

    Tables of the correlations, of each landmark's disagreement and of everybody's distance to the others, and
    figures. Where the data set came without the nine further observers' files, only its own annotators are
    compared.

    Raises:
        InputError: the films have no scale, a film cannot be predicted, an observer's file is malformed.
    """
    held = held_out(study)
    observed = observer_panel(study.dataset, held)
    large = None if observed is None else observed.panel
    panels = [panel for panel in (large, expert_panel(held)) if panel is not None]
    compared = list(_compared(study, held, panels))
    corrected = [group for group in compared if group.corrected]
    table = _table(compared)
    tables = {"observers": table, "observers_landmarks": _landmark_table(study, panels)}
    figures = {"observers_correlation": correlation_figure(corrected)} if corrected else {}
    if large is not None:
        distances = dict(zip(large.names, distance_to_the_others(large.points_mm), strict=True))
        distances |= {model.title: _from_mean_mm(held, large, model) for model in study.models}
        tables["observers_distances"] = _distance_table(study, large, distances)
        figures["observers_distances"] = distance_figure(study, large, distances)
    for model in study.models:
        if of_model := [group for group in corrected if group.model is model]:
            figures[f"observers_{model.label}"] = points_figure(study, of_model)
    return ExperimentResult(
        name="observers",
        title="Does uncertainty tell where experts disagree?",
        method=method_text(
            "observers",
            test=held.test,
            is_clean=held.cleanest == CLEAN,
            panels=panels,
            observed=observed,
            has_files=bool(observers_of(study.dataset)),
            n_held=len(held.items),
            resamples=RESAMPLES,
        ),
        tables=tables,
        figures=figures,
        shown=table.select(*_SHOWN, where=table.frame["offsets_removed"]) if compared else None,
    )


def _compared(study: Study, held: HeldOut, panels: Sequence[Panel]) -> Iterator[Compared]:
    """Every panel and model, with the observers' offsets removed, and as they are."""
    for panel, model, corrected in product(panels, study.models, (True, False)):
        of_panel = [each.of(panel.of(each.values)) for each in measured(held.tables[model.label]).values()]
        of_panel.append(Measured(_ERROR, _ERROR.key(in_mm=True), _from_mean_mm(held, panel, model)))
        weights = film_weights(len(panel.rows), n_resamples=RESAMPLES, seed=study.seed)
        apart = panel.disagreement_mm(corrected=corrected)
        found = tuple(correlate(each, apart, weights, large_errors=False) for each in of_panel)
        yield Compared(model, panel, corrected, found)


def _from_mean_mm(held: HeldOut, panel: Panel, model: StudyModel) -> NDArray[np.float64]:
    """(F, K) distance of a model's points to the mean of the panel's."""
    points = panel.of(held.tables[model.label].points_px) * held.mm_per_px[panel.rows][:, np.newaxis, :]
    away = points - mean_of_known(panel.points_mm, axis=0)
    return np.hypot(away[..., 0], away[..., 1])


def _table(compared: Sequence[Compared]) -> ResultTable:
    records: list[dict[str, Any]] = [
        {"model": group.model.title, "observers": group.panel.title, "n_films": len(group.panel.rows)}
        | {"offsets_removed": group.corrected, **found.record(names=("spearman", "pearson"))}
        for group in compared
        for found in group.found
    ]
    return ResultTable.from_records(
        "Each measure beside the observers' disagreement, point by point",
        records,
        columns=_COLUMNS,
        note="Disagreement: mean distance of the observers to their mean, of two their distance. "
        "offsets_removed: after each observer's mean displacement was taken off, landmark by landmark. The "
        "row error: the model's distance to the observers' mean. within_spearman: mean over the landmarks "
        "of the coefficient within each; between_spearman: of the landmarks' means. Intervals 95 %, films "
        "resampled.",
    )


def _marks(study: Study, panel: Panel) -> list[Landmark]:
    return [study.dataset.landmark_set.landmarks[column] for column in panel.columns]


def _landmark_table(study: Study, panels: Sequence[Panel]) -> ResultTable:
    records: list[dict[str, Any]] = []
    for panel in panels:
        raw, rest = (mean_of_known(panel.disagreement_mm(corrected=c), axis=0) for c in (False, True))
        records += [
            {"observers": panel.title, "number": mark.number, "code": mark.code, "landmark": mark.name}
            | {"n_films": len(panel.rows), "disagreement_mm": apart, "disagreement_offsets_removed_mm": left}
            for mark, apart, left in zip(_marks(study, panel), raw, rest, strict=True)
        ]
    return ResultTable.from_records("How far the observers disagree on each landmark", records)


def _distance_table(study: Study, panel: Panel, distances: dict[str, NDArray[np.float64]]) -> ResultTable:
    weights = film_weights(len(panel.rows), n_resamples=RESAMPLES, seed=study.seed)
    records: list[dict[str, Any]] = []
    for who, apart in distances.items():
        *means, overall = _means(apart)
        low, high = mean_interval(apart, weights)
        record = {"who": who, "is_model": who not in panel.names, "all_mm": overall}
        codes = [f"{mark.code}_mm" for mark in _marks(study, panel)]
        record |= {"all_low_mm": low, "all_high_mm": high, **dict(zip(codes, means, strict=True))}
        records.append(record)
    records.sort(key=lambda record: record["all_mm"])
    return ResultTable.from_records(
        f"The models among the {panel.title}: mean distance to the mean of the others",
        records,
        note="An observer to the mean of the other observers, a model to the mean of all. The first two "
        "annotators are those whose points models were trained on. Intervals 95 %, films resampled.",
    )


def correlation_figure(corrected: Sequence[Compared]) -> Figure:
    """Every measure's coefficient, a panel for each panel of observers."""
    panels = []
    for panel in dict.fromkeys(group.panel for group in corrected):
        rows = [row for group in corrected if group.panel is panel for row in _rows(group)]
        count = f"{len(panel.rows)} films, {len(panel.columns)} landmarks"
        x = f"Spearman's coefficient with the {panel.quantity}\n({count})"
        panels.append(Forest(x, rows, [POOLED, WITHIN]))
    return plotting.forest_figure(
        panels,
        caption="Spearman's coefficient of each measure with how far the observers disagree on the point "
        "(each observer's offsets removed), turned so that a good measure is positive; last of each model "
        "its own error. Films that no model was trained on; 95 % intervals, films resampled.",
        panel_width=5.4,
    )


def _rows(group: Compared) -> Iterator[Row]:
    yield Row(group.model.title)
    for found in group.found:
        measure = found.measured.measure
        colour = GREY if measure is _ERROR else KIND_COLOURS[group.model.kind]
        yield Row(measure.title, colour, plotting.correlation_estimates(found))


def distance_figure(study: Study, panel: Panel, distances: dict[str, NDArray[np.float64]]) -> Figure:
    """Everybody's mean distance to the others, for each landmark and overall."""
    figure, axes = plotting.new_figure(
        1,
        1,
        caption=f"The models among the {panel.title}: mean distance of each observer to the mean of the "
        "others (grey; open: the annotators whose points models were trained on), and of each model to the "
        f"mean of all, on {len(panel.rows)} films that no model was trained on.",
        panel_inches=(7.8, 4.2),
    )
    axis = axes[0, 0]
    marks = _marks(study, panel)
    places, n_own = np.arange(len(marks) + 1.0), len(annotators(study.dataset.films))
    for place, who in enumerate(panel.names):
        x, y = places - 0.25 + 0.3 * place / max(len(panel.names) - 1, 1), _means(distances[who])
        if place < n_own:
            marker = _ANNOTATOR_MARKERS[place % len(_ANNOTATOR_MARKERS)]
            axis.plot(x, y, marker, color=GREY, markerfacecolor="white", markersize=4.5, label=who)
        else:
            axis.plot(x, y, "o", color=GREY, markersize=4.5)
    for place, model in enumerate(study.models):
        x, y = places + 0.2 + 0.2 * place / len(study.models), _means(distances[model.title])
        colour = KIND_COLOURS[model.kind]
        axis.plot(x, y, KIND_MARKERS[model.kind], color=colour, markersize=6, label=model.title)
    axis.set_xticks(range(len(marks) + 1), [*(f"{mark.code}\n{mark.number}" for mark in marks), "all"])
    axis.set_ylim(bottom=0)
    axis.grid(axis="y", color="#e8e8e8", lw=0.6)
    axis.set_axisbelow(True)
    plotting.label(axis, x="landmark", y="mean distance to the others [mm]")
    axis.legend(fontsize=7.5, frameon=False)
    return figure


def _means(distances: NDArray[np.float64]) -> list[float]:
    """Of each landmark, then of all."""
    return [*mean_of_known(distances, axis=0).tolist(), float(np.nanmean(distances))]


def points_figure(study: Study, of_model: Sequence[Compared]) -> Figure:
    """One model's points, a row a panel of observers: the kind's own measure and the best other one."""
    figure, axes = plotting.new_figure(
        len(of_model),
        max(len(group.shown) for group in of_model),
        caption=f"{of_model[0].model.title}: how far observers disagree on a point (offsets removed) "
        "beside the model's own measure and the best other one, on films that it was not trained on, each "
        "landmark of each film a point.",
        panel_inches=(4.7, 3.9),
    )
    for row, group in zip(axes, of_model, strict=True):
        panel = group.panel
        for axis, found in zip(row, group.shown, strict=True):
            y, title = f"{panel.quantity} [mm]", f"{panel.title}: {found.measured.measure.title}"
            if len(panel.columns) <= _FEW_LANDMARKS:
                _landmark_panel(axis, found, [mark.code for mark in _marks(study, panel)])
                plotting.label(axis, x=found.measured.label, y=y, title=title)
            else:
                plotting.density_panel(
                    axis, found.measured, found.lengths_mm, y=y, title=title, said=found.said()
                )
    return figure


def _landmark_panel(axes: Axes, found: MeasureCorrelation, codes: Sequence[str]) -> None:
    """A handful of landmarks: each its colour, so that "between" and "within" are seen apart."""
    points = zip(codes, _LANDMARK_COLOURS, found.measured.values.T, found.lengths_mm.T, strict=False)
    for code, colour, x, y in points:
        axes.plot(x, y, "o", color=colour, markersize=4, alpha=0.75, mew=0, label=code)
    axes.set_ylim(0, 1.3 * axes.get_ylim()[1])
    falls = found.measured.measure.direction < 0
    plotting.remark(axes, found.said(), corner="upper right" if falls else "upper left")
    axes.legend(
        fontsize=7, frameon=False, loc="upper left" if falls else "upper right", ncols=2, columnspacing=0.6
    )
