"""Detection: which score tells films that a model was not made for from those that it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cephsure.datasets import group_folds
from cephsure.evaluation.errors import is_within
from cephsure.studies.cases import points_for_shape, training_shape
from cephsure.studies.detection_figures import Detected, Harm, auc_figure, roc_figure
from cephsure.studies.measured import measured
from cephsure.studies.result import ExperimentResult, ResultTable
from cephsure.studies.shifted_films import shifted_films
from cephsure.studies.statistics.separation import FALSE_ALARMS, alarm_threshold, detection_quality
from cephsure.studies.wording import method_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from cephsure.studies.cases import PointTable
    from cephsure.studies.result import Cell, DrawnFigure
    from cephsure.studies.shifted_films import ShiftedFilms
    from cephsure.studies.study import Study
    from cephsure.uncertainty.shape_model import ShapeModel

RESAMPLES = 500
LARGE_MM = 4.0
SPOILED_MM = 4.0
"""A film counts as spoiled if the mean error over its landmarks is over this."""

COMBINATIONS = {
    "all_mean": "all: mean z",
    "all_max": "all: largest z",
    "all_abs": "all: largest |z|",
    "measures_max": "measures: largest z",
}
"""Of the films' mean measures, and for "all" of the shape too, in deviations from plain films."""

_PLAIN_QUANTILE = 0.95
# Standard deviations of a normal distribution in its median absolute deviation.
_MAD_TO_SD = 1.4826


def detection(study: Study) -> ExperimentResult:
    """Tell shifted films from plain ones by every measure and combination, film by film.

    Args:
        study: models and data; ``shift_films`` films are shifted in every way.

    Returns:
        A table of all areas, one of what the shifts do to the points, one of spoiled films that are found;
        figures of each model's areas and some of its ROC curves.

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


class FilmScores:
    """Scores of whole films that need no label and no shifted film, fitted to plain films in two halves.

    A measure gives its mean over the landmarks, its largest value, and the share of landmarks that exceed
    the 95 % quantile of the same landmark on plain films. The points' shape gives its distance from the
    training films' (``ShapeModel.score``). Combinations take the means and the shape as robust z: difference
    from the plain films' median in units of their median absolute deviation. Each half's films are judged by
    the other's.

    Args:
        plain: predictions of N plain films.
        folds: (N,) 0 or 1.
        shape: of the training annotation, or None.

    Attributes:
        titles: by score, in the order of tables.
    """

    def __init__(self, plain: PointTable, folds: NDArray[np.intp], shape: ShapeModel | None) -> None:
        self._measures = [(found.measure, found.key) for found in measured(plain).values()]
        self._shape = shape
        self.titles: dict[str, str] = {}
        for measure, _ in self._measures:
            short = measure.name.replace("_", " ")
            self.titles[f"{measure.name}_mean"] = f"{short}: mean"
            self.titles[f"{measure.name}_max"] = f"{short}: most uncertain landmark"
            self.titles[f"{measure.name}_share"] = f"{short}: landmarks over plain 95 %"
        if shape is not None:
            self.titles["shape"] = "shape of the points"
        self.titles |= COMBINATIONS
        points, films = self._read(plain)
        others = [folds != fold for fold in (0, 1)]
        self._limits = [
            {name: of_points[kept].quantile(_PLAIN_QUANTILE) for name, of_points in points.items()}
            for kept in others
        ]
        self._centres = [films[kept].median() for kept in others]
        self._scales = [films[kept].apply(_spread) for kept in others]

    def of(self, table: PointTable, folds: NDArray[np.intp]) -> pd.DataFrame:
        """Every score of N films.

        Args:
            table: their predictions.
            folds: (N,) 0 or 1: a film is judged by the plain films of the other fold.

        Returns:
            A row a film, a column a score, larger for "less like a plain film"; NaN where a measure is
            missing.
        """
        points, films = self._read(table)
        halves = [self._judge(points, films, fold)[folds == fold] for fold in (0, 1)]
        return pd.concat(halves).sort_index()

    def _read(self, table: PointTable) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
        """By measure the values (N, L), turned so that larger means more uncertain; and what films have."""
        missing = np.full(table.points_px.shape[:2], np.nan)
        points = {
            measure.name: pd.DataFrame(measure.direction * table.measures.get(key, missing))
            for measure, key in self._measures
        }
        films = pd.DataFrame(
            {name: of_points.mean(axis=1) for name, of_points in points.items()}, index=range(len(table))
        )
        if self._shape is not None:
            films["shape"] = [self._shape.score(each) for each in points_for_shape(table, self._shape)]
        return points, films

    def _judge(self, points: dict[str, pd.DataFrame], films: pd.DataFrame, fold: int) -> pd.DataFrame:
        """Every score, by the plain films of the other fold."""
        scores = films[["shape"]].copy() if self._shape is not None else pd.DataFrame(index=films.index)
        for name, of_points in points.items():
            over = (of_points > self._limits[fold][name]).astype(float).where(of_points.notna())
            scores[f"{name}_mean"] = films[name]
            scores[f"{name}_max"] = of_points.max(axis=1)
            scores[f"{name}_share"] = over.mean(axis=1)
        z = (films - self._centres[fold]) / self._scales[fold]
        scores["all_mean"], scores["all_max"] = z.mean(axis=1), z.max(axis=1)
        scores["all_abs"], scores["measures_max"] = z.abs().max(axis=1), z[list(points)].max(axis=1)
        return scores[list(self.titles)]


def _spread(values: pd.Series) -> float:
    """Robust standard deviation; the ordinary one where over half of the values are equal; 1 for none."""
    known = values.dropna()
    if known.empty:
        return 1.0
    robust = _MAD_TO_SD * float((known - known.median()).abs().median())
    return robust or float(known.std(ddof=0)) or 1.0


def detect(study: Study, films: ShiftedFilms) -> Detected:
    """How every score tells one model's shifted films, and what the shifts do to its points."""
    folds = np.zeros(len(films.items), dtype=np.intp)
    folds[group_folds(films.items, 2, seed=study.seed)[1]] = 1
    scores = FilmScores(films.plain, folds, training_shape(study.dataset, films.truth))
    plain = scores.of(films.plain, folds)
    shifted: dict[str, pd.DataFrame] = {}
    areas: list[dict[str, Cell]] = []
    for shift in films.shifts:
        rows = shift.source_rows
        # Films that are no version of a plain one go to the halves in turn.
        of_shift = np.arange(len(shift.table)) % 2 if rows is None else folds[rows]
        shifted[shift.name] = scores.of(shift.table, of_shift)
        for name, title in scores.titles.items():
            pair = plain[name].to_numpy(), shifted[shift.name][name].to_numpy()
            found = detection_quality(*pair, source_rows=rows, n_resamples=RESAMPLES, seed=study.seed)
            areas.append(
                {
                    "model": films.model.title,
                    "family": shift.family,
                    "shift": shift.name,
                    "shift_title": shift.title,
                    "score": name,
                    "score_title": title,
                    "n_plain": found.n_usual,
                    "n_shifted": found.n_shifted,
                    "auc": found.auc,
                    "auc_low": found.auc_ci95[0],
                    "auc_high": found.auc_ci95[1],
                    "found_at_5_percent": found.found,
                }
            )
    harm = {"": _harm(films.errors_mm)} | {shift.name: _harm(shift.errors_mm) for shift in films.shifts}
    return Detected(films, scores.titles, plain, shifted, pd.DataFrame(areas), harm)


