"""The figures of the experiment on accuracy: success curves, and the error of each landmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.bootstrap import film_weights
from cephsure.studies.plotting import GREY, KIND_COLOURS, KIND_MARKERS, label, new_figure
from cephsure.studies.published import published_accuracy
from cephsure.studies.statistics.intervals import success_curve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cephsure.studies.accuracy_tables import Measurement

_RADII_MM = np.linspace(0.0, 6.0, 121)
_LINES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)), (0, (8, 2)))


def success_figure(official: Sequence[Measurement], test: str, *, seed: int) -> Figure:
    """Share of points within each radius, a panel a recipe, with the annotators' distance in each.

    Args:
        official: models, each against its own truth, and pairs of annotators; the same films in each.
        test: what the films are called.
        seed: of the bootstrap.
    """
    recipes = list(dict.fromkeys(one.model.recipe for one in official if one.model is not None))
    figure, axes = new_figure(
        1,
        len(recipes),
        caption=f"Share of points whose radial error is at most r, official {test}, each model against the "
        "annotation it was trained on; bands: 95 % intervals, films resampled. Grey: the distance of one "
        "annotator to the other. Hollow markers: the reference's published figures (senior annotation), a "
        "star: the challenge winner's (mean).",
        panel_inches=(5.6, 4.4),
    )
    for recipe, panel in zip(recipes, axes[0], strict=True):
        shown = [one for one in official if one.model is None or one.model.recipe == recipe]
        _curves(panel, shown, seed=seed)
        _published_rates(panel, test)
        label(panel, x="radius r [mm]", y="points within r [%]", title=f"recipe {recipe}")
        panel.set(xlim=(0, _RADII_MM[-1]), ylim=(0, 101))
        panel.grid(color="#e8e8e8", lw=0.6)
        panel.set_axisbelow(True)
        panel.legend(fontsize=7, loc="lower right", framealpha=0.9, edgecolor="none")
    return figure


def _curves(axes: Axes, shown: Sequence[Measurement], *, seed: int) -> None:
    of_kind: dict[str, int] = {}
    for one in shown:
        kind = "" if one.model is None else one.model.kind
        place = of_kind[kind] = of_kind.get(kind, -1) + 1
        colour = KIND_COLOURS.get(kind, GREY)
        weights = film_weights(len(one.errors_mm), n_resamples=500, seed=seed)
        curve = success_curve(one.errors_mm, _RADII_MM, weights)
        name = f"{one.who}: MRE {one.evaluation.mre_mm:.2f} mm, n = {curve.n_points}"
        axes.plot(
            curve.radii, curve.percent, color=colour, ls=_LINES[place % len(_LINES)], lw=1.5, label=name
        )
        axes.fill_between(curve.radii, curve.low, curve.high, color=colour, alpha=0.15, lw=0)


def _published_rates(axes: Axes, test: str) -> None:
    """Of the reference and of the challenge's winner only: later methods stand in the table."""
    for one in published_accuracy(test):
        if one.kind or one.source.startswith("challenge"):
            axes.plot(
                list(one.sdr_percent),
                list(one.sdr_percent.values()),
                KIND_MARKERS.get(one.kind, "*"),
                color=KIND_COLOURS.get(one.kind, GREY),
                markerfacecolor="white",
                markersize=6,
                ls="none",
                zorder=4,
                label=f"{one.source.split(' in ')[0]} (published, {one.truth})",
            )


def landmark_figure(shown: Sequence[Measurement], annotators: Measurement | None, test: str) -> Figure:
    """Mean error of each landmark with its interval and quartiles, beside the annotators' distance.

    Args:
        shown: one model of a kind.
        annotators: a pair of them, or None.
        test: what the films are called.
    """
    figure, axes = new_figure(
        1,
        1,
        caption=f"Radial error of each landmark on the official {test}. Markers: mean with its 95 % interval "
        "(films resampled); pale bars: from the lower to the upper quartile of the errors; grey lines: mean "
        "distance of one annotator to the other.",
        panel_inches=(10.5, 4.4),
    )
    panel = axes[0, 0]
    first = next(iter(shown), annotators)
    marks = () if first is None else first.evaluation.per_landmark
    x = np.arange(len(marks))
    if annotators is not None:
        means = [mark.mre_mm for mark in annotators.evaluation.per_landmark]
        panel.hlines(means, x - 0.42, x + 0.42, color=GREY, lw=1.4, label=annotators.who)
    for one, offset in zip(
        shown, np.linspace(-0.24, 0.24, len(shown)) if len(shown) > 1 else [0], strict=True
    ):
        _landmark_dots(panel, one, x + float(offset))
    codes = [mark.code or str(mark.number) for mark in marks]
    panel.set_xticks(x, [f"{code}\n{mark.number}" for code, mark in zip(codes, marks, strict=True)])
    label(panel, x="landmark", y="radial error [mm]")
    panel.set_xlim(-0.6, len(marks) - 0.4)
    panel.set_ylim(bottom=0)
    panel.grid(axis="y", color="#e8e8e8", lw=0.6)
    panel.set_axisbelow(True)
    panel.legend(fontsize=7.5, frameon=False, loc="upper left")
    return figure


def _landmark_dots(axes: Axes, one: Measurement, x: np.ndarray) -> None:
    kind = "" if one.model is None else one.model.kind
    colour = KIND_COLOURS.get(kind, GREY)
    for place, mark, errors in zip(x, one.evaluation.per_landmark, one.errors_mm.T, strict=True):
        there = errors[np.isfinite(errors)]
        if not there.size:
            continue
        axes.plot([place, place], np.quantile(there, [0.25, 0.75]), color=colour, alpha=0.25, lw=6)
        if mark.mre_ci95_mm is not None:
            axes.plot([place, place], mark.mre_ci95_mm, color=colour, lw=1.3, zorder=3)
    means = [mark.mre_mm for mark in one.evaluation.per_landmark]
    overall = one.evaluation
    name = f"{one.who}: MRE {overall.mre_mm:.2f} mm, {overall.n_films} films, truth: {one.truth}"
    axes.plot(
        x,
        np.array(means, dtype=np.float64),
        KIND_MARKERS.get(kind, "o"),
        color=colour,
        markersize=4.5,
        ls="none",
        zorder=4,
        label=name,
    )
