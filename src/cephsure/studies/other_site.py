"""Films of another scanner: what becomes of the error, and which measures notice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.datasets import annotators
from cephsure.errors import InputError
from cephsure.evaluation import evaluate, radial_errors
from cephsure.evaluation.bootstrap import film_weights, percentile_interval
from cephsure.evaluation.quality import known, spearman, weighted_spearman
from cephsure.studies import plotting
from cephsure.studies.accuracy import accuracy_record, draw_success
from cephsure.studies.cases import truths_px
from cephsure.studies.held_out import held_out, predict_away, truth_for
from cephsure.studies.measured import CORRELATION_NOTE, MeasureCorrelation, Measured, correlate, measured
from cephsure.studies.plotting import KIND_COLOURS, Estimate, Forest, Row, Series
from cephsure.studies.result import ExperimentResult, ResultTable, method_text, with_ends, with_interval
from cephsure.studies.statistics.intervals import mean_of_known
from cephsure.studies.statistics.separation import separation
from cephsure.uncertainty import MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from cephsure.datasets import Dataset
    from cephsure.evaluation import Evaluation
    from cephsure.studies.cases import PointTable
    from cephsure.studies.study import Study, StudyModel

    Record = dict[str, Any]

RESAMPLES = 500
_AWAY_COLOUR = "#CC79A7"
_IN_MM, _IN_PX = Series("in mm, or not a length"), Series("in px", "D", filled=False)


@dataclass(frozen=True, slots=True)
class Site:
    """One model's predictions of one site's films.

    Attributes:
        data: the films, and the site's name.
        truth: whose points count as true.
        colour: of its points and curves.
        errors_mm: (F, L) radial errors, NaN where there is none.
        without_offsets_mm: mean error once each landmark's mean displacement is taken off, or None: what is
            left if the site's annotators only have another convention.
        annotators_mm: mean distance between the site's first two annotators, or None.
        found: each measure beside the error, lengths in mm where there is a scale.
        forms: each measure by key, a length in mm, where there is a scale, and in px.
    """

    data: Dataset
    model: StudyModel
    truth: str
    colour: str
    evaluation: Evaluation
    errors_mm: NDArray[np.float64]
    without_offsets_mm: float | None
    annotators_mm: float | None
    found: list[MeasureCorrelation]
    forms: dict[str, Measured]

    def facts(self) -> Record:
        """What begins a row of a table."""
        n_films = self.evaluation.n_films
        return {"model": self.model.title, "site": self.data.name, "truth": self.truth, "n_films": n_films}


def other_site(study: Study) -> ExperimentResult:
    """Compare error, measures and their correlation on another site's films with those on the test films.

    Tables of accuracy, of correlations and of how well each measure tells the sites apart; figures of the
    latter and, for each model, of both sites' films.

    Raises:
        InputError: the study has no other site, or a film cannot be predicted.
    """
    if study.other_site is None:
        raise InputError("the study has no other site's films", remedy="give --other-site")
    pairs = list(_pairs(study, study.other_site))
    noticed = [list(_noticed(home, away, seed=study.seed)) for home, away in pairs]
    home, away = pairs[0]
    figures = {"other_site_noticed": noticed_figure(pairs, noticed)}
    for pair, of_model in zip(pairs, noticed, strict=True):
        figures[f"other_site_{pair[0].model.label}"] = sites_figure(*pair, of_model, seed=study.seed)
    tables = _tables(pairs, noticed)
    return ExperimentResult(
        name="other-site",
        title="Films of another site",
        method=method_text(
            "other-site",
            away=away.data.name,
            n_away=len(away.data.films),
            home=home.data.name,
            n_home=home.evaluation.n_films,
            has_scale=away.evaluation.mre_mm is not None,
            resamples=RESAMPLES,
        ),
        tables=tables,
        figures=figures,
        shown=tables["other_site_noticed"].select("model", "measure", "key", "auc"),
    )


def _pairs(study: Study, away: Dataset) -> Iterator[tuple[Site, Site]]:
    """Each model at home and away; the truth is the annotator it was trained on, if known there."""
    held = held_out(study)
    chosen = held.groups[held.cleanest]
    films = tuple(item for item, kept in zip(held.items, chosen, strict=True) if kept)
    home = replace(study.dataset, name=study.test_name, films=films)
    tables = predict_away(study, away)
    for model in study.models:
        truth, truth_away = truth_for(model, study.dataset), truth_for(model, away)
        table, colour = held.tables[model.label].where(chosen), KIND_COLOURS[model.kind]
        yield (
            _site(home, model, truth, table, colour=colour, seed=study.seed),
            _site(away, model, truth_away, tables[model.label], colour=_AWAY_COLOUR, seed=study.seed),
        )


def _site(data: Dataset, model: StudyModel, truth: str, table: PointTable, *, colour: str, seed: int) -> Site:
    true_px = truths_px(data.films, truth)
    errors = table.errors_mm(true_px)
    weights = film_weights(len(table), n_resamples=RESAMPLES, seed=seed)
    found = {key: correlate(value, errors, weights) for key, value in measured(table).items()}
    in_px = measured(table, in_mm=False)
    away_mm = (table.points_px - true_px) * table.mm_per_px[:, np.newaxis, :]
    rest = away_mm - mean_of_known(away_mm, axis=0)
    two = [truths_px(data.films, name) for name in annotators(data.films)[:2]]
    return Site(
        data=data,
        model=model,
        truth=truth,
        colour=colour,
        evaluation=evaluate(
            *(table.points_px, true_px, table.mm_per_px, {}, {}),
            landmark_set=data.landmark_set,
            n_resamples=RESAMPLES,
            seed=seed,
        ),
        errors_mm=errors,
        without_offsets_mm=_mean(np.hypot(rest[..., 0], rest[..., 1])),
        annotators_mm=_mean(radial_errors(*two, mm_per_px=table.mm_per_px)) if len(two) == 2 else None,
        found=list(found.values()),
        forms={form.key: form for key, each in found.items() for form in (each.measured, in_px[key])},
    )


def _mean(lengths: NDArray[np.float64]) -> float | None:
    return known(float(mean_of_known(lengths.ravel(), axis=0)))


def _noticed(home: Site, away: Site, *, seed: int) -> Iterator[Record]:
    """How well each measure, as a film's mean, tells the sites apart: lengths in mm and in px."""
    for key, here in home.forms.items():
        if key in away.forms:
            there = away.forms[key]
            usual, shifted = (mean_of_known(form.turned, axis=1) for form in (here, there))
            record: Record = {"model": home.model.title, "measure": here.measure.name, "key": key}
            record |= {"direction": here.measure.direction, "n_home": len(usual), "n_away": len(shifted)}
            area, interval = separation(usual, shifted, n_resamples=RESAMPLES, seed=seed)
            means = (float(np.nanmean(form.values)) for form in (here, there))
            record |= with_ends("auc", area, interval)
            yield record | dict(zip(("mean_home", "mean_away"), means, strict=True))


