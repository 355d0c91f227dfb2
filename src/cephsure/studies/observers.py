"""Does uncertainty tell where experts disagree? Each measure beside the spread of the observers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.bootstrap import film_weights, mean_interval
from cephsure.evaluation.quality import measure_quality
from cephsure.studies.held_out import CLEAN, HeldOut, held_out
from cephsure.studies.measured import measured
from cephsure.studies.observer_data import observers_of
from cephsure.studies.observers_figures import (
    ERROR,
    Told,
    correlation_figure,
    distance_figure,
    points_figure,
)
from cephsure.studies.panel import Observed, Panel, expert_panel, observer_panel
from cephsure.studies.result import ExperimentResult, ResultTable
from cephsure.studies.statistics.intervals import mean_of_known
from cephsure.studies.statistics.trends import within_landmark
from cephsure.studies.wording import ends, listed, with_interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from cephsure.studies.result import Cell, DrawnFigure
    from cephsure.studies.study import Study, StudyModel

RESAMPLES = 1000


def observers(study: Study) -> ExperimentResult:
    """Rank correlation of each measure with how far observers disagree, and the models among the observers.

    Args:
        study: models and data. Where the data set came without the nine further observers' files, only its
            own annotators are compared.

    Returns:
        Tables of the correlations, of each landmark's disagreement and of everybody's distance to the others;
        figures of all three.

    Raises:
        InputError: the films have no scale, a film cannot be predicted, an observer's file is malformed.
    """
    held = held_out(study)
    observed = observer_panel(study.dataset, held)
    large = None if observed is None else observed.panel
    panels = [panel for panel in (large, expert_panel(held)) if panel is not None]
    told = [one for panel in panels for model in study.models for one in _told(study, held, panel, model)]
    tables = {
        "observers": _table(told),
        "observers_landmarks": _landmark_table(study, panels),
    }
    figures: dict[str, Figure | DrawnFigure] = (
        {"observers_correlation": correlation_figure(told)} if told else {}
    )
    findings = [*_films_sentence(study, observed, held), *_findings(told)]
    if large is not None:
        distances = _distances(study, held, large)
        tables["observers_distances"] = _distance_table(study, large, distances)
        figures["observers_distances"] = distance_figure(study, large, distances)
        findings += _distance_sentences(study, large, distances)
    for model in study.models:
        own = [one for one in told if one.model is model and one.corrected]
        if own:
            figures[f"observers_{model.label}"] = points_figure(own, study.dataset.landmark_set)
    return ExperimentResult(
        name="observers",
        title="Does uncertainty tell where experts disagree?",
        method=_method(panels, held),
        findings=tuple(findings),
        tables=tables,
        figures=figures,
    )


def _told(study: Study, held: HeldOut, panel: Panel, model: StudyModel) -> Iterator[Told]:
    """Each measure, and the model's error against the observers' mean, beside the disagreement."""
    table = held.tables[model.label]
    found = {name: (one, panel.of(one.values)) for name, one in measured(table).items()}
    errors = _from_mean_mm(held, panel, model)
    weights = film_weights(len(panel.rows), n_resamples=RESAMPLES, seed=study.seed)
    for corrected in (True, False):
        apart = panel.disagreement_mm(corrected=corrected)
        for name, (one, values) in {**found, ERROR: (None, errors)}.items():
            direction = 1 if one is None else one.measure.direction
            yield Told(
                model=model,
                panel=panel,
                corrected=corrected,
                name=name,
                measured=one,
                values=values,
                disagreement_mm=apart,
                quality=measure_quality(apart, values, direction, weights, in_mm=False),
                within=within_landmark(apart, values, weights),
            )


def _from_mean_mm(held: HeldOut, panel: Panel, model: StudyModel) -> NDArray[np.float64]:
    """(F, K) distance of a model's points to the mean of the panel's."""
    points = panel.of(held.tables[model.label].points_px) * held.mm_per_px[panel.rows][:, np.newaxis, :]
    away = points - panel.mean_mm()
    distances: NDArray[np.float64] = np.hypot(away[..., 0], away[..., 1])
    return distances


def _distances(study: Study, held: HeldOut, panel: Panel) -> dict[str, NDArray[np.float64]]:
    """(F, K) by who: an observer's distance to the mean of the others, a model's to the mean of all."""
    found = dict(zip(panel.names, panel.distances_mm(), strict=True))
    return found | {model.title: _from_mean_mm(held, panel, model) for model in study.models}


def _table(told: Sequence[Told]) -> ResultTable:
    rows: list[tuple[Cell, ...]] = []
    for one in told:
        quality, within = one.quality, one.within
        key = "error_mm" if one.measured is None else one.measured.key
        rows.append(
            (
                *(one.model.title, one.panel.title, one.corrected, one.name, key, quality.direction),
                *(len(one.panel.rows), quality.n_points),
                *(
                    quality.spearman,
                    *ends(quality.spearman_ci95),
                    quality.pearson,
                    *ends(quality.pearson_ci95),
                ),
                *(within.spearman, *ends(within.spearman_ci95), within.between),
            )
        )
    return ResultTable.from_rows(
        "Each measure beside the observers' disagreement, point by point",
        (
            *("model", "observers", "offsets_removed", "measure", "key", "direction", "n_films", "n_points"),
            *("spearman", "spearman_low", "spearman_high", "pearson", "pearson_low", "pearson_high"),
            *("within_spearman", "within_spearman_low", "within_spearman_high", "between_spearman"),
        ),
        tuple(rows),
        note="Disagreement: mean distance of the observers to their mean, of two their distance. "
        "offsets_removed: after each observer's mean displacement was taken off, landmark by landmark. The "
        "row error: the model's distance to the observers' mean. within_spearman: mean over the landmarks "
        "of the coefficient within each; between_spearman: of the landmarks' means. Intervals 95 %, films "
        "resampled.",
    )


def _landmark_table(study: Study, panels: Sequence[Panel]) -> ResultTable:
    marks = study.dataset.landmark_set.landmarks
    rows: list[tuple[Cell, ...]] = []
    for panel in panels:
        raw, rest = (mean_of_known(panel.disagreement_mm(corrected=c), axis=0) for c in (False, True))
        for place, column in enumerate(panel.columns):
            mark = marks[column]
            rows.append(
                (
                    *(panel.title, mark.number, mark.code, mark.name, len(panel.rows)),
                    *(float(raw[place]), float(rest[place])),
                )
            )
    return ResultTable.from_rows(
        "How far the observers disagree on each landmark",
        (
            *("observers", "number", "code", "landmark", "n_films"),
            *("disagreement_mm", "disagreement_offsets_removed_mm"),
        ),
        tuple(rows),
    )


def _distance_table(study: Study, panel: Panel, distances: dict[str, NDArray[np.float64]]) -> ResultTable:
    marks = [study.dataset.landmark_set.landmarks[column] for column in panel.columns]
    weights = film_weights(len(panel.rows), n_resamples=RESAMPLES, seed=study.seed)
    rows: list[tuple[Cell, ...]] = [
        (
            *(who, who not in panel.names, float(np.nanmean(found)), *mean_interval(found, weights)),
            *map(float, mean_of_known(found, axis=0)),
        )
        for who, found in distances.items()
    ]
    return ResultTable.from_rows(
        f"The models among the {panel.title}: mean distance to the mean of the others",
        (
            *("who", "is_model", "all_mm", "all_low_mm", "all_high_mm"),
            *(f"{mark.code}_mm" for mark in marks),
        ),
        tuple(sorted(rows, key=lambda row: float(row[2] or 0.0))),
        note="An observer to the mean of the other observers, a model to the mean of all. The first two "
        "annotators are those whose points models were trained on. Intervals 95 %, films resampled.",
    )


def _method(panels: Sequence[Panel], held: HeldOut) -> tuple[str, ...]:
    films = f"Films of {held.test}"
    if held.cleanest == CLEAN:
        films += " whose exposure is not among the training films"
    sizes = [f"{one.title}: {len(one.rows)} films, {len(one.columns)} landmarks" for one in panels]
    return (
        f"{films}; {'; '.join(sizes)}.",
        (
            "Disagreement on a point is the mean distance of the observers to their mean (of two their "
            "distance), in mm, once as it is and once after each observer's mean displacement from the "
            "observers' mean, landmark by landmark over these films, was taken off: a convention is not a "
            "doubt."
        ),
        (
            "Spearman's coefficient of each measure with the disagreement, over all points and as the mean "
            f"over the landmarks of the coefficient within each; 95 % intervals, films resampled {RESAMPLES} "
            "times. The model's own distance to the observers' mean is shown beside the measures: where "
            "experts disagree, is the model wrong too?"
        ),
    )


def _films_sentence(study: Study, observed: Observed | None, held: HeldOut) -> Iterator[str]:
    if observed is None and observers_of(study.dataset) is not None:
        yield (
            f"None of the films that the nine further observers marked is judged on {held.test}: they are of "
            "other films, or show a training film's exposure again. Only the data set's own annotators are "
            "compared."
        )
        return
    if observed is None:
        yield (
            "The data set came without the files of the nine further observers (AnnotationsByMD/"
            "nine_observers_5_landmarks), so only its own annotators are compared."
        )
        return
    panel = observed.panel
    elsewhere = f"{observed.n_elsewhere} are of another test set. " if observed.n_elsewhere else ""
    yield (
        f"The nine further observers marked {observed.n_films} films: {observed.n_training} are training "
        f"films and {observed.n_leaked} of {held.test} show a training film's exposure again; both are left "
        f"out, because the models know them. {elsewhere}{len(panel.rows)} films of {len(held.items)} remain, "
        f"with {len(panel.rows) * len(panel.columns)} points."
    )


def _findings(told: Sequence[Told]) -> Iterator[str]:
    """For each panel and model: the own measure, the best one, and the model's error."""
    for panel in dict.fromkeys(one.panel.title for one in told):
        for model in dict.fromkeys(one.model for one in told):
            found = [one for one in told if one.panel.title == panel and one.model is model and one.corrected]
            measures = [one for one in found if one.measured is not None]
            if measures:
                yield _told_sentence(model, panel, found, measures)


