"""Films of another scanner: what becomes of the error, and which measures notice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import annotators
from cephsure.errors import InputError
from cephsure.evaluation import evaluate, radial_errors
from cephsure.evaluation.bootstrap import film_weights, percentile_interval
from cephsure.evaluation.quality import spearman, weighted_spearman
from cephsure.studies.cases import truths_px
from cephsure.studies.held_out import accuracy_record, held_out, predict_away, truth_for
from cephsure.studies.measured import (
    CORRELATION_NOTE,
    MeasureCorrelation,
    Measured,
    correlate,
    measured,
)
from cephsure.studies.plotting import (
    GREY,
    KIND_COLOURS,
    Estimate,
    Forest,
    Row,
    Series,
    forest_figure,
    label,
    new_figure,
    remark,
)
from cephsure.studies.result import ExperimentResult, ResultTable, method_text, with_ends, with_interval
from cephsure.studies.statistics.intervals import mean_of_known, success_curve
from cephsure.studies.statistics.separation import separation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm, Dataset
    from cephsure.evaluation import Evaluation
    from cephsure.evaluation.bootstrap import Interval
    from cephsure.studies.cases import PointTable
    from cephsure.studies.result import Cell
    from cephsure.studies.study import Study, StudyModel

RESAMPLES = 500
_AWAY_COLOUR = "#CC79A7"
_RADII_MM = np.linspace(0.0, 8.0, 161)
_IN_MM, _IN_PX = Series("in mm, or not a length"), Series("in px", "D", filled=False)


@dataclass(frozen=True, slots=True)
class Site:
    """One model's predictions of one site's films.

    Attributes:
        name: of the site.
        model: the model.
        truth: whose points count as true.
        colour: of its points and curves.
        evaluation: its accuracy there.
        errors_mm: (F, L) radial errors, NaN where there is none.
        without_offsets_mm: mean error once each landmark's mean displacement is taken off, or None: what is
            left if the site's annotators only have another convention.
        annotators_mm: mean distance between the site's annotators, or None.
        found: each measure beside the error, lengths in mm where there is a scale.
        forms: each measure by key, a length in mm, where there is a scale, and in px.
    """

    name: str
    model: StudyModel
    truth: str
    colour: str
    evaluation: Evaluation
    errors_mm: NDArray[np.float64]
    without_offsets_mm: float | None
    annotators_mm: float | None
    found: dict[str, MeasureCorrelation]
    forms: dict[str, Measured]


@dataclass(frozen=True, slots=True)
class Noticed:
    """How well a film's mean of one measure tells another site's films from the test films.

    Attributes:
        model: the model.
        home: the measure on the test films; its key names the unit.
        away: and on the other site's.
        auc: area under the ROC curve; 0.5 is chance.
        interval: its 95 % interval.
    """

    model: StudyModel
    home: Measured
    away: Measured
    auc: float
    interval: Interval

    @property
    def in_px(self) -> bool:
        """Whether it is a length in px."""
        return self.home.key.endswith("_px")


def other_site(study: Study) -> ExperimentResult:
    """Compare error, measures and their correlation on another site's films with those on the test films.

    Args:
        study: models, data and the other site's films.

    Returns:
        Tables of accuracy, of correlations and of how well each measure tells the sites apart; figures of the
        latter and, for each model, of both sites' films.

    Raises:
        InputError: the study has no other site, or a film cannot be predicted.
    """
    if study.other_site is None:
        raise InputError("the study has no other site's films", remedy="give --other-site")
    pairs = _pairs(study, study.other_site)
    by_model = [list(_noticed(home, away, seed=study.seed)) for home, away in pairs]
    noticed = [row for of_model in by_model for row in of_model]
    home, away = pairs[0]
    figures = {"other_site_noticed": noticed_figure(noticed, away.name, home.name)}
    for pair, of_model in zip(pairs, by_model, strict=True):
        figures[f"other_site_{pair[0].model.label}"] = sites_figure(*pair, of_model, seed=study.seed)
    noticed_table = _noticed_table(noticed)
    return ExperimentResult(
        name="other-site",
        title="Films of another site",
        method=method_text(
            "other-site",
            away=away.name,
            n_away=len(study.other_site.films),
            home=home.name,
            n_home=home.evaluation.n_films,
            has_scale=away.evaluation.mre_mm is not None,
            resamples=RESAMPLES,
        ),
        tables={
            "other_site_accuracy": _accuracy_table(pairs),
            "other_site_correlation": _correlation_table(pairs),
            "other_site_noticed": noticed_table,
        },
        figures=figures,
        shown=noticed_table.select("model", "measure", "key", "auc"),
    )


def _pairs(study: Study, away: Dataset) -> list[tuple[Site, Site]]:
    """Each model at home and away."""
    held = held_out(study)
    chosen = held.groups[held.cleanest]
    items = [item for item, kept in zip(held.items, chosen, strict=True) if kept]
    tables = predict_away(study, away)
    pairs = []
    for model in study.models:
        table = held.tables[model.label].where(chosen)
        colour = KIND_COLOURS.get(model.kind, GREY)
        home = _site(study, model, study.dataset, items, table, name=study.test_name, colour=colour)
        table = tables[model.label]
        there = _site(study, model, away, away.films, table, name=away.name, colour=_AWAY_COLOUR)
        pairs.append((home, there))
    return pairs


def _site(
    study: Study,
    model: StudyModel,
    dataset: Dataset,
    items: Sequence[AnnotatedFilm],
    table: PointTable,
    *,
    name: str,
    colour: str,
) -> Site:
    """One model's films of one site; the truth is the annotator it was trained on, if known there."""
    truth = truth_for(model, dataset)
    true_px = truths_px(items, truth)
    errors = table.errors_mm(true_px)
    weights = film_weights(len(items), n_resamples=RESAMPLES, seed=study.seed)
    evaluation = evaluate(
        table.points_px,
        true_px,
        table.mm_per_px,
        {},
        {},
        landmark_set=dataset.landmark_set,
        n_resamples=RESAMPLES,
        seed=study.seed,
    )
    found = {key: correlate(value, errors, weights) for key, value in measured(table).items()}
    in_px = measured(table, in_mm=False)
    away_mm = (table.points_px - true_px) * table.mm_per_px[:, np.newaxis, :]
    rest = away_mm - mean_of_known(away_mm, axis=0)
    return Site(
        name=name,
        model=model,
        truth=truth,
        colour=colour,
        evaluation=evaluation,
        errors_mm=errors,
        without_offsets_mm=_mean(np.hypot(rest[..., 0], rest[..., 1])),
        annotators_mm=_annotators_mm(items, table),
        found=found,
        forms={form.key: form for key, each in found.items() for form in (each.measured, in_px[key])},
    )


