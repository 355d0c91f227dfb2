"""Detection: which score tells films that a model was not made for from those that it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.metrics import roc_curve

from cephsure.datasets import group_folds
from cephsure.evaluation.errors import is_within
from cephsure.studies.cases import training_shape
from cephsure.studies.film_scores import FilmScores
from cephsure.studies.held_out import OTHER_SITE
from cephsure.studies.plotting import GREY, label, new_figure, remark
from cephsure.studies.result import ExperimentResult, ResultTable, method_text, with_interval
from cephsure.studies.shifted_films import NO_CEPHALOGRAM, shifted_films
from cephsure.studies.statistics.separation import FALSE_ALARMS, alarm_threshold, detection_quality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from cephsure.studies.result import Cell, DrawnFigure
    from cephsure.studies.shifted_films import ShiftedFilms
    from cephsure.studies.study import Study

RESAMPLES = 500
LARGE_MM = 4.0
SPOILED_MM = 4.0
"""A film counts as spoiled if the mean error over its landmarks is over this."""

_AREAS = (
    *("model", "family", "shift", "shift_title", "score", "score_title"),
    *("n_plain", "n_shifted", "auc", "auc_low", "auc_high", "found_at_5_percent"),
)
_HARM = (
    *("model", "family", "shift", "shift_title", "n_films", "mre_mm", "share_over_4mm"),
    *("best_score", "best_auc", "best_found_at_5_percent", "all_max_found_at_5_percent"),
)
_SPOILED = ("model", "score", "score_title", "n_spoiled", "n_found", "share_found", "missed")
_COLUMN_INCHES, _ROW_INCHES = 0.36, 0.2
_CURVES = ("rotated-15", "distorted-50", "noisy-10", OTHER_SITE, NO_CEPHALOGRAM)
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")


class Harm(NamedTuple):
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


def detection(study: Study) -> ExperimentResult:
    """Tell shifted films from plain ones by every measure and combination, film by film.

    Raises:
        InputError: a film cannot be read or has no scale, or a prediction is neither stored nor can be made.
    """
    detected = [detect(study, films) for films in shifted_films(study)]
    figures: dict[str, Figure | DrawnFigure] = {}
    for each in detected:
        figures[f"detection_{each.films.model.label}"] = auc_figure(each)
        figures[f"detection_roc_{each.films.model.label}"] = roc_figure(each)
    films = detected[0].films
    of_test = [shift for shift in films.shifts if shift.source_rows is not None]
    spoiled = spoiled_table(detected)
    return ExperimentResult(
        name="detection",
        title="Detection: films the models were not made for",
        method=method_text(
            "detection",
            test=study.test_name,
            n_plain=len(films.plain),
            n_conditions=len(of_test),
            n_shifted=len(of_test[0].table),
            n_pictures=len(films.shifts[-1].table),
            resamples=RESAMPLES,
            false_alarms=FALSE_ALARMS,
        ),
        tables={
            "detection": ResultTable(
                f"How every score tells every shift from plain films of {study.test_name}",
                pd.concat([each.areas for each in detected], ignore_index=True),
                "auc: 0.5 is chance; below it shifted films look the more usual ones. found_at_5_percent: "
                "share of the shifted films found by a threshold that alarms on at most 5 % of the plain "
                "ones. low, high: 95 % bootstrap; a film and its versions are resampled together.",
            ),
            "detection_harm": harm_table(detected),
            "detection_spoiled": spoiled,
        },
        figures=figures,
        shown=spoiled.select(
            *("model", "score_title", "n_spoiled", "n_found", "share_found"),
            where=spoiled.frame["score"] == "all_max",
        ),
    )


def detect(study: Study, films: ShiftedFilms) -> Detected:
    """How every score tells one model's shifted films, and what the shifts do to its points."""
    folds = np.zeros(len(films.items), dtype=np.intp)
    folds[group_folds(films.items, 2, seed=study.seed)[1]] = 1
    scores = FilmScores(films.plain, folds, training_shape(study.dataset, films.truth))
    plain = scores.of(films.plain, folds)
    shifted: dict[str, pd.DataFrame] = {}
    areas: list[tuple[Cell, ...]] = []
    for shift in films.shifts:
        rows = shift.source_rows
        # Films that are no version of a plain one go to the halves in turn.
        of_shift = np.arange(len(shift.table)) % 2 if rows is None else folds[rows]
        shifted[shift.name] = scores.of(shift.table, of_shift)
        for name, title in scores.titles.items():
            pair = plain[name].to_numpy(), shifted[shift.name][name].to_numpy()
            found = detection_quality(*pair, source_rows=rows, n_resamples=RESAMPLES, seed=study.seed)
            what = (films.model.title, shift.family, shift.name, shift.title, name, title)
            figures = (found.n_usual, found.n_shifted, found.auc, *found.auc_ci95, found.found)
            areas.append((*what, *figures))
    harm = {"": _harm(films.errors_mm)} | {shift.name: _harm(shift.errors_mm) for shift in films.shifts}
    return Detected(films, scores.titles, plain, shifted, pd.DataFrame(areas, columns=_AREAS), harm)


