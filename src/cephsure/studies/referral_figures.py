"""Figures of the referral experiment: curves of risk against coverage, and what is caught."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
from cephsure.studies.point_scores import AS_IS, WITHIN
from cephsure.studies.statistics.risk_coverage import REFERRED_SHARES, risk_coverage
from cephsure.studies.wording import with_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cephsure.studies.referral import ReferralOf

# Okabe and Ito's palette without black, which is the oracle's, and the same again in dashes.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_STYLES = ("-", "--", ":")
# Below this coverage a curve is the mean of a handful of points.
_LEAST_COVERAGE = 0.05


def curves_figure(panels: Mapping[str, Sequence[ReferralOf]], test: str) -> Figure:
    """Risk against coverage for every score of one model.

    Args:
        panels: by what is referred, the scores; an empty one is left out.
        test: what the films are called.

    Returns:
        A panel each.
    """
    shown = {unit: found for unit, found in panels.items() if found}
    title = next(iter(shown.values()))[0].model.title
    figure, axes = new_figure(
        1,
        len(shown),
        caption=f"{title}: mean error of what is kept as the most uncertain is referred, official {test}. "
        "Black: by the errors themselves (oracle); grey: at random. n: points or films.",
        panel_inches=(4.6, 4.2),
    )
    for panel, (unit, found) in zip(axes[0], shown.items(), strict=True):
        _curves(panel, found)
        label(panel, x="coverage: share that is kept", y="mean radial error of what is kept [mm]", title=unit)
    return figure


def _curves(axes: Axes, found: Sequence[ReferralOf]) -> None:
    oracle = risk_coverage(found[0].errors, found[0].errors)
    axes.plot(oracle.coverage, oracle.risk, color="black", lw=1.2, label="oracle")
    quality = found[0].quality
    axes.axhline(quality.risk, color=GREY, lw=1.0, label="random")
    for place, one in enumerate(found):
        curve = risk_coverage(one.errors, one.values)
        shown = curve.coverage >= _LEAST_COVERAGE
        axes.plot(
            curve.coverage[shown],
            curve.risk[shown],
            _STYLES[place // len(_COLOURS) % len(_STYLES)],
            color=_COLOURS[place % len(_COLOURS)],
            lw=1.2,
            label=f"{one.score.title}: {with_interval(one.quality.excess, one.quality.excess_ci95)}",
        )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.35 * quality.risk)
    legend = axes.legend(fontsize=6.5, loc="upper center", bbox_to_anchor=(0.5, -0.16), frameon=False)
    legend.set_title("score: excess area over the oracle [95 % interval], 1 = random")
    legend.get_title().set_fontsize(6.5)
    remark(axes, f"n = {quality.n_points}, {quality.n_large} errors over 4 mm", corner="lower right")


def caught_figure(points: Sequence[ReferralOf], test: str) -> Figure:
    """For each model and score the share of large errors among the referred points, 10, 20 and 30 %."""
    models = list(dict.fromkeys(one.model.label for one in points))
    rows_of: dict[float, list[Row]] = {share: [] for share in REFERRED_SHARES}
    for name in models:
        of_model = [one for one in points if one.model.label == name]
        for place, share in enumerate(REFERRED_SHARES):
            rows_of[share].append(Row(of_model[0].model.title))
            rows_of[share] += _caught_rows(of_model, place)
    n_rows = max(map(len, rows_of.values()))
    caption = (
        f"Share of the errors over 4 mm that is among the most uncertain points, official {test}, with 95 % "
        f"intervals (n = {points[0].quality.n_points} points; errors over 4 mm: "
        + ", ".join(
            f"{next(one for one in points if one.model.label == name).quality.n_large} {name}"
            for name in models
        )
        + "). The line is chance."
    )
    figure, axes = forest_figure(len(REFERRED_SHARES), n_rows, caption=caption, panel_width=4.4)
    series = [Series(AS_IS), Series(WITHIN, "s", filled=False)]
    for panel, (share, rows) in zip(axes[0], rows_of.items(), strict=True):
        forest(panel, rows, series, neutral=share)
        panel.set_xlim(0, 1.03)
        label(panel, x=f"share of errors > 4 mm among the {share * 100:.0f} % referred", y="")
    for panel in axes[0, 1:]:
        panel.set_yticklabels([])
    return figure


def _caught_rows(of_model: Sequence[ReferralOf], place: int) -> list[Row]:
    rows = []
    colour = KIND_COLOURS[of_model[0].model.kind]
    for title in dict.fromkeys(one.score.title for one in of_model):
        estimates = {}
        for one in of_model:
            if one.score.title == title:
                referred = one.quality.referred[place]
                known = not np.isnan(referred.caught)
                estimates[one.score.scaled] = Estimate(
                    referred.caught if known else None, referred.caught_ci95 if known else None
                )
        rows.append(Row(f"  {title}", colour, estimates))
    return rows