def _annotators_mm(items: Sequence[AnnotatedFilm], table: PointTable) -> float | None:
    """Mean distance of the first two annotators, mm; None if there is one, or no scale."""
    points = [truths_px(items, name) for name in annotators(items)[:2]]
    return _mean(radial_errors(*points, mm_per_px=table.mm_per_px)) if len(points) == 2 else None


def _mean(lengths: NDArray[np.float64]) -> float | None:
    return float(np.nanmean(lengths)) if np.isfinite(lengths).any() else None


def _noticed(home: Site, away: Site, *, seed: int) -> Iterator[Noticed]:
    """How well each measure, as a film's mean, tells the sites apart: lengths in mm and in px."""
    for key, here in home.forms.items():
        if key in away.forms:
            there = away.forms[key]
            usual, shifted = (mean_of_known(form.turned, axis=1) for form in (here, there))
            area, interval = separation(usual, shifted, n_resamples=RESAMPLES, seed=seed)
            yield Noticed(home.model, here, there, area, interval)


def _facts(site: Site) -> dict[str, Cell]:
    films = {"n_films": site.evaluation.n_films}
    return {"model": site.model.title, "site": site.name, "truth": site.truth, **films}


def _accuracy_table(pairs: Sequence[tuple[Site, Site]]) -> ResultTable:
    """Each model's accuracy at home and away."""
    return ResultTable.from_records(
        f"Accuracy on the other site's films beside {pairs[0][0].name}",
        [
            {
                **_facts(site),
                "n_points": site.evaluation.n_points,
                **accuracy_record(site.evaluation),
                "mre_without_offsets_mm": site.without_offsets_mm,
                "annotators_apart_mm": site.annotators_mm,
            }
            for pair in pairs
            for site in pair
        ],
        note="mre_without_offsets_mm: once each landmark's mean displacement on these films is taken off, "
        "which a convention of the site's annotators would explain. annotators_apart_mm: mean distance "
        "between the site's two annotators. Lengths in mm hang on the scale that was given for the site.",
    )


def _correlation_table(pairs: Sequence[tuple[Site, Site]]) -> ResultTable:
    """Each measure beside the error, at home and away."""
    return ResultTable.from_records(
        "Each measure against the radial error, point by point, at either site",
        [_facts(site) | found.record() for pair in pairs for site in pair for found in site.found.values()],
        note=CORRELATION_NOTE,
    )


def _noticed_table(noticed: Sequence[Noticed]) -> ResultTable:
    """How well each measure tells the sites apart."""
    return ResultTable.from_records(
        "Which measures notice the change of site, film by film",
        [
            {
                "model": row.model.title,
                "measure": row.home.measure.name,
                "key": row.home.key,
                "direction": row.home.measure.direction,
                "n_home": len(row.home.values),
                "n_away": len(row.away.values),
                **with_ends("auc", row.auc, row.interval),
                "mean_home": float(np.nanmean(row.home.values)),
                "mean_away": float(np.nanmean(row.away.values)),
            }
            for row in noticed
        ],
        note="A film's score is the mean of the measure over its landmarks, turned so that larger is less "
        "certain; auc is the area under the ROC curve for telling the other site's films from the test "
        "films, 0.5 is chance. A key in px is that of the films as they are: a coarser film has fewer px for "
        "the same length.",
    )


