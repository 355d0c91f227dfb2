"""Films of another scanner: what becomes of the error, and which measures notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import annotators
from cephsure.errors import InputError
from cephsure.evaluation import evaluate
from cephsure.evaluation.bootstrap import film_weights
from cephsure.studies.cases import truths_px
from cephsure.studies.held_out import held_out, predict_away, truth_for
from cephsure.studies.measured import Measured, correlate_with_error, measured
from cephsure.studies.other_site_figures import Noticed, Site, noticed_figure, sites_figure
from cephsure.studies.other_site_tables import accuracy_table, correlation_table, noticed_table
from cephsure.studies.result import ExperimentResult
from cephsure.studies.statistics.intervals import mean_of_known
from cephsure.studies.statistics.separation import separation
from cephsure.studies.wording import listed, with_interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm, Dataset
    from cephsure.studies.cases import PointTable
    from cephsure.studies.result import DrawnFigure
    from cephsure.studies.study import Study, StudyModel

RESAMPLES = 500
CHANCE = 0.5


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
    noticed = [one for home, away in pairs for one in _noticed(home, away, seed=study.seed)]
    return ExperimentResult(
        name="other-site",
        title="Films of another site",
        method=_method(study.other_site, pairs[0]),
        findings=tuple(_findings(pairs, noticed)),
        tables={
            "other_site_accuracy": accuracy_table(pairs),
            "other_site_correlation": correlation_table(pairs),
            "other_site_noticed": noticed_table(noticed),
        },
        figures=_figures(pairs, noticed, seed=study.seed),
    )


def _pairs(study: Study, away: Dataset) -> list[tuple[Site, Site]]:
    """Each model at home and away."""
    held = held_out(study)
    chosen = held.groups[held.cleanest]
    home_items = [item for item, kept in zip(held.items, chosen, strict=True) if kept]
    tables = predict_away(study, away)
    return [
        (
            _site(
                study,
                model,
                (study.test_name, study.dataset, home_items),
                held.tables[model.label].where(chosen),
            ),
            _site(study, model, (away.name, away, away.films), tables[model.label]),
        )
        for model in study.models
    ]


def _site(
    study: Study, model: StudyModel, where: tuple[str, Dataset, Sequence[AnnotatedFilm]], table: PointTable
) -> Site:
    """One model's films of one site; the truth is the annotator it was trained on, if known there."""
    name, dataset, items = where
    truth = truth_for(model, dataset)
    true_px = truths_px(items, truth)
    errors = table.errors_mm(true_px)
    weights = film_weights(len(items), n_resamples=RESAMPLES, seed=study.seed)
    values = measured(table)
    return Site(
        name=name,
        model=model,
        truth=truth,
        evaluation=evaluate(
            table.points_px,
            true_px,
            table.mm_per_px,
            {},
            {},
            landmark_set=dataset.landmark_set,
            n_resamples=RESAMPLES,
            seed=study.seed,
        ),
        errors_mm=errors,
        without_offsets_mm=_without_offsets_mm(table, true_px),
        annotators_mm=_annotators_mm(items, table),
        measured=values,
        measured_px=measured(table, in_mm=False),
        correlations={key: correlate_with_error(one, errors, weights) for key, one in values.items()},
    )


def _without_offsets_mm(table: PointTable, true_px: NDArray[np.float64]) -> float | None:
    """Mean error once each landmark's mean displacement on these films is taken off, mm."""
    away_mm = (table.points_px - true_px) * table.mm_per_px[:, np.newaxis, :]
    if not np.isfinite(away_mm).any():
        return None
    rest = away_mm - np.nanmean(away_mm, axis=0)
    return float(np.nanmean(np.hypot(rest[..., 0], rest[..., 1])))


def _annotators_mm(items: Sequence[AnnotatedFilm], table: PointTable) -> float | None:
    """Mean distance of the first two annotators, mm; None if there is one, or no scale."""
    names = annotators(items)
    if len(names) < 2:
        return None
    first, second = (truths_px(items, name) for name in names[:2])
    away_mm = (first - second) * table.mm_per_px[:, np.newaxis, :]
    distances = np.hypot(away_mm[..., 0], away_mm[..., 1])
    there = np.isfinite(distances)
    return float(distances[there].mean()) if there.any() else None


def _noticed(home: Site, away: Site, *, seed: int) -> Iterator[Noticed]:
    """How well each measure, as a film's mean, tells the sites apart: lengths in mm and in px."""
    for name, one in home.measured.items():
        forms = [(one, away.measured.get(name))]
        if one.measure.is_length and one.key.endswith("_mm"):
            forms.append((home.measured_px[name], away.measured_px.get(name)))
        for here, there in forms:
            if there is not None and there.key == here.key:
                yield _told_apart(home, here, there, seed=seed)


