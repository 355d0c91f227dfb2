"""Figures of the detection experiment: a map of areas, and some ROC curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata
from sklearn.metrics import roc_curve

from cephsure.studies.held_out import OTHER_SITE
from cephsure.studies.plotting import GREY, label, new_figure, remark
from cephsure.studies.shifted_films import NO_CEPHALOGRAM
from cephsure.studies.statistics.separation import FALSE_ALARMS
from cephsure.studies.wording import with_interval

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cephsure.studies.shifted_films import Shift, ShiftedFilms

_COLUMN_INCHES, _ROW_INCHES = 0.36, 0.2
_CURVES = ("rotated-15", "distorted-50", "noisy-10", OTHER_SITE, NO_CEPHALOGRAM)
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")


@dataclass(frozen=True, slots=True)
class Harm:
    """What a shift does to the points: error and large errors, NaN where there is no truth."""

    mre_mm: float
    over_4mm: float


@dataclass(frozen=True, slots=True, eq=False)
class Detected:
    """One model: how every score tells every shift.

    Attributes:
        films: its predictions.
        titles: of the scores, by name.
        plain: a row a plain film, a column a score.
        shifted: by shift, the same of its films.
        areas: a row a shift and score, in their order: the columns of the table.
        harm: by shift; under "" that of the plain films.
    """

    films: ShiftedFilms
    titles: dict[str, str]
    plain: pd.DataFrame
    shifted: dict[str, pd.DataFrame]
    areas: pd.DataFrame
    harm: dict[str, Harm]


def auc_figure(detected: Detected) -> Figure:
    """Shift by score, the area under the ROC curve in the cells."""
    shifts, scores = detected.films.shifts, list(detected.titles)
    areas = detected.areas["auc"].to_numpy().reshape(len(shifts), len(scores))
    figure, axes = new_figure(
        1,
        1,
        caption=f"{detected.films.model.title}: area under the ROC curve for telling shifted films from "
        f"{len(detected.films.plain)} plain ones, for every shift (n films, mean radial error under it) and "
        "score. 0.5 is chance; below it shifted films look the more usual ones. Intervals are in the table.",
        panel_inches=(3.4 + _COLUMN_INCHES * len(scores), 2.3 + _ROW_INCHES * len(shifts)),
    )
    panel = axes[0, 0]
    image = panel.imshow(areas, cmap="PuOr_r", vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(areas.shape):
        value = areas[row, column]
        if np.isfinite(value):
            text = f"{value:.2f}".removeprefix("0")
            colour = "white" if abs(value - 0.5) > 0.35 else "black"
            panel.text(column, row, text, ha="center", va="center", fontsize=6.5, color=colour)
    panel.set_xticks(range(len(scores)), [detected.titles[name] for name in scores], rotation=90, fontsize=7)
    panel.set_yticks(range(len(shifts)), [_row_title(detected, shift) for shift in shifts], fontsize=7)
    for place in range(1, len(shifts)):
        if shifts[place].family != shifts[place - 1].family:
            panel.axhline(place - 0.5, color="white", lw=2)
    panel.spines[["left", "bottom"]].set_visible(False)
    panel.tick_params(length=0)
    label(panel, x="score of a film", y="shift", title=detected.films.model.title)
    bar = figure.colorbar(image, ax=panel, shrink=0.4, aspect=25, pad=0.01)
    bar.set_label("area under the ROC curve", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    return figure


def _row_title(detected: Detected, shift: Shift) -> str:
    harm = detected.harm[shift.name].mre_mm
    error = "" if np.isnan(harm) else f", {harm:.1f} mm"
    return f"{shift.title} ({len(shift.table)}{error})"


def roc_figure(detected: Detected) -> Figure:
    """ROC curves of a few shifts: by the reference's measure, the entropy, the shape and all together."""
    shown = [shift for shift in detected.films.shifts if shift.name in _CURVES]
    own = f"{detected.films.model.own_measure}_mean"
    scores = [name for name in (own, "entropy_mean", "shape", "all_max") if name in detected.titles]
    figure, axes = new_figure(
        1,
        len(shown),
        caption=f"{detected.films.model.title}: ROC curves for telling shifted films from "
        f"{len(detected.films.plain)} plain ones, a point a threshold. The dotted line marks "
        "5 % false alarms.",
        panel_inches=(3.1, 3.4),
    )
    for panel, shift in zip(axes[0], shown, strict=True):
        for name, colour in zip(dict.fromkeys(scores), _COLOURS, strict=False):
            _curve(panel, detected, (shift.name, name), colour)
        panel.plot([0, 1], [0, 1], color=GREY, lw=0.8)
        panel.axvline(FALSE_ALARMS, color=GREY, lw=0.8, ls=":")
        label(
            panel,
            x="plain films that raise an alarm (share)",
            y="shifted films found (share)",
            title=shift.title,
        )
        panel.set_aspect("equal")
        remark(panel, f"n = {len(shift.table)} / {len(detected.films.plain)} plain", corner="lower right")
        panel.legend(fontsize=6.5, loc="upper center", bbox_to_anchor=(0.5, -0.2), frameon=False)
    return figure


def _curve(axes: Axes, detected: Detected, which: tuple[str, str], colour: str) -> None:
    shift, name = which
    plain, shifted = detected.plain[name], detected.shifted[shift][name]
    scores = np.concatenate([plain, shifted])
    is_shifted = np.repeat([False, True], [len(plain), len(shifted)])
    known = ~np.isnan(scores)
    area = detected.areas.set_index(["shift", "score"]).loc[which]
    said = with_interval(area["auc"], (area["auc_low"], area["auc_high"]))
    false_alarms, found = np.array([np.nan]), np.array([np.nan])
    if known.any():
        # Ranks keep the scores' order, and admit infinite ones.
        false_alarms, found, _ = roc_curve(
            is_shifted[known], rankdata(scores[known]), drop_intermediate=False
        )
    axes.plot(
        false_alarms,
        found,
        color=colour,
        lw=1.3,
        label=f"{detected.titles[name]}: {said}",
    )
