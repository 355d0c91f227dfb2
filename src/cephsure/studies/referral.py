"""Referral: what is gained when the most uncertain points, or films, are handed to an expert."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import rankdata

from cephsure.evaluation.bootstrap import film_weights
from cephsure.evaluation.errors import is_within
from cephsure.studies import plotting
from cephsure.studies.cases import points_for_shape, training_shape
from cephsure.studies.held_out import OFFICIAL, held_out, truth_for
from cephsure.studies.measured import measured
from cephsure.studies.plotting import GREY, KIND_COLOURS, Estimate, Forest, Row, Series
from cephsure.studies.result import ExperimentResult, ResultTable, method_text, with_ends, with_interval
from cephsure.studies.statistics.risk_coverage import (
    REFERRED_SHARES,
    ReferralQuality,
    referral_quality,
    risk_coverage,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from cephsure.studies.cases import PointTable
    from cephsure.studies.held_out import HeldOut
    from cephsure.studies.result import DrawnFigure
    from cephsure.studies.study import Study, StudyModel
    from cephsure.uncertainty.shape_model import ShapeModel

RESAMPLES = 500
LARGE_MM = 4.0
POINTS = "points"
FILMS: dict[str, Callable[..., NDArray[np.float64]]] = {
    "films, by the mean": np.nanmean,
    "films, by the largest": np.nanmax,
}
AS_IS = "as it is"
WITHIN = "rank within landmark"
# Okabe and Ito's palette without black, which is the oracle's, and the same again in dashes.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_STYLES = ("-", "--", ":")
_SHOWN = ("model", "title", "n_over_4mm", "mre_mm", "caught_20", "mre_kept_mm_20", "excess_aurc")
# Below this coverage a curve is the mean of a handful of points.
_LEAST_COVERAGE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class PointScore:
    """One score of N films' L points, which needs no label of these films.

    Attributes:
        name: of the measure, or "shape", "shape_sd", "combined".
        title: for tables and figures.
        scaled: ``AS_IS``, or ``WITHIN`` for the rank among the same landmark's points on these very films.
        values: (N, L), larger for more uncertain; NaN where there is none.
    """

    name: str
    title: str
    scaled: str
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Referral:
    """What referring by one score gains for one model.

    Attributes:
        model: whose points.
        truth: annotation the errors are against, on the ``films`` "official" or "clean".
        unit: what is referred: points, or films by the mean or the largest of their points' scores.
        score: by which, of each (F, K) the ``values``.
        errors: (F, K) errors of what may be referred, mm.
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
    """Refer the most uncertain points and plain films of the split, by every score.

    A table of all scores; figures: the share of large errors caught, and for each model the curves of risk
    against coverage.

    Raises:
        InputError: the films have no scale, or cannot be predicted.
    """
    held = held_out(study)
    by_model = {model: list(_referrals(study, held, model)) for model in study.models}
    official = {model: [row for row in rows if row.films == OFFICIAL] for model, rows in by_model.items()}
    figures: dict[str, Figure | DrawnFigure] = {"referral_caught": caught_figure(official, held.test)}
    for model, rows in official.items():
        if any(row.quality.n_points for row in rows):
            figures[f"referral_{model.label}"] = curves_figure(rows, held.test)
    table = _table([row for rows in by_model.values() for row in rows], held.test)
    frame = table.frame
    whole = (frame["films"] == OFFICIAL) & (frame["referred"] == POINTS) & (frame["scaled"] == AS_IS)
    return ExperimentResult(
        name="referral",
        title="Referral: what the most uncertain points hold",
        method=method_text("referral", test=held.test, sizes=held.sizes, resamples=RESAMPLES),
        tables={"referral": table},
        figures=figures,
        shown=table.select(*_SHOWN, where=whole),
    )


def point_scores(table: PointTable, shape: ShapeModel | None) -> list[PointScore]:
    """Every measure of N films, the residuals of the training films' shape and the combination of all.

    The combination is the mean of the ranks, each over all points: no weight is fitted. The scores come as
    they are, and after them ranked within each landmark.
    """
    found = measured(table)
    scores = [PointScore(name, value.measure.title, AS_IS, value.turned) for name, value in found.items()]
    if shape is not None:
        points = points_for_shape(table, shape)
        by_mm = np.stack([shape.residuals(each) for each in points])
        scores.append(PointScore("shape", "shape residual, mm", AS_IS, by_mm))
        if "shape_residual" not in found:  # what a bundle's own reference gives
            by_sd = np.stack([shape.standard_residuals(each) for each in points])
            scores.append(PointScore("shape_sd", "shape residual, SD", AS_IS, by_sd))
    kinds = [score for score in scores if score.name != "shape_sd"]
    if len(kinds) > 1:
        combined = np.mean([ranked(score.values, within_landmark=False) for score in kinds], axis=0)
        scores.append(PointScore("combined", "mean rank of all", AS_IS, combined))
    return scores + [
        replace(score, scaled=WITHIN, values=ranked(score.values, within_landmark=True)) for score in scores
    ]


