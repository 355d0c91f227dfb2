"""Detection: which score tells films that a model was not made for from those that it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import group_folds
from cephsure.evaluation.errors import is_within
from cephsure.studies.cases import training_shape
from cephsure.studies.detection_figures import auc_figure, roc_figure
from cephsure.studies.detection_findings import SPOILED_MM, best_score, findings, spoiled_films
from cephsure.studies.film_scores import FilmScores, halves
from cephsure.studies.result import ExperimentResult, ResultTable
from cephsure.studies.shifted import shifted_films
from cephsure.studies.statistics.separation import FALSE_ALARMS, Detection, detection_quality
from cephsure.studies.wording import ends

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from cephsure.studies.result import Cell, DrawnFigure
    from cephsure.studies.shifted import ShiftedFilms
    from cephsure.studies.study import Study

RESAMPLES = 500
LARGE_MM = 4.0


@dataclass(frozen=True, slots=True, eq=False)
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
        plain: by score, (N,) of the plain films.
        shifted: by shift and score, (M,) of the shifted films.
        found: by shift and score, how well it tells them.
        harm: by shift; under "" that of the plain films.
    """

    films: ShiftedFilms
    titles: dict[str, str]
    plain: dict[str, NDArray[np.float64]]
    shifted: dict[str, dict[str, NDArray[np.float64]]]
    found: dict[str, dict[str, Detection]]
    harm: dict[str, Harm]


def detection(study: Study) -> ExperimentResult:
    """Tell shifted films from plain ones by every measure and combination, film by film.

    Args:
        study: models and data; ``shift_films`` films are shifted in every way.

    Returns:
        A table of all areas, one of what the shifts do to the points; figures of each model's areas and
        some of its ROC curves.

    Raises:
        InputError: a film cannot be read or has no scale, or a prediction is neither stored nor can be made.
    """
    detected = [_detected(study, films) for films in shifted_films(study)]
    figures: dict[str, Figure | DrawnFigure] = {}
    for one in detected:
        figures[f"detection_{one.films.model.label}"] = auc_figure(one)
        figures[f"detection_roc_{one.films.model.label}"] = roc_figure(one)
    return ExperimentResult(
        name="detection",
        title="Detection: films the models were not made for",
        method=_method(detected, study.test_name),
        findings=tuple(findings(detected)),
        tables={
            "detection": _table(detected, study.test_name),
            "detection_harm": _harm_table(detected),
            "detection_spoiled": _spoiled_table(detected),
        },
        figures=figures,
    )


def _detected(study: Study, films: ShiftedFilms) -> Detected:
    shape = training_shape(study.dataset, films.truth)
    folds = halves(len(films.items), group_folds(films.items, 2, seed=study.seed))
    scores = FilmScores(films.plain, folds, shape)
    plain = scores.of(films.plain, folds)
    shifted, found = {}, {}
    for shift in films.shifts:
        # Films that are no version of a plain one go to the halves in turn.
        of_shift = np.arange(len(shift.table)) % 2 if shift.homes is None else folds[shift.homes]
        shifted[shift.name] = scores.of(shift.table, of_shift)
        found[shift.name] = {
            name: detection_quality(
                plain[name],
                shifted[shift.name][name],
                source_rows=shift.homes,
                n_resamples=RESAMPLES,
                seed=study.seed,
            )
            for name in scores.titles
        }
    harm = {"": _harm(films.errors_mm)} | {shift.name: _harm(shift.errors_mm) for shift in films.shifts}
    return Detected(films, scores.titles, plain, shifted, found, harm)


def _harm(errors_mm: NDArray[np.float64] | None) -> Harm:
    known = np.array([]) if errors_mm is None else errors_mm[np.isfinite(errors_mm)]
    if len(known) == 0:
        return Harm(float("nan"), float("nan"))
    return Harm(float(known.mean()), float(np.mean(~is_within(known, LARGE_MM))))


def _table(detected: Sequence[Detected], test: str) -> ResultTable:
    rows: list[tuple[Cell, ...]] = []
    for one in detected:
        for shift in one.films.shifts:
            for name, title in one.titles.items():
                quality = one.found[shift.name][name]
                rows.append(
                    (
                        *(one.films.model.title, shift.family, shift.name, shift.title, name, title),
                        *(quality.n_usual, quality.n_shifted),
                        *(quality.auc, *ends(quality.auc_ci95), quality.found),
                    )
                )
    return ResultTable.from_rows(
        f"How every score tells every shift from plain films of {test}",
        (
            *("model", "family", "shift", "shift_title", "score", "score_title"),
            *("n_plain", "n_shifted", "auc", "auc_low", "auc_high", "found_at_5_percent"),
        ),
        tuple(rows),
        note=(
            "auc: 0.5 is chance; below it shifted films look the more usual ones. found_at_5_percent: "
            "share of the shifted films found by a threshold that alarms on at most 5 % of the plain ones. "
            "low, high: 95 % bootstrap; a film and its versions are resampled together."
        ),
    )