def _tables(
    pairs: Sequence[tuple[Site, Site]], noticed: Sequence[Sequence[Record]]
) -> dict[str, ResultTable]:
    sites = [site for pair in pairs for site in pair]
    accuracy = [
        site.facts()
        | {"n_points": site.evaluation.n_points, **accuracy_record(site.evaluation)}
        | {"mre_without_offsets_mm": site.without_offsets_mm, "annotators_apart_mm": site.annotators_mm}
        for site in sites
    ]
    return {
        "other_site_accuracy": ResultTable.from_records(
            f"Accuracy on the other site's films beside {sites[0].data.name}",
            accuracy,
            note="mre_without_offsets_mm: once each landmark's mean displacement on these films is taken "
            "off, which a convention of the site's annotators would explain. annotators_apart_mm: mean "
            "distance between the site's two annotators. Lengths in mm hang on the scale that was given for "
            "the site.",
        ),
        "other_site_correlation": ResultTable.from_records(
            "Each measure against the radial error, point by point, at either site",
            [site.facts() | found.record() for site in sites for found in site.found],
            note=CORRELATION_NOTE,
        ),
        "other_site_noticed": ResultTable.from_records(
            "Which measures notice the change of site, film by film",
            [row for of_model in noticed for row in of_model],
            note="A film's score is the mean of the measure over its landmarks, turned so that larger is "
            "less certain; auc is the area under the ROC curve for telling the other site's films from the "
            "test films, 0.5 is chance. A key in px is that of the films as they are: a coarser film has "
            "fewer px for the same length.",
        ),
    }