def ranked(values: NDArray[np.float64], *, within_landmark: bool) -> NDArray[np.float64]:
    """Ranks as shares, from 0 to 1, among all points or among each landmark's (columns); NaN stays NaN.

    Examples:
        >>> ranked(np.array([[5.0, 1.0], [6.0, 0.0]]), within_landmark=True)
        array([[0.25, 0.75],
               [0.75, 0.25]])
    """
    axis = 0 if within_landmark else None
    ranks = rankdata(values, axis=axis, nan_policy="omit").reshape(values.shape)
    shares: NDArray[np.float64] = (ranks - 0.5) / np.maximum((~np.isnan(values)).sum(axis=axis), 1)
    return shares


def _referrals(study: Study, held: HeldOut, model: StudyModel) -> Iterator[Referral]:
    truth = truth_for(model, study.dataset)
    shape = training_shape(study.dataset, truth)
    all_errors = held.errors_mm(model, truth)
    for films, chosen in held.groups.items():
        errors = all_errors[chosen]
        weights = film_weights(len(errors), n_resamples=RESAMPLES, seed=study.seed)
        large = np.where(np.isfinite(errors), ~is_within(errors, LARGE_MM), 0.0)
        for score in point_scores(held.tables[model.label].where(chosen), shape):
            units = [(POINTS, errors, large, score.values)]
            if score.scaled == AS_IS:
                units += _film_units(errors, large, score.values)
            for unit, of_unit, large_of_unit, values in units:
                quality = referral_quality(of_unit, large_of_unit, values, weights)
                yield Referral(model, truth, films, unit, score, of_unit, values, quality)