def _harm_table(detected: Sequence[Detected]) -> ResultTable:
    rows: list[tuple[Cell, ...]] = []
    for one in detected:
        plain = one.harm[""]
        rows.append(
            (
                one.films.model.title,
                "plain",
                "",
                "plain films",
                len(one.films.plain),
                plain.mre_mm,
                plain.over_4mm,
            )
            + (None,) * 4
        )
        for shift in one.films.shifts:
            best = best_score(one, shift.name)
            quality = one.found[shift.name][best]
            harm = one.harm[shift.name]
            rows.append(
                (
                    *(one.films.model.title, shift.family, shift.name, shift.title, len(shift.table)),
                    *(harm.mre_mm, harm.over_4mm),
                    *(one.titles[best], quality.auc, quality.found, one.found[shift.name]["all_max"].found),
                )
            )
    return ResultTable.from_rows(
        "What each shift does to the points, and whether it is noticed",
        (
            *("model", "family", "shift", "shift_title", "n_films", "mre_mm", "share_over_4mm"),
            *("best_score", "best_auc", "best_found_at_5_percent", "all_max_found_at_5_percent"),
        ),
        tuple(rows),
        note=(
            "mre_mm and share_over_4mm: against the truth moved with the film, landmarks that were cut off "
            "included, for the model answers there too. best_score: chosen with this shift's films in "
            "hand, so what it finds is the most that can be hoped for; all_max was fixed beforehand."
        ),
    )


def _spoiled_table(detected: Sequence[Detected]) -> ResultTable:
    rows: list[tuple[Cell, ...]] = []
    for one in detected:
        for name, title in one.titles.items():
            spoiled = spoiled_films(one, name)
            missed = "; ".join(f"{what} ({count})" for what, count in spoiled.missed.items())
            share = spoiled.n_found / spoiled.n_films if spoiled.n_films else None
            rows.append((one.films.model.title, name, title, spoiled.n_films, spoiled.n_found, share, missed))
    return ResultTable.from_rows(
        "Shifted films whose points are spoiled, and how many raise an alarm",
        ("model", "score", "score_title", "n_spoiled", "n_found", "share_found", "missed"),
        tuple(rows),
        note=(
            f"Spoiled: mean radial error over {SPOILED_MM:g} mm, under any shift with a known truth. Found: "
            "the score exceeds a threshold that alarms on at most 5 % of the plain films. missed: by "
            "shift, how many."
        ),
    )


def _method(detected: Sequence[Detected], test: str) -> tuple[str, ...]:
    first = detected[0].films
    of_home = [shift for shift in first.shifts if shift.homes is not None]
    n_home = len(of_home[0].table) if of_home else 0
    n_pictures = len(first.shifts[-1].table)
    n_cases = n_home * len(of_home) + n_pictures
    return (
        (
            f"Plain: {len(first.plain)} films of {test} that show no training film's exposure. Shifted: "
            f"{n_home} of them, spread over the set, under {len(of_home)} conditions each; {n_pictures} "
            "pictures made by the program that are no cephalograms; the other site's films if given. That "
            f"is {n_cases} predictions a model besides those shared with other experiments. One CT's "
            "projections are in the experiment rotation, not here."
        ),
        (
            "Films of ISBI 2015 face right; mirrored and inverted ones are also predicted with facing or "
            "polarity given as it was before, as if somebody had filed them wrongly. Elastic magnitudes "
            "are the reference's (see distortion). Rotation about the film's centre keeps its frame; what "
            "leaves it is lost."
        ),
        (
            "Scores of a film: each measure's mean over the landmarks, its largest value, and the share of "
            "landmarks above the 95 % quantile that the same landmark has on plain films; the distance of "
            "the points' shape from the annotated training heads (Mahalanobis, after Procrustes "
            "alignment). Combinations: the mean, the largest and the largest absolute z of the mean "
            "measures and the shape, z being the distance from the plain films' median in units of their "
            "median absolute deviation."
        ),
        (
            "No label and no shifted film enters any score. Quantiles, medians and deviations come from "
            f"plain films of {test}, in two halves (same exposures in one half): a film and its shifted "
            "versions are always judged by the half that they are not in."
        ),
        (
            f"ROC over films, shifted against plain. Area with 95 % bootstrap interval ({RESAMPLES} "
            "resamples of films, a film with its versions), and the share found when at most "
            f"{100 * FALSE_ALARMS:.0f} % of the plain films raise an alarm."
        ),
    )