def _told_apart(home: Site, here: Measured, there: Measured, *, seed: int) -> Noticed:
    usual, shifted = (mean_of_known(one.turned, axis=1) for one in (here, there))
    area, interval = separation(usual, shifted, n_resamples=RESAMPLES, seed=seed)
    means = [float(np.nanmean(one.values)) for one in (here, there)]
    return Noticed(home.model, here, area, interval, len(usual), len(shifted), means[0], means[1])


def _figures(
    pairs: Sequence[tuple[Site, Site]], noticed: Sequence[Noticed], *, seed: int
) -> dict[str, Figure | DrawnFigure]:
    figures: dict[str, Figure | DrawnFigure] = {
        "other_site_noticed": noticed_figure(noticed, pairs[0][1].name, pairs[0][0].name)
    }
    for home, away in pairs:
        own = [one for one in noticed if one.model is home.model]
        figures[f"other_site_{home.model.label}"] = sites_figure(home, away, own, seed=seed)
    return figures


def _method(away: Dataset, pair: tuple[Site, Site]) -> tuple[str, ...]:
    films = pair[0].evaluation.n_films
    return (
        (
            f"The models predict the {len(away.films)} films of {away.name} as they are, with the scale "
            f"given for them; beside them {films} films of {pair[0].name} whose exposure no model was "
            "trained on."
        ),
        (
            "The truth is the annotation the model was trained on where the site has it, else the mean of "
            "the site's annotators; points nobody marked are left out. Error and correlation as in the "
            "experiments on accuracy and on error and uncertainty."
        ),
        (
            "A measure notices the change of site if the film's mean of it is less certain on the other "
            "site's films: area under the ROC curve. Lengths are compared in mm, as a user who knows the "
            "scale has them, and also in px, as a user without one has them."
        ),
        f"Intervals: 95 %, percentile bootstrap over films, each site by itself, {RESAMPLES} resamples.",
    )


def _findings(pairs: Sequence[tuple[Site, Site]], noticed: Sequence[Noticed]) -> Iterator[str]:
    for home, away in pairs:
        yield _error_sentence(home, away)
        own = [one for one in noticed if one.model is home.model]
        if own:
            yield _noticed_sentence(home, own)
        yield from _correlation_sentence(home, away)


def _error_sentence(home: Site, away: Site) -> str:
    here, there = home.evaluation, away.evaluation
    if here.mre_mm is None or there.mre_mm is None:
        return f"{home.model.title}: {away.name} has no scale, so its error in mm is not known."
    text = (
        f"{home.model.title}: MRE {with_interval(there.mre_mm, there.mre_ci95_mm)} mm on {there.n_films} "
        f"films of {away.name} ({there.n_points} points, truth: {away.truth}), "
        f"{with_interval(here.mre_mm, here.mre_ci95_mm)} mm on {here.n_films} of {home.name}: "
        f"{there.mre_mm / here.mre_mm:.2f} times the error"
    )
    if home.without_offsets_mm and away.without_offsets_mm:
        text += (
            f" ({away.without_offsets_mm:.2f} against {home.without_offsets_mm:.2f} mm once each landmark's "
            "mean displacement is taken off)"
        )
    if away.annotators_mm is not None:
        text += f"; the annotators of {away.name} are {away.annotators_mm:.2f} mm apart"
    return text + "."


def _noticed_sentence(home: Site, own: Sequence[Noticed]) -> str:
    """What a user has: lengths in mm where the scale is known; the px version where it differs much."""
    in_px = {one.home.measure.name: one for one in own if one.home.key.endswith("_px")}
    shown = [one for one in own if not one.home.key.endswith("_px") or len(in_px) == len(own)]
    best = max(shown, key=lambda one: one.auc)
    others = [f"{one.home.measure.title} {with_interval(one.auc, one.interval)}" for one in shown]
    text = (
        f"{home.model.title}: the change of site is noticed best by {best.home.measure.title} (area "
        f"{with_interval(best.auc, best.interval)}); all: {', '.join(others)}"
    )
    reversed_ = [one.home.measure.title for one in shown if one.interval[1] < CHANCE]
    if reversed_:
        text += f". By {listed(reversed_)} the model is even more certain there than on {home.name}"
    if in_px and len(in_px) < len(own):
        px = [f"{one.home.measure.title} {one.auc:.2f}" for one in in_px.values()]
        text += f". In px instead of mm: {listed(px)}"
    return text + "."


def _correlation_sentence(home: Site, away: Site) -> Iterator[str]:
    name = home.model.own_measure
    if name not in home.correlations or name not in away.correlations:
        return
    here, there = home.correlations[name].quality, away.correlations[name].quality
    yield (
        f"{home.model.title}: Spearman of {home.measured[name].measure.title} and error "
        f"{with_interval(there.spearman, there.spearman_ci95)} at {away.name}, "
        f"{with_interval(here.spearman, here.spearman_ci95)} on {home.name}."
    )
