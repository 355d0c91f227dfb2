"""Referral: what is gained when the most uncertain points, or films, are handed to an expert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.bootstrap import film_weights
from cephsure.evaluation.errors import is_within
from cephsure.studies.cases import training_shape
from cephsure.studies.held_out import OFFICIAL, HeldOut, held_out, truth_for
from cephsure.studies.point_scores import AS_IS, WITHIN, PointScore, point_scores
from cephsure.studies.referral_figures import caught_figure, curves_figure
from cephsure.studies.result import ExperimentResult, ResultTable
from cephsure.studies.statistics.risk_coverage import REFERRED_SHARES, ReferralQuality, referral_quality
from cephsure.studies.wording import ends, with_interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from cephsure.studies.result import Cell, DrawnFigure
    from cephsure.studies.study import Study, StudyModel

RESAMPLES = 500
LARGE_MM = 4.0
POINTS = "points"
FILMS = {"mean": "films, by the mean", "max": "films, by the largest"}
# The share of which the findings speak.
_SPOKEN = REFERRED_SHARES.index(0.2)


@dataclass(frozen=True, slots=True, eq=False)
class ReferralOf:
    """One score's worth for one model.

    Attributes:
        model: whose points.
        truth: annotation the errors are against.
        films: "official" or "clean".
        unit: what is referred: points, or films by the mean or the largest of their points' scores.
        score: by which.
        errors: (F, K) errors of what may be referred, mm.
        values: (F, K) the score of each.
        quality: what it gains.
    """

    model: StudyModel
    truth: str
    films: str
    unit: str
    score: PointScore
    errors: NDArray[np.float64]
    values: NDArray[np.float64]
    quality: ReferralQuality


def referral(study: Study) -> ExperimentResult:
    """Refer the most uncertain points and films of the split, by every score.

    Args:
        study: models and data; every model predicts the plain films of the split.

    Returns:
        A table of all scores; figures: the share of large errors caught, and for each model the curves of
        risk against coverage.

    Raises:
        InputError: the films have no scale, or cannot be predicted.
    """
    held = held_out(study)
    found = [one for model in study.models for one in _of_model(study, held, model)]
    main = [one for one in found if one.films == OFFICIAL]
    return ExperimentResult(
        name="referral",
        title="Referral: what the most uncertain points hold",
        method=_method(held),
        findings=tuple(_findings(found)),
        tables={"referral": _table(found, held.test)},
        figures=_figures(main, held.test),
    )


def _of_model(study: Study, held: HeldOut, model: StudyModel) -> Iterator[ReferralOf]:
    truth = truth_for(model, study.dataset)
    shape = training_shape(study.dataset, truth)
    errors = held.errors_mm(model, truth)
    for films, chosen in held.groups.items():
        weights = film_weights(int(chosen.sum()), n_resamples=RESAMPLES, seed=study.seed)
        kept = errors[chosen]
        large = np.where(np.isfinite(kept), ~is_within(kept, LARGE_MM), 0.0)
        for score in point_scores(held.tables[model.label].where(chosen), shape):
            of_points = (POINTS, kept, large, score.values)
            units = [of_points]
            if score.scaled == AS_IS:
                units += _film_units(kept, large, score.values)
            for unit, of_unit, large_of_unit, values in units:
                quality = referral_quality(of_unit, large_of_unit, values, weights)
                yield ReferralOf(model, truth, films, unit, score, of_unit, values, quality)


def _film_units(
    errors: NDArray[np.float64], large: NDArray[np.float64], values: NDArray[np.float64]
) -> list[tuple[str, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
    """Films as what is referred: mean error (F, 1), number of large errors (F, 1), score (F, 1)."""
    judged = np.isfinite(errors).any(axis=1) & np.isfinite(values).any(axis=1)
    means, marks = np.full((2, len(errors), 1), np.nan)
    means[judged, 0] = np.nanmean(errors[judged], axis=1)
    counts = large.sum(axis=1, keepdims=True)
    units = []
    for how, summary in (("mean", np.nanmean), ("max", np.nanmax)):
        of_film = marks.copy()
        of_film[judged, 0] = summary(values[judged], axis=1)
        units.append((FILMS[how], means, counts, of_film))
    return units


def _table(found: Sequence[ReferralOf], test: str) -> ResultTable:
    rows: list[tuple[Cell, ...]] = []
    for one in found:
        quality = one.quality
        referred: list[Cell] = []
        for each in quality.referred:
            referred += [each.risk_kept, *ends(each.risk_kept_ci95), each.risk_kept_oracle]
            referred += [each.caught, *ends(each.caught_ci95), each.caught_oracle]
        rows.append(
            (
                *(one.model.title, one.truth, one.films, one.unit, one.score.name, one.score.title),
                *(one.score.scaled, one.score.name == one.model.own_measure),
                *(quality.n_points, quality.n_large, quality.risk),
                *(quality.aurc, *ends(quality.aurc_ci95), quality.aurc_oracle),
                *(quality.excess, *ends(quality.excess_ci95)),
                *referred,
            )
        )
    of_shares = [
        f"{name}_{share * 100:.0f}{what}"
        for share in REFERRED_SHARES
        for name in ("mre_kept_mm", "caught")
        for what in ("", "_low", "_high", "_oracle")
    ]
    return ResultTable.from_rows(
        f"What is gained by referring the most uncertain points or films of {test}",
        (
            *("model", "truth", "films", "referred", "score", "title", "scaled", "own_measure"),
            *("n", "n_over_4mm", "mre_mm", "aurc_mm", "aurc_mm_low", "aurc_mm_high", "aurc_mm_oracle"),
            *("excess_aurc", "excess_aurc_low", "excess_aurc_high"),
            *of_shares,
        ),
        tuple(rows),
        note="aurc_mm: area under the risk-coverage curve, the mean of the kept points' mean error over all "
        "coverages; random order gives mre_mm. excess_aurc: its excess over the oracle's as a share of the "
        "random order's (0: as good as knowing the errors, 1: random). mre_kept_mm_20: mean error of what "
        "is left when 20 % are referred; caught_20: share of the errors over 4 mm among the referred "
        f"(random: 0.2; for films, of the points on them). scaled: {WITHIN!r} compares a point with the "
        "same landmark's points on these very test films, which needs no label but all films at once. low, "
        "high: 95 % bootstrap over films.",
    )


def _figures(main: Sequence[ReferralOf], test: str) -> dict[str, Figure | DrawnFigure]:
    figures: dict[str, Figure | DrawnFigure] = {
        "referral_caught": caught_figure([one for one in main if one.unit == POINTS], test)
    }
    for label in dict.fromkeys(one.model.label for one in main if one.quality.n_points):
        of_model = [one for one in main if one.model.label == label and one.score.scaled == AS_IS]
        panels = {unit: [one for one in of_model if one.unit == unit] for unit in (POINTS, *FILMS.values())}
        figures[f"referral_{label}"] = curves_figure(panels, test)
    return figures


def _method(held: HeldOut) -> tuple[str, ...]:
    films = "; ".join(f"{name}: {int(chosen.sum())} films" for name, chosen in held.groups.items())
    return (
        (
            f"The points of {held.test} ({films}) are put in order of uncertainty and the most uncertain "
            "share is referred; an error is the distance in mm to the annotation the model was trained on. "
            "For films as a whole the error is the mean over the landmarks, the score the mean or the "
            "largest of the points' scores."
        ),
        (
            "The risk-coverage curve is the mean error of the k most certain points, k = 1 ... n; points "
            "of equal score count with their expected value in random order. Its area (AURC, Geifman et "
            "al. 2019) stands between the oracle's, which refers the largest errors first, and the mean "
            "error, which random referral keeps."
        ),
        (
            "Scores: each measure; the distance of a point from where the other 18 expect it by the shape "
            "of the annotated training heads (Gaussian after Procrustes alignment), in mm and in standard "
            "deviations; the mean of the ranks of all of these. None is fitted on these films."
        ),
        (
            "Each score also ranked within its landmark. No label is needed for that, but the ranks are "
            "those among the test films themselves: for a single film they would come from films seen "
            "before."
        ),
        f"Intervals: 95 %, percentile bootstrap over whole films, {RESAMPLES} resamples.",
    )


def _findings(found: Sequence[ReferralOf]) -> Iterator[str]:
    for label in dict.fromkeys(one.model.label for one in found):
        of_model = [one for one in found if one.model.label == label]
        official = [one for one in of_model if one.films == OFFICIAL]
        points = [one for one in official if (one.unit, one.score.scaled) == (POINTS, AS_IS)]
        if not points or not points[0].quality.n_large:
            continue
        own = [one for one in points if one.score.name == one.model.own_measure]
        top = max(points, key=_caught)
        for one in dict.fromkeys((*own, top)):
            yield _sentence(one, of_model, is_best=one is top)
        within = [one for one in official if one.score.scaled == WITHIN]
        yield _within_sentence(max(within, key=_caught), top)
        yield _film_sentence([one for one in official if one.unit in FILMS.values()], top)


def _sentence(one: ReferralOf, of_model: Sequence[ReferralOf], *, is_best: bool) -> str:
    quality, twenty = one.quality, one.quality.referred[_SPOKEN]
    clean = [
        other
        for other in of_model
        if other.films != OFFICIAL and (other.unit, other.score.name) == (one.unit, one.score.name)
        if other.score.scaled == one.score.scaled
    ]
    again = "".join(
        f" (clean films: {with_interval(other.quality.referred[_SPOKEN].caught, None)})" for other in clean
    )
    which = "the best of its scores" if is_best else "the reference's measure"
    return (
        f"{one.model.title}: by {one.score.title} ({which}) the 20 % most uncertain points hold "
        f"{with_interval(twenty.caught, twenty.caught_ci95)} of the {quality.n_large} errors over 4 "
        f"mm{again}; the other 80 % have an MRE of {with_interval(twenty.risk_kept, twenty.risk_kept_ci95)} "
        f"mm instead of {quality.risk:.2f} (oracle {twenty.risk_kept_oracle:.2f}); excess AURC "
        f"{with_interval(quality.excess, quality.excess_ci95)}."
    )


def _within_sentence(within: ReferralOf, top: ReferralOf) -> str:
    inside, whole = within.quality.referred[_SPOKEN], top.quality.referred[_SPOKEN]
    less = (
        "less than across landmarks: the difference is what is gained by knowing which landmarks are hard"
        if inside.caught < whole.caught
        else "no less than across landmarks"
    )
    return (
        f"{top.model.title}: compared only with the same landmark on other films, the best score "
        f"({within.score.title}) finds {with_interval(inside.caught, inside.caught_ci95)} of them among 20 "
        f"%, {less}."
    )


def _film_sentence(films: Sequence[ReferralOf], top: ReferralOf) -> str:
    best = max(films, key=_caught)
    twenty, of_points = best.quality.referred[_SPOKEN], top.quality.referred[_SPOKEN]
    than = "fewer than" if twenty.caught < of_points.caught else "no fewer than"
    return (
        f"{top.model.title}: 20 % of the films, referred as a whole ({best.unit} of {best.score.title}), "
        f"hold {with_interval(twenty.caught, twenty.caught_ci95)} of the errors over 4 mm (knowing the "
        f"errors: {twenty.caught_oracle:.2f}), {than} 20 % of the points ({of_points.caught:.2f})."
    )


def _caught(one: ReferralOf) -> float:
    return one.quality.referred[_SPOKEN].caught
