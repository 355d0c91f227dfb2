"""The figures of the experiment on error and uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.bootstrap import film_weights
from cephsure.evaluation.correlation import pearson
from cephsure.studies.measured import ErrorCorrelation, strongest
from cephsure.studies.plotting import (
    GREY,
    KIND_COLOURS,
    Estimate,
    Row,
    Series,
    density_panel,
    forest,
    forest_figure,
    label,
    new_figure,
    turned,
)
from cephsure.studies.published import REFERENCE
from cephsure.studies.statistics.intervals import equal_bins
from cephsure.studies.wording import with_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cephsure.studies.study import StudyModel

_BINS = 10


@dataclass(frozen=True, slots=True)
class Group:
    """Every measure of one model against its error in one choice of films and landmarks.

    Attributes:
        model: the model.
        truth: whose points count as true.
        films: "official" or "clean".
        landmarks: "all", or without which.
        n_films: how many.
        found: a measure each.
    """

    model: StudyModel
    truth: str
    films: str
    landmarks: str
    n_films: int
    found: tuple[ErrorCorrelation, ...]

    @property
    def own(self) -> ErrorCorrelation | None:
        """The measure by which the reference judges this kind of model, if it says anything."""
        return next((one for one in self.found if one.measured.measure.name == self.model.own_measure), None)


def published_pearson(model: StudyModel) -> float:
    """The reference's coefficient for this kind, of under-trained models if ours is one."""
    published = REFERENCE[model.kind]
    return published.under_trained_pearson if model.under_trained else published.error_pearson


def published_figure(main: Sequence[Group], test: str) -> Figure:
    """Pearson's r of each kind's own measure, ours beside the published one."""
    rows = [
        Row(
            f"{group.model.title}: {own.measured.measure.title}",
            KIND_COLOURS.get(group.model.kind, GREY),
            {
                "this study": Estimate(own.quality.pearson, own.quality.pearson_ci95),
                "published": Estimate(published_pearson(group.model)),
            },
        )
        for group in main
        if (own := group.own) is not None
    ]
    points = max((group.own.quality.n_points for group in main if group.own is not None), default=0)
    figure, axes = forest_figure(
        1,
        len(rows),
        caption="Pearson's r of radial error and the measure by which the reference judges each kind of "
        f"model, point by point, unbinned ({points} points of official {test}; 95 % intervals, films "
        "resampled), beside the published value (of under-trained models where ours is one).",
        panel_width=8.5,
    )
    forest(axes[0, 0], rows, [Series("this study"), Series("published", "D", filled=False)])
    axes[0, 0].set_xlim(-1, 1)
    label(axes[0, 0], x="Pearson's r with the radial error", y="")
    return figure


def measures_figure(main: Sequence[Group], test: str) -> Figure:
    """Every measure's rank correlation, pooled and within a landmark, and its area for large errors."""
    correlations, areas = [], []
    for group in main:
        colour = KIND_COLOURS.get(group.model.kind, GREY)
        heading = Row(
            f"{group.model.title} (n = {max((f.quality.n_points for f in group.found), default=0)})"
        )
        correlations.append(heading)
        areas.append(Row(""))
        for one in group.found:
            name, sign = one.measured.measure.title, one.measured.measure.direction
            estimates = {
                "all points pooled": turned(one.quality.spearman, one.quality.spearman_ci95, sign),
                "within each landmark, mean": turned(one.within.spearman, one.within.spearman_ci95, sign),
            }
            correlations.append(Row(name, colour, estimates))
            large = {
                "error > 2 mm": Estimate(one.quality.auc_2mm, one.quality.auc_2mm_ci95),
                "error > 4 mm": Estimate(one.quality.auc_4mm, one.quality.auc_4mm_ci95),
            }
            areas.append(Row("", colour, large))
    figure, axes = forest_figure(
        2,
        len(correlations),
        caption=f"How well each measure follows the radial error on official {test}, point by point, "
        "unbinned. Left: Spearman's coefficient, turned so that a good measure is positive, over all points "
        "and within each landmark. Right: area under the ROC curve for finding large errors. 95 % "
        "intervals, films resampled.",
        panel_width=5.4,
    )
    pooled, within = Series("all points pooled"), Series("within each landmark, mean", "D", filled=False)
    forest(axes[0, 0], correlations, [pooled, within])
    label(axes[0, 0], x="Spearman's coefficient with the radial error", y="")
    forest(
        axes[0, 1],
        areas,
        [Series("error > 2 mm", "o", filled=False), Series("error > 4 mm", "s")],
        neutral=0.5,
    )
    label(axes[0, 1], x="area under the ROC curve", y="")
    return figure


def scatter_figure(group: Group, test: str, *, seed: int) -> Figure:
    """The points of one model: its own measure, the best other one, and both in bins."""
    other = strongest(group.found, but=group.model.own_measure)
    shown = [one for one in (group.own, other) if one is not None]
    figure, axes = new_figure(
        1,
        len(shown) + 1,
        caption=f"{group.model.title}, official {test}: radial error against its measure and against the "
        "best other one (chosen on these films), each landmark of each film a point; dashed: error equal to "
        f"measure. Last panel: the same points in {_BINS} bins of equal size, mean error with 95 % "
        "interval; r of the bin means is far above r of the points because averaging removes the scatter.",
        panel_inches=(4.7, 3.9),
    )
    for panel, one in zip(axes[0], shown, strict=False):
        said = f"n = {one.quality.n_points}\n{_coefficients(one)}"
        if one is group.own:
            said += f"\npublished r = {with_interval(published_pearson(group.model), None)}"
        title = f"{group.model.title}\n{one.measured.measure.title}"
        density_panel(
            panel,
            one.measured,
            one.errors_mm,
            y="radial error [mm]",
            title=title,
            said=said,
            diagonal=True,
        )
    _binned_panel(axes[0, -1], shown, seed=seed)
    return figure


def _coefficients(one: ErrorCorrelation) -> str:
    quality, within = one.quality, one.within
    return (
        f"Pearson r = {with_interval(quality.pearson, quality.pearson_ci95)}\n"
        f"Spearman = {with_interval(quality.spearman, quality.spearman_ci95)}\n"
        f"within a landmark = {with_interval(within.spearman, within.spearman_ci95)}"
    )


def _binned_panel(axes: Axes, shown: Sequence[ErrorCorrelation], *, seed: int) -> None:
    """Mean error in bins of equal size, from the most certain to the most uncertain points."""
    for one, colour, marker in zip(shown, ("black", "#CC79A7"), "oD", strict=False):
        weights = film_weights(len(one.errors_mm), n_resamples=500, seed=seed)
        bins = equal_bins(one.errors_mm, one.measured.turned, weights, bins=_BINS)
        x = (np.arange(len(bins.means)) + 0.5) * 100.0 / max(len(bins.means), 1)
        r = with_interval(pearson(one.measured.measure.direction * bins.scores, bins.means), None)
        name = f"{one.measured.measure.title}: bin means r = {r}"
        axes.errorbar(
            x,
            bins.means,
            yerr=[bins.means - bins.low, bins.high - bins.means],
            fmt=f"{marker}-",
            color=colour,
            markersize=4,
            lw=1.1,
            capsize=2,
            label=name,
        )
    axes.axhline(
        float(np.nanmean(shown[0].errors_mm)), color=GREY, lw=0.8, ls=":", label="mean of all points"
    )
    label(
        axes, x="points, from certain to uncertain [%]", y="mean radial error in the bin [mm]", title="binned"
    )
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=7, frameon=False, loc="upper left")