def noticed_figure(pairs: Sequence[tuple[Site, Site]], noticed: Sequence[Sequence[Record]]) -> Figure:
    """The area under the ROC curve of every model's measures."""
    rows: list[Row] = []
    for (home, _), of_model in zip(pairs, noticed, strict=True):
        rows.append(Row(home.model.title))
        estimates: dict[str, dict[str, Estimate]] = {}
        for row in of_model:
            series = _IN_PX if row["key"].endswith("_px") else _IN_MM
            area = Estimate(row["auc"], (row["auc_low"], row["auc_high"]))
            estimates.setdefault(row["measure"], {})[series.name] = area
        rows += [Row(MEASURES[name].title, home.colour, found) for name, found in estimates.items()]
    test, other = (site.data for site in pairs[0])
    x = f"area under the ROC curve, {other.name} against {test.name}"
    return plotting.forest_figure(
        [Forest(x, rows, [_IN_MM, _IN_PX], neutral=0.5, limits=(None, 1.01))],
        caption="Which measures notice the change of site: area under the ROC curve for telling "
        f"{len(other.films)} films of {other.name} against {len(test.films)} of {test.name} by the film's "
        "mean of the measure. 95 % intervals, films resampled within each site. The line is chance.",
        panel_width=8.0,
    )


def sites_figure(home: Site, away: Site, noticed: Sequence[Record], *, seed: int) -> Figure:
    """One model at both sites: success curves, and each film's mean measure beside its mean error."""
    # In mm where there are both: what a user who knows the scale has.
    in_user_unit = {row["measure"]: row for row in reversed(noticed)}
    own = in_user_unit.pop(home.model.own_measure, None)
    best = max(in_user_unit.values(), key=lambda row: row["auc"], default=None)
    shown = [row for row in (own, best) if row is not None]
    figure, axes = plotting.new_figure(
        1,
        1 + len(shown),
        caption=f"{home.model.title} at {away.data.name} and on {home.data.name}. First panel: share of "
        "points within a radius, bands are 95 % intervals. Then each film as a point, its mean measure "
        "beside its mean error: the kind's own measure, and the one that notices the change of site best.",
        panel_inches=(4.7, 3.9),
    )
    curves = []
    for site in (home, away):
        mre = with_interval(site.evaluation.mre_mm, site.evaluation.mre_ci95_mm)
        name = f"{site.data.name}: MRE {mre} mm,\n{site.evaluation.n_films} films"
        curves.append((name, site.errors_mm, {"color": site.colour}))
    draw_success(axes[0, 0], curves, up_to_mm=8, title=home.model.title, seed=seed)
    axes[0, 0].legend(fontsize=7, frameon=False, loc="lower right")
    for panel, row in zip(axes[0, 1:], shown, strict=True):
        _film_panel(panel, (home, away), row, seed=seed)
    return figure


def _film_panel(axes: Axes, sites: tuple[Site, Site], noticed: Record, *, seed: int) -> None:
    form = sites[0].forms[noticed["key"]]
    area = with_interval(noticed["auc"], (noticed["auc_low"], noticed["auc_high"]))
    lines = [f"area under ROC = {area}"]
    for site, marker in zip(sites, "o^", strict=True):
        x, y = (mean_of_known(of, axis=1) for of in (site.forms[form.key].values, site.errors_mm))
        axes.plot(x, y, marker, color=site.colour, markersize=4, alpha=0.65, mew=0, label=site.data.name)
        lines.append(f"{site.data.name}: Spearman of films = {_film_correlation(x, y, seed=seed)}")
    falls, title = form.measure.direction < 0, form.measure.title
    axes.set_ylim(0, 1.35 * axes.get_ylim()[1])
    plotting.label(axes, x=f"film's mean {form.label}", y="film's mean error [mm]", title=title)
    plotting.remark(axes, "\n".join(lines), corner="upper right" if falls else "upper left")
    axes.legend(fontsize=7, frameon=False, loc="upper left" if falls else "upper right")


def _film_correlation(x: NDArray[np.float64], y: NDArray[np.float64], *, seed: int) -> str:
    """Spearman's coefficient of two values of each film, with its interval, in words."""
    there = np.isfinite(x) & np.isfinite(y)
    x, y = x[there], y[there]
    weights = film_weights(len(x), n_resamples=500, seed=seed) if len(x) else np.ones((1, 0))
    return with_interval(spearman(x, y), percentile_interval(partial(weighted_spearman, x, y), weights))