def _told_sentence(model: StudyModel, panel: str, found: Sequence[Told], measures: Sequence[Told]) -> str:
    best = max(measures, key=lambda one: one.strength)
    shown = dict.fromkeys([*(one for one in measures if one.name == model.own_measure), best])
    parts = [
        f"{one.title} {with_interval(one.quality.spearman, one.quality.spearman_ci95)}, within a landmark "
        f"{with_interval(one.within.spearman, one.within.spearman_ci95)}"
        for one in [*shown, *(one for one in found if one.measured is None)]
    ]
    return (
        f"{model.title}, {panel} ({best.quality.n_points} points, offsets removed), Spearman with their "
        f"disagreement: {'; '.join(parts)}."
    )


def _distance_sentences(
    study: Study, panel: Panel, distances: dict[str, NDArray[np.float64]]
) -> Iterator[str]:
    means = {who: float(np.nanmean(found)) for who, found in distances.items()}
    of_observers = [means[name] for name in panel.names]
    for model in study.models:
        nearer = sum(one < means[model.title] for one in of_observers)
        yield (
            f"{model.title} lies {means[model.title]:.2f} mm from the mean of the {panel.title} on "
            f"{listed([study.dataset.landmark_set.landmarks[column].code for column in panel.columns])}; the "
            f"observers lie {min(of_observers):.2f} to {max(of_observers):.2f} mm from the mean of the "
            f"others, {nearer} of {len(of_observers)} nearer than the model."
        )
