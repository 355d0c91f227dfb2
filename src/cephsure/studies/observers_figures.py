"""The figures of the experiment on observers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    from cephsure.studies.panel import Panel
    from cephsure.studies.statistics.trends import WithinLandmark
    from cephsure.studies.study import Study, StudyModel

ERROR = "error"
_POOLED, _WITHIN = Series("all points pooled"), Series("within each landmark, mean", "D", filled=False)
_LANDMARK_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
_ANNOTATOR_MARKERS = ("v", "D", "s", "o")
_FEW_LANDMARKS = len(_LANDMARK_COLOURS)


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """One measure (or the model's error) beside the disagreement of a panel.

    Attributes:
        model: the model.
        panel: the observers.
        corrected: whether their offsets were removed.
        name: of the measure, or ``ERROR``.
        measured: the measure on all held-out films; None for the error.
        values: (F, K) on the panel's films and landmarks.
        disagreement_mm: (F, K).
        quality: over all points pooled.
        within: landmark by landmark.
    """

    model: StudyModel
    panel: Panel
    corrected: bool
    name: str
    measured: Measured | None
    values: NDArray[np.float64]
    disagreement_mm: NDArray[np.float64]
    quality: MeasureQuality
    within: WithinLandmark

    @property
    def title(self) -> str:
        """What stands in figures and sentences."""
        return "the model's error" if self.measured is None else self.measured.measure.title

    @property
    def strength(self) -> float:
        """The pooled coefficient, turned so that larger is better; −1 where it is not defined."""
        found = self.quality.spearman
        return -1.0 if found is None else self.quality.direction * found


def correlation_figure(told: Sequence[Told]) -> Figure:
    """Every measure's coefficient, a panel for each panel of observers."""
    told = [one for one in told if one.corrected]
    panels = list({one.panel.title: one.panel for one in told}.values())
    columns = [_rows([one for one in told if one.panel is panel]) for panel in panels]
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


def _rows(told: Sequence[Told]) -> list[Row]:
    rows: list[Row] = []
    for model in dict.fromkeys(one.model for one in told):
        rows.append(Row(model.title))
        for one in told:
            if one.model is model:
                sign = one.quality.direction
                estimates = {
                    _POOLED.name: turned(one.quality.spearman, one.quality.spearman_ci95, sign),
                    _WITHIN.name: turned(one.within.spearman, one.within.spearman_ci95, sign),
                }
                colour = GREY if one.measured is None else KIND_COLOURS.get(model.kind, GREY)
                rows.append(Row(one.title, colour, estimates))
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
            KIND_MARKERS.get(model.kind, "o"),
            color=KIND_COLOURS.get(model.kind, GREY),
            markersize=6,
            label=model.title,
        )
    _name_landmarks(axis, [f"{mark.code}\n{mark.number}" for mark in marks])
    return figure


def _name_landmarks(axes: Axes, names: Sequence[str]) -> None:
    axes.set_xticks(range(len(names) + 1), [*names, "all"])
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", color="#e8e8e8", lw=0.6)
    axes.set_axisbelow(True)
    label(axes, x="landmark", y="mean distance to the others [mm]")
    axes.legend(fontsize=7.5, frameon=False)


def _means(distances: NDArray[np.float64]) -> list[float]:
    """Of each landmark, then of all."""
    return [*mean_of_known(distances, axis=0).tolist(), float(np.nanmean(distances))]


def points_figure(told: Sequence[Told], landmark_set: LandmarkSet) -> Figure:
    """One model's points, a row a panel of observers: the kind's own measure and the best other one."""
    rows = [_shown(told, panel) for panel in dict.fromkeys(one.panel.title for one in told)]
    model = told[0].model
    figure, axes = new_figure(
        len(rows),
        max(map(len, rows)),
        caption=f"{model.title}: how far observers disagree on a point (offsets removed) beside the model's "
        "own measure and the best other one, on films that it was not trained on, each landmark of each "
        "film a point.",
        panel_inches=(4.7, 3.9),
    )
    placed = [pair for row, shown in zip(axes, rows, strict=True) for pair in zip(row, shown, strict=True)]
    for axis, one in placed:
        if one.values.shape[1] <= _FEW_LANDMARKS:
            _landmark_panel(axis, one, landmark_set)
        elif one.measured is not None:
            density_panel(
                axis,
                one.measured.of(one.values),
                one.disagreement_mm,
                y=f"{one.panel.quantity} [mm]",
                title=f"{one.panel.title}: {one.title}",
                said=_said(one),
            )
    return figure


def _shown(told: Sequence[Told], panel: str) -> list[Told]:
    """The model's own measure and the best other one of a panel."""
    measures = [one for one in told if one.panel.title == panel and one.measured is not None]
    own = [one for one in measures if one.name == one.model.own_measure]
    others = sorted((one for one in measures if one not in own), key=lambda one: -one.strength)
    return [*own, *others[:1]]


def _landmark_panel(axes: Axes, one: Told, landmark_set: LandmarkSet) -> None:
    """A handful of landmarks: each its colour, so that "between" and "within" are seen apart."""
    for place, column in enumerate(one.panel.columns):
        axes.plot(
            one.values[:, place],
            one.disagreement_mm[:, place],
            "o",
            color=_LANDMARK_COLOURS[place],
            markersize=4,
            alpha=0.75,
            mew=0,
            label=landmark_set.landmarks[column].code,
        )
    name = "" if one.measured is None else one.measured.label
    axes.set_ylim(0, 1.3 * axes.get_ylim()[1])
    label(axes, x=name, y=f"{one.panel.quantity} [mm]", title=f"{one.panel.title}: {one.title}")
    falls = one.quality.direction < 0
    remark(axes, _said(one), corner="upper right" if falls else "upper left")
    axes.legend(
        fontsize=7, frameon=False, loc="upper left" if falls else "upper right", ncols=2, columnspacing=0.6
    )


def _said(one: Told) -> str:
    quality, within = one.quality, one.within
    return (
        f"n = {quality.n_points}\n"
        f"Spearman = {with_interval(quality.spearman, quality.spearman_ci95)}\n"
        f"within a landmark = {with_interval(within.spearman, within.spearman_ci95)}"
    )