def _harm(errors_mm: NDArray[np.float64] | None) -> Harm:
    known = np.array([]) if errors_mm is None else errors_mm[np.isfinite(errors_mm)]
    if len(known) == 0:
        return Harm(float("nan"), float("nan"))
    return Harm(float(known.mean()), float(np.mean(~is_within(known, LARGE_MM))))


def harm_table(detected: Sequence[Detected]) -> ResultTable:
    """What every shift does to the points, the score that tells it best, and the one fixed beforehand."""
    rows: list[tuple[Cell, ...]] = []
    for each in detected:
        model = each.films.model.title
        what = (model, "plain", "", "plain films", len(each.films.plain))
        rows.append((*what, *each.harm[""], None, None, None, None))
        for shift in each.films.shifts:
            scores = each.areas[each.areas["shift"] == shift.name].set_index("score")
            best, fixed = scores.loc[scores["auc"].fillna(-1.0).idxmax()], scores.loc["all_max"]
            what = (model, shift.family, shift.name, shift.title, len(shift.table))
            told = (best["score_title"], best["auc"], best["found_at_5_percent"])
            rows.append((*what, *each.harm[shift.name], *told, fixed["found_at_5_percent"]))
    note = (
        "mre_mm and share_over_4mm: against the truth moved with the film, landmarks that were cut off "
        "included, for the model answers there too. best_score: chosen with this shift's films in "
        "hand, so what it finds is the most that can be hoped for; all_max was fixed beforehand."
    )
    title = "What each shift does to the points, and whether it is noticed"
    return ResultTable.from_records(title, rows, columns=_HARM, note=note)


def spoiled_table(detected: Sequence[Detected]) -> ResultTable:
    """What matters most in use: does a film whose points are wrong raise an alarm?"""
    rows: list[tuple[Cell, ...]] = []
    for each in detected:
        spoiled = {shift.name: _spoiled(shift.errors_mm) for shift in each.films.shifts}
        for name, title in each.titles.items():
            threshold = alarm_threshold(each.plain[name].to_numpy())
            missed: dict[str, int] = {}
            for shift in each.films.shifts:
                alarms = each.shifted[shift.name][name].to_numpy()[spoiled[shift.name]] > threshold
                missed[shift.title] = int((~alarms).sum())
            n_spoiled = sum(map(len, spoiled.values()))
            n_found = n_spoiled - sum(missed.values())
            share = n_found / n_spoiled if n_spoiled else None
            text = "; ".join(f"{what} ({count})" for what, count in missed.items() if count)
            rows.append((each.films.model.title, name, title, n_spoiled, n_found, share, text))
    note = (
        f"Spoiled: mean radial error over {SPOILED_MM:g} mm, under any shift with a known truth. Found: "
        "the score exceeds a threshold that alarms on at most 5 % of the plain films. missed: by shift, how "
        "many."
    )
    title = "Shifted films whose points are spoiled, and how many raise an alarm"
    return ResultTable.from_records(title, rows, columns=_SPOILED, note=note)


def _spoiled(errors_mm: NDArray[np.float64] | None) -> NDArray[np.intp]:
    """Which films (rows) have a mean error over ``SPOILED_MM``; none where there is no truth."""
    if errors_mm is None:
        return np.array([], dtype=np.intp)
    known = np.isfinite(errors_mm).any(axis=1)
    errors = np.nanmean(errors_mm[known], axis=1)
    return np.flatnonzero(known)[~is_within(errors, SPOILED_MM)]


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
    harm = [detected.harm[shift.name].mre_mm for shift in shifts]
    errors = ["" if np.isnan(mre_mm) else f", {mre_mm:.1f} mm" for mre_mm in harm]
    titles = [f"{shift.title} ({len(shift.table)}{of})" for shift, of in zip(shifts, errors, strict=True)]
    panel.set_yticks(range(len(shifts)), titles, fontsize=7)
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
            _curve(panel, detected, shift.name, name, colour)
        panel.plot([0, 1], [0, 1], color=GREY, lw=0.8)
        panel.axvline(FALSE_ALARMS, color=GREY, lw=0.8, ls=":")
        x, y = "plain films that raise an alarm (share)", "shifted films found (share)"
        label(panel, x=x, y=y, title=shift.title)
        panel.set_aspect("equal")
        remark(panel, f"n = {len(shift.table)} / {len(detected.films.plain)} plain", corner="lower right")
        panel.legend(fontsize=6.5, loc="upper center", bbox_to_anchor=(0.5, -0.2), frameon=False)
    return figure


def _curve(axes: Axes, detected: Detected, shift: str, name: str, colour: str) -> None:
    plain, shifted = detected.plain[name], detected.shifted[shift][name]
    scores = np.concatenate([plain, shifted])
    is_shifted = np.repeat([False, True], [len(plain), len(shifted)])
    known = ~np.isnan(scores)
    area = detected.areas.set_index(["shift", "score"]).loc[(shift, name)]
    said = with_interval(area["auc"], (area["auc_low"], area["auc_high"]))
    false_alarms, found = np.array([np.nan]), np.array([np.nan])
    if known.any():
        # Ranks keep the scores' order, and admit infinite ones.
        ranks = rankdata(scores[known])
        false_alarms, found, _ = roc_curve(is_shifted[known], ranks, drop_intermediate=False)
    axes.plot(false_alarms, found, color=colour, lw=1.3, label=f"{detected.titles[name]}: {said}")