def noticed_figure(noticed: Sequence[Noticed], site: str, home: str) -> Figure:
    """The area under the ROC curve of every model's measures."""
    rows: list[Row] = []
    for model in dict.fromkeys(row.model for row in noticed):
        rows.append(Row(model.title))
        of_model: dict[str, dict[str, Estimate]] = {}
        for row in noticed:
            if row.model is model:
                series = (_IN_PX if row.in_px else _IN_MM).name
                estimates = of_model.setdefault(row.home.measure.title, {})
                estimates[series] = Estimate(row.auc, row.interval)
        colour = KIND_COLOURS.get(model.kind, GREY)
        rows += [Row(title, colour, estimates) for title, estimates in of_model.items()]
    first = next(iter(noticed), None)
    films = ""
    if first is not None:
        films = f"{len(first.away.values)} films of {site} against {len(first.home.values)} of {home}"
    x = f"area under the ROC curve, {site} against {home}"
    return forest_figure(
        [Forest(x, rows, [_IN_MM, _IN_PX], neutral=0.5, limits=(None, 1.01))],
        caption=f"Which measures notice the change of site: area under the ROC curve for telling {films} by "
        "the film's mean of the measure. 95 % intervals, films resampled within each site. The line is "
        "chance.",
        panel_width=8.0,
    )


def sites_figure(home: Site, away: Site, noticed: Sequence[Noticed], *, seed: int) -> Figure:
    """One model at both sites: success curves, and each film's mean measure beside its mean error."""
    # In mm where there are both: what a user who knows the scale has.
    in_user_unit = {row.home.measure.name: row for row in reversed(noticed)}
    own = in_user_unit.pop(home.model.own_measure, None)
    best = max(in_user_unit.values(), key=lambda row: row.auc, default=None)
    shown = [row for row in (own, best) if row is not None]
    figure, axes = new_figure(
        1,
        1 + len(shown),
        caption=f"{home.model.title} at {away.name} and on {home.name}. First panel: share of points within "
        "a radius, bands are 95 % intervals. Then each film as a point, its mean measure beside its mean "
        "error: the kind's own measure, and the one that notices the change of site best.",
        panel_inches=(4.7, 3.9),
    )
    _success_panel(axes[0, 0], (home, away), seed=seed)
    for panel, row in zip(axes[0, 1:], shown, strict=True):
        _film_panel(panel, (home, away), row, seed=seed)
    return figure


def _success_panel(axes: Axes, sites: tuple[Site, Site], *, seed: int) -> None:
    for site in sites:
        weights = film_weights(len(site.errors_mm), n_resamples=500, seed=seed)
        curve = success_curve(site.errors_mm, _RADII_MM, weights)
        mre = with_interval(site.evaluation.mre_mm, site.evaluation.mre_ci95_mm)
        n_points = np.isfinite(site.errors_mm).sum()
        name = f"{site.name}: MRE {mre} mm,\n{site.evaluation.n_films} films, n = {n_points}"
        axes.plot(curve.radii, curve.percent, color=site.colour, lw=1.5, label=name)
        axes.fill_between(curve.radii, curve.low, curve.high, color=site.colour, alpha=0.2, lw=0)
    label(axes, x="radius r [mm]", y="points within r [%]", title=sites[0].model.title)
    axes.set(xlim=(0, _RADII_MM[-1]), ylim=(0, 101))
    axes.legend(fontsize=7, frameon=False, loc="lower right")


def _film_panel(axes: Axes, sites: tuple[Site, Site], noticed: Noticed, *, seed: int) -> None:
    name = noticed.home.measure.name
    lines = [f"area under ROC = {with_interval(noticed.auc, noticed.interval)}"]
    for site, marker in zip(sites, "o^", strict=True):
        x, y = (mean_of_known(of, axis=1) for of in (site.found[name].measured.values, site.errors_mm))
        axes.plot(x, y, marker, color=site.colour, markersize=4, alpha=0.65, mew=0, label=site.name)
        lines.append(f"{site.name}: Spearman of films = {_film_correlation(x, y, seed=seed)}")
    falls = noticed.home.measure.direction < 0
    axes.set_ylim(0, 1.35 * axes.get_ylim()[1])
    title = noticed.home.measure.title
    label(axes, x=f"film's mean {noticed.home.label}", y="film's mean error [mm]", title=title)
    remark(axes, "\n".join(lines), corner="upper right" if falls else "upper left")
    axes.legend(fontsize=7, frameon=False, loc="upper left" if falls else "upper right")


def _film_correlation(x: NDArray[np.float64], y: NDArray[np.float64], *, seed: int) -> str:
    """Spearman's coefficient of two values of each film, with its interval, in words."""
    there = np.isfinite(x) & np.isfinite(y)
    x, y = x[there], y[there]
    weights = film_weights(len(x), n_resamples=500, seed=seed) if len(x) else np.ones((1, 0))
    return with_interval(spearman(x, y), percentile_interval(partial(weighted_spearman, x, y), weights))
