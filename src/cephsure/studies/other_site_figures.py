"""The figures of the experiment on another site's films."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.bootstrap import film_weights, percentile_interval
from cephsure.evaluation.correlation import spearman, weighted_spearman
from cephsure.studies.plotting import (
    GREY,
    KIND_COLOURS,
    Estimate,
    Row,
    Series,
    forest,
    forest_figure,
    label,
    new_figure,
    remark,
)
from cephsure.studies.statistics.intervals import mean_of_known, success_curve
from cephsure.studies.wording import with_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from cephsure.evaluation import Evaluation
    from cephsure.evaluation.bootstrap import Interval
    from cephsure.studies.measured import ErrorCorrelation, Measured
    from cephsure.studies.study import StudyModel

AWAY_COLOUR = "#CC79A7"
_RADII_MM = np.linspace(0.0, 8.0, 161)
_IN_MM, _IN_PX = "in mm, or not a length", "in px"


@dataclass(frozen=True, slots=True)
class Site:
    """One model's predictions of one site's films.

    Attributes:
        name: of the site.
        model: the model.
        truth: whose points count as true.
        evaluation: its accuracy there.
        errors_mm: (F, L) radial errors, NaN where there is none.
        without_offsets_mm: mean error once each landmark's mean displacement is taken off, or None: what is
            left if the site's annotators only have another convention.
        annotators_mm: mean distance between the site's annotators, or None.
        measured: the measures, lengths in mm where there is a scale.
        measured_px: the same with lengths in px.
        correlations: each measure beside the error.
    """

    name: str
    model: StudyModel
    truth: str
    evaluation: Evaluation
    errors_mm: NDArray[np.float64]
    without_offsets_mm: float | None
    annotators_mm: float | None
    measured: Mapping[str, Measured]
    measured_px: Mapping[str, Measured]
    correlations: Mapping[str, ErrorCorrelation]


@dataclass(frozen=True, slots=True)
class Noticed:
    """How well a film's mean of one measure tells another site's films from the test films.

    Attributes:
        model: the model.
        home: the measure on the test films; its key names the unit.
        auc: area under the ROC curve; 0.5 is chance.
        interval: its 95 % interval.
        n_home: test films.
        n_away: films of the other site.
        mean_home: the measure's mean on the test films.
        mean_away: and on the other site.
    """

    model: StudyModel
    home: Measured
    auc: float
    interval: Interval
    n_home: int
    n_away: int
    mean_home: float
    mean_away: float


def noticed_figure(noticed: Sequence[Noticed], site: str, home: str) -> Figure:
    """The area under the ROC curve of every model's measures."""
    rows: list[Row] = []
    for model in dict.fromkeys(one.model for one in noticed):
        own = [one for one in noticed if one.model is model]
        rows.append(Row(model.title))
        for name in dict.fromkeys(one.home.measure.name for one in own):
            forms = [one for one in own if one.home.measure.name == name]
            estimates = {
                _IN_PX if one.home.key.endswith("_px") else _IN_MM: Estimate(one.auc, one.interval)
                for one in forms
            }
            rows.append(Row(forms[0].home.measure.title, KIND_COLOURS.get(model.kind, GREY), estimates))
    count = f"{noticed[0].n_away} films of {site} against {noticed[0].n_home} of {home}" if noticed else ""
    figure, axes = forest_figure(
        1,
        len(rows),
        caption=f"Which measures notice the change of site: area under the ROC curve for telling {count} by "
        "the film's mean of the measure. 95 % intervals, films resampled within each site. The line is "
        "chance.",
        panel_width=8.0,
    )
    forest(axes[0, 0], rows, [Series(_IN_MM), Series(_IN_PX, "D", filled=False)], neutral=0.5)
    axes[0, 0].set_xlim(right=1.01)
    label(axes[0, 0], x=f"area under the ROC curve, {site} against {home}", y="")
    return figure


def sites_figure(home: Site, away: Site, noticed: Sequence[Noticed], *, seed: int) -> Figure:
    """One model at both sites: success curves, and each film's mean measure beside its mean error."""
    own = home.model.own_measure
    in_user_unit = {one.home.measure.name: one for one in reversed(noticed)}
    shown = [in_user_unit[own]] if own in in_user_unit else []
    others = [one for name, one in in_user_unit.items() if name != own]
    if others:
        shown.append(max(others, key=lambda one: one.auc))
    figure, axes = new_figure(
        1,
        1 + len(shown),
        caption=f"{home.model.title} at {away.name} and on {home.name}. First panel: share of points within "
        "a radius, bands are 95 % intervals. Then each film as a point, its mean measure beside its mean "
        "error: the kind's own measure, and the one that notices the change of site best.",
        panel_inches=(4.7, 3.9),
    )
    _success_panel(axes[0, 0], (home, away), seed=seed)
    for panel, one in zip(axes[0, 1:], shown, strict=True):
        _film_panel(panel, home, away, one, seed=seed)
    return figure


def _colours(home: Site) -> tuple[str, str]:
    return KIND_COLOURS.get(home.model.kind, GREY), AWAY_COLOUR


def _success_panel(axes: Axes, sites: tuple[Site, Site], *, seed: int) -> None:
    for site, colour in zip(sites, _colours(sites[0]), strict=True):
        weights = film_weights(len(site.errors_mm), n_resamples=500, seed=seed)
        curve = success_curve(site.errors_mm, _RADII_MM, weights)
        mre = with_interval(site.evaluation.mre_mm, site.evaluation.mre_ci95_mm)
        name = f"{site.name}: MRE {mre} mm,\n{site.evaluation.n_films} films, n = {curve.n_points}"
        axes.plot(curve.radii, curve.percent, color=colour, lw=1.5, label=name)
        axes.fill_between(curve.radii, curve.low, curve.high, color=colour, alpha=0.2, lw=0)
    label(axes, x="radius r [mm]", y="points within r [%]", title=sites[0].model.title)
    axes.set(xlim=(0, _RADII_MM[-1]), ylim=(0, 101))
    axes.legend(fontsize=7, frameon=False, loc="lower right")


def _film_panel(axes: Axes, home: Site, away: Site, one: Noticed, *, seed: int) -> None:
    name, lines = one.home.measure.name, [f"area under ROC = {with_interval(one.auc, one.interval)}"]
    for site, colour, marker in zip((home, away), _colours(home), "o^", strict=True):
        x, y = (mean_of_known(of, axis=1) for of in (site.measured[name].values, site.errors_mm))
        axes.plot(x, y, marker, color=colour, markersize=4, alpha=0.65, mew=0, label=site.name)
        lines.append(f"{site.name}: Spearman of films = {_film_correlation(x, y, seed=seed)}")
    falls = one.home.measure.direction < 0
    axes.set_ylim(0, 1.35 * axes.get_ylim()[1])
    label(axes, x=f"film's mean {one.home.label}", y="film's mean error [mm]", title=one.home.measure.title)
    remark(axes, "\n".join(lines), corner="upper right" if falls else "upper left")
    axes.legend(fontsize=7, frameon=False, loc="upper left" if falls else "upper right")


def _film_correlation(x: NDArray[np.float64], y: NDArray[np.float64], *, seed: int) -> str:
    """Spearman's coefficient of two values of each film, with its interval, in words."""
    there = np.isfinite(x) & np.isfinite(y)
    x, y = x[there], y[there]
    weights = film_weights(len(x), n_resamples=500, seed=seed) if len(x) else np.ones((1, 0))
    return with_interval(spearman(x, y), percentile_interval(partial(weighted_spearman, x, y), weights))