def _harm(errors_mm: NDArray[np.float64] | None) -> Harm:
    known = np.array([]) if errors_mm is None else errors_mm[np.isfinite(errors_mm)]
    if len(known) == 0:
        return Harm(float("nan"), float("nan"))
    return Harm(float(known.mean()), float(np.mean(~is_within(known, LARGE_MM))))


def harm_table(detected: Sequence[Detected]) -> ResultTable:
    """What every shift does to the points, the score that tells it best, and the one fixed beforehand."""
    records: list[dict[str, Cell]] = []
    for each in detected:
        plain = ("plain", "", "plain films", len(each.films.plain))
        shifts = [(shift.family, shift.name, shift.title, len(shift.table)) for shift in each.films.shifts]
        for family, name, title, count in (plain, *shifts):
            record: dict[str, Cell] = {
                "model": each.films.model.title,
                "family": family,
                "shift": name,
                "shift_title": title,
                "n_films": count,
                "mre_mm": each.harm[name].mre_mm,
                "share_over_4mm": each.harm[name].over_4mm,
            }
            if name:
                scores = each.areas[each.areas["shift"] == name].set_index("score")
                best = scores.loc[scores["auc"].fillna(-1.0).idxmax()]
                record |= {"best_score": best["score_title"], "best_auc": best["auc"]}
                record |= {"best_found_at_5_percent": best["found_at_5_percent"]}
                record |= {"all_max_found_at_5_percent": scores.loc["all_max", "found_at_5_percent"]}
            records.append(record)
    columns = (
        *("model", "family", "shift", "shift_title", "n_films", "mre_mm", "share_over_4mm"),
        *("best_score", "best_auc", "best_found_at_5_percent", "all_max_found_at_5_percent"),
    )
    note = (
        "mre_mm and share_over_4mm: against the truth moved with the film, landmarks that were cut off "
        "included, for the model answers there too. best_score: chosen with this shift's films in "
        "hand, so what it finds is the most that can be hoped for; all_max was fixed beforehand."
    )
    title = "What each shift does to the points, and whether it is noticed"
    return ResultTable.from_records(title, records, columns=columns, note=note)


def spoiled_table(detected: Sequence[Detected]) -> ResultTable:
    """What matters most in use: does a film whose points are wrong raise an alarm?"""
    records: list[dict[str, Cell]] = []
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
            records.append(
                {
                    "model": each.films.model.title,
                    "score": name,
                    "score_title": title,
                    "n_spoiled": n_spoiled,
                    "n_found": n_found,
                    "share_found": n_found / n_spoiled if n_spoiled else None,
                    "missed": "; ".join(f"{what} ({count})" for what, count in missed.items() if count),
                }
            )
    return ResultTable.from_records(
        "Shifted films whose points are spoiled, and how many raise an alarm",
        records,
        note=f"Spoiled: mean radial error over {SPOILED_MM:g} mm, under any shift with a known truth. Found: "
        "the score exceeds a threshold that alarms on at most 5 % of the plain films. missed: by shift, how "
        "many.",
    )


def _spoiled(errors_mm: NDArray[np.float64] | None) -> NDArray[np.intp]:
    """Which films (rows) have a mean error over ``SPOILED_MM``; none where there is no truth."""
    if errors_mm is None:
        return np.array([], dtype=np.intp)
    known = np.isfinite(errors_mm).any(axis=1)
    errors = np.nanmean(errors_mm[known], axis=1)
    return np.flatnonzero(known)[~is_within(errors, SPOILED_MM)]