def _film_units(
    errors: NDArray[np.float64], large: NDArray[np.float64], values: NDArray[np.float64]
) -> list[tuple[str, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
    """Films as what is referred: mean error (F, 1), number of large errors (F, 1), score (F, 1)."""
    judged = np.isfinite(errors).any(axis=1) & np.isfinite(values).any(axis=1)
    means, *scores = np.full((1 + len(FILMS), len(errors), 1), np.nan)
    means[judged, 0] = np.nanmean(errors[judged], axis=1)
    for score, summary in zip(scores, FILMS.values(), strict=True):
        score[judged, 0] = summary(values[judged], axis=1)
    counts = large.sum(axis=1, keepdims=True)
    return [(unit, means, counts, score) for unit, score in zip(FILMS, scores, strict=True)]


def _table(rows: Sequence[Referral], test: str) -> ResultTable:
    return ResultTable.from_records(
        f"What is gained by referring the most uncertain points or films of {test}",
        map(_record, rows),
        note="aurc_mm: area under the risk-coverage curve, the mean of the kept points' mean error over all "
        "coverages; random order gives mre_mm. excess_aurc: its excess over the oracle's as a share of the "
        "random order's (0: as good as knowing the errors, 1: random). mre_kept_mm_20: mean error of what "
        "is left when 20 % are referred; caught_20: share of the errors over 4 mm among the referred "
        f"(random: 0.2; for films, of the points on them). scaled: {WITHIN!r} compares a point with the "
        "same landmark's points on these very test films, which needs no label but all films at once. low, "
        "high: 95 % bootstrap over films.",
    )


def _record(row: Referral) -> dict[str, Any]:
    quality, score = row.quality, row.score
    record: dict[str, Any] = {"model": row.model.title, "truth": row.truth, "films": row.films}
    record |= {"referred": row.unit, "score": score.name, "title": score.title, "scaled": score.scaled}
    record |= {"own_measure": score.name == row.model.own_measure}
    record |= {"n": quality.n_points, "n_over_4mm": quality.n_large, "mre_mm": quality.risk}
    record |= with_ends("aurc_mm", quality.aurc, quality.aurc_ci95)
    record |= {"aurc_mm_oracle": quality.aurc_oracle}
    record |= with_ends("excess_aurc", quality.excess, quality.excess_ci95)
    for referred in quality.referred:
        kept, caught = (f"{name}_{referred.share * 100:.0f}" for name in ("mre_kept_mm", "caught"))
        record |= with_ends(kept, referred.risk_kept, referred.risk_kept_ci95)
        record |= {f"{kept}_oracle": referred.risk_kept_oracle}
        record |= with_ends(caught, referred.caught, referred.caught_ci95)
        record |= {f"{caught}_oracle": referred.caught_oracle}
    return record


def curves_figure(official: Sequence[Referral], test: str) -> Figure:
    """Risk against coverage for every score of one model, a panel for points and each kind of films."""
    as_is = [row for row in official if row.score.scaled == AS_IS]
    units = [unit for unit in (POINTS, *FILMS) if any(row.unit == unit for row in as_is)]
    figure, axes = plotting.new_figure(
        1,
        len(units),
        caption=f"{as_is[0].model.title}: mean error of what is kept as the most uncertain is referred, "
        f"official {test}. Black: by the errors themselves (oracle); grey: at random. n: points or films.",
        panel_inches=(4.6, 4.2),
    )
    for panel, unit in zip(axes[0], units, strict=True):
        _curves(panel, [row for row in as_is if row.unit == unit])
        x, y = "coverage: share that is kept", "mean radial error of what is kept [mm]"
        plotting.label(panel, x=x, y=y, title=unit)
    return figure


def _curves(axes: Axes, rows: Sequence[Referral]) -> None:
    first = rows[0]
    axes.plot(*risk_coverage(first.errors, first.errors), color="black", lw=1.2, label="oracle")
    axes.axhline(first.quality.risk, color=GREY, lw=1.0, label="random")
    for place, row in enumerate(rows):
        coverage, risk = risk_coverage(row.errors, row.values)
        shown = coverage >= _LEAST_COVERAGE
        colour, style = _COLOURS[place % len(_COLOURS)], _STYLES[place // len(_COLOURS) % len(_STYLES)]
        name = f"{row.score.title}: {with_interval(row.quality.excess, row.quality.excess_ci95)}"
        axes.plot(coverage[shown], risk[shown], style, color=colour, lw=1.2, label=name)
    axes.set(xlim=(0, 1), ylim=(0, 1.35 * first.quality.risk))
    title = "score: excess area over the oracle [95 % interval], 1 = random"
    plotting.legend_below(axes, gap=0.16, title=title)
    text = f"n = {first.quality.n_points}, {first.quality.n_large} errors over 4 mm"
    plotting.remark(axes, text, corner="lower right")


def caught_figure(official: Mapping[StudyModel, Sequence[Referral]], test: str) -> Figure:
    """For each model and score the share of large errors among the referred points, 10, 20 and 30 %."""
    points = {model: [row for row in rows if row.unit == POINTS] for model, rows in official.items()}
    qualities = {model: rows[0].quality for model, rows in points.items() if rows}
    n_points = next(iter(qualities.values())).n_points
    large = ", ".join(f"{quality.n_large} {model.label}" for model, quality in qualities.items())
    series = [Series(AS_IS), Series(WITHIN, "s", filled=False)]
    panels = []
    for place, share in enumerate(REFERRED_SHARES):
        lines = [line for model, rows in points.items() for line in _caught_rows(model, rows, place)]
        x = f"share of errors > 4 mm among the {share * 100:.0f} % referred"
        panels.append(Forest(x, lines, series, neutral=share, limits=(0, 1.03)))
    return plotting.forest_figure(
        panels,
        caption=f"Share of the errors over 4 mm that is among the most uncertain points, official {test}, "
        f"with 95 % intervals (n = {n_points} points; errors over 4 mm: {large}). The line is chance.",
        panel_width=4.4,
    )


def _caught_rows(model: StudyModel, rows: Sequence[Referral], place: int) -> Iterator[Row]:
    """A heading, and a line a score: as it is, and ranked within its landmark."""
    yield Row(model.title)
    estimates: dict[str, dict[str, Estimate]] = {}
    for row in rows:
        referred = row.quality.referred[place]
        estimate = Estimate(referred.caught, referred.caught_ci95)
        estimates.setdefault(row.score.title, {})[row.score.scaled] = estimate
    for title, of_title in estimates.items():
        yield Row(f"  {title}", KIND_COLOURS[model.kind], of_title)
