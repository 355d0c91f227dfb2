"""The figures of the experiment on observers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from cephsure.datasets import annotators
from cephsure.studies.plotting import (
    GREY,
    KIND_COLOURS,
    KIND_MARKERS,
    Row,
    Series,
    density_panel,
    forest,
    forest_figure,
    label,
    new_figure,
    remark,
    turned,
)
from cephsure.studies.statistics.intervals import mean_of_known
from cephsure.studies.wording import with_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from cephsure.evaluation.result import MeasureQuality
    from cephsure.landmarks import LandmarkSet
    from cephsure.studies.measured import Measured
    from cephsure.studies.observer_panels import Panel
    from cephsure.studies.statistics.trends import WithinLandmark
    from cephsure.studies.study import Study, StudyModel

_POOLED, _WITHIN = Series("all points pooled"), Series("within each landmark, mean", "D", filled=False)
_LANDMARK_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
_ANNOTATOR_MARKERS = ("v", "D", "s", "o")
_FEW_LANDMARKS = len(_LANDMARK_COLOURS)


@dataclass(frozen=True, slots=True, eq=False)
class PanelCorrelation:
    """One measure (or the model's error) beside the disagreement of a panel.

    Attributes:
        model: the model.
        panel: the observers.
        corrected: whether their offsets were removed.
        is_error: whether it is the model's error, not a measure.
        measured: the measure, (F, K) on the panel's films and landmarks.
        disagreement_mm: (F, K).
        quality: over all points pooled.
        within: landmark by landmark.
    """

    model: StudyModel
    panel: Panel
    corrected: bool
    is_error: bool
    measured: Measured
    disagreement_mm: NDArray[np.float64]
    quality: MeasureQuality
    within: WithinLandmark

    @property
    def title(self) -> str:
        """What stands in figures."""
        return self.measured.measure.title

    @property
    def strength(self) -> float:
        """The pooled coefficient, turned so that larger is better; −1 where it is not defined."""
        rank = self.quality.spearman
        return -1.0 if rank is None else self.quality.direction * rank

    def said(self) -> str:
        """Number of points and coefficients, for the corner of a panel."""
        quality, within = self.quality, self.within
        return (
            f"n = {quality.n_points}\n"
            f"Spearman = {with_interval(quality.spearman, quality.spearman_ci95)}\n"
            f"within a landmark = {with_interval(within.spearman, within.spearman_ci95)}"
        )


def correlation_figure(correlations: Sequence[PanelCorrelation]) -> Figure:
    """Every measure's coefficient, a panel for each panel of observers."""
    shown = [found for found in correlations if found.corrected]
    panels = list(dict.fromkeys(found.panel for found in shown))
    columns = [_rows([found for found in shown if found.panel is panel]) for panel in panels]
    figure, axes = forest_figure(
        len(panels),
        max(map(len, columns)),
        caption="Spearman's coefficient of each measure with how far the observers disagree on the point "
        "(each observer's offsets removed), turned so that a good measure is positive; last of each model "
        "its own error. Films that no model was trained on; 95 % intervals, films resampled.",
        panel_width=5.4,
    )
    for place, (axis, panel, rows) in enumerate(zip(axes[0], panels, columns, strict=True)):
        unlabelled = [Row("", row.colour, row.estimates) for row in rows]
        forest(axis, unlabelled if place else rows, [_POOLED, _WITHIN])
        count = f"{len(panel.rows)} films, {len(panel.columns)} landmarks"
        label(axis, x=f"Spearman's coefficient with the {panel.quantity}\n({count})", y="")
    return figure


def _rows(shown: Sequence[PanelCorrelation]) -> list[Row]:
    rows: list[Row] = []
    for model in dict.fromkeys(found.model for found in shown):
        rows.append(Row(model.title))
        for found in shown:
            if found.model is model:
                quality, within = found.quality, found.within
                estimates = {
                    _POOLED.name: turned(quality.spearman, quality.spearman_ci95, quality.direction),
                    _WITHIN.name: turned(within.spearman, within.spearman_ci95, quality.direction),
                }
                rows.append(Row(found.title, GREY if found.is_error else KIND_COLOURS[model.kind], estimates))
    return rows


def distance_figure(study: Study, panel: Panel, distances: dict[str, NDArray[np.float64]]) -> Figure:
    """Everybody's mean distance to the others, for each landmark and overall."""
    figure, axes = new_figure(
        1,
        1,
        caption=f"The models among the {panel.title}: mean distance of each observer to the mean of the "
        "others (grey; open: the annotators whose points models were trained on), and of each model to the "
        f"mean of all, on {len(panel.rows)} films that no model was trained on.",
        panel_inches=(7.8, 4.2),
    )
    axis = axes[0, 0]
    marks = [study.dataset.landmark_set.landmarks[column] for column in panel.columns]
    places, n_own = np.arange(len(marks) + 1.0), len(annotators(study.dataset.films))
    for place, who in enumerate(panel.names):
        is_own = place < n_own
        axis.plot(
            places - 0.25 + 0.3 * place / max(len(panel.names) - 1, 1),
            _means(distances[who]),
            _ANNOTATOR_MARKERS[place % len(_ANNOTATOR_MARKERS)] if is_own else "o",
            color=GREY,
            markerfacecolor="white" if is_own else GREY,
            markersize=4.5,
            label=who if is_own else None,
        )
    for place, model in enumerate(study.models):
        axis.plot(
            places + 0.2 + 0.2 * place / len(study.models),
            _means(distances[model.title]),
            KIND_MARKERS[model.kind],
            color=KIND_COLOURS[model.kind],
            markersize=6,
            label=model.title,
        )
    axis.set_xticks(range(len(marks) + 1), [*(f"{mark.code}\n{mark.number}" for mark in marks), "all"])
    axis.set_ylim(bottom=0)
    axis.grid(axis="y", color="#e8e8e8", lw=0.6)
    axis.set_axisbelow(True)
    label(axis, x="landmark", y="mean distance to the others [mm]")
    axis.legend(fontsize=7.5, frameon=False)
    return figure


def _means(distances: NDArray[np.float64]) -> list[float]:
    """Of each landmark, then of all."""
    return [*mean_of_known(distances, axis=0).tolist(), float(np.nanmean(distances))]


def points_figure(correlations: Sequence[PanelCorrelation], landmark_set: LandmarkSet) -> Figure:
    """One model's points, a row a panel of observers: the kind's own measure and the best other one."""
    rows = [_shown(correlations, panel) for panel in dict.fromkeys(found.panel for found in correlations)]
    figure, axes = new_figure(
        len(rows),
        max(map(len, rows)),
        caption=f"{correlations[0].model.title}: how far observers disagree on a point (offsets removed) "
        "beside the model's own measure and the best other one, on films that it was not trained on, each "
        "landmark of each film a point.",
        panel_inches=(4.7, 3.9),
    )
    placed = [pair for row, shown in zip(axes, rows, strict=True) for pair in zip(row, shown, strict=True)]
    for axis, found in placed:
        y, title = f"{found.panel.quantity} [mm]", f"{found.panel.title}: {found.title}"
        if len(found.panel.columns) <= _FEW_LANDMARKS:
            _landmark_panel(axis, found, landmark_set)
            label(axis, x=found.measured.label, y=y, title=title)
        else:
            density_panel(axis, found.measured, found.disagreement_mm, y=y, title=title, said=found.said())
    return figure


def _shown(correlations: Sequence[PanelCorrelation], panel: Panel) -> list[PanelCorrelation]:
    """The model's own measure and the best other one of a panel."""
    measures = [found for found in correlations if found.panel is panel and not found.is_error]
    own = [found for found in measures if found.measured.measure.name == found.model.own_measure]
    others = sorted((found for found in measures if found not in own), key=lambda found: -found.strength)
    return [*own, *others[:1]]


def _landmark_panel(axes: Axes, found: PanelCorrelation, landmark_set: LandmarkSet) -> None:
    """A handful of landmarks: each its colour, so that "between" and "within" are seen apart."""
    for place, column in enumerate(found.panel.columns):
        axes.plot(
            found.measured.values[:, place],
            found.disagreement_mm[:, place],
            "o",
            color=_LANDMARK_COLOURS[place],
            markersize=4,
            alpha=0.75,
            mew=0,
            label=landmark_set.landmarks[column].code,
        )
    axes.set_ylim(0, 1.3 * axes.get_ylim()[1])
    falls = found.quality.direction < 0
    remark(axes, found.said(), corner="upper right" if falls else "upper left")
    corner: Literal["upper left", "upper right"] = "upper left" if falls else "upper right"
    axes.legend(fontsize=7, frameon=False, loc=corner, ncols=2, columnspacing=0.6)
