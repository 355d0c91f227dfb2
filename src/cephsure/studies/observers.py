"""Does uncertainty tell where experts disagree? Each measure beside the spread of the observers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.evaluation.bootstrap import film_weights, mean_interval
from cephsure.evaluation.quality import measure_quality
from cephsure.studies.held_out import CLEAN, HeldOut, held_out
from cephsure.studies.measured import Measured, measured
from cephsure.studies.observer_panels import Panel, expert_panel, observer_panel, observers_of
from cephsure.studies.observers_figures import (
    PanelCorrelation,
    correlation_figure,
    distance_figure,
    points_figure,
)
from cephsure.studies.result import ExperimentResult, ResultTable
from cephsure.studies.statistics.intervals import mean_of_known
from cephsure.studies.statistics.trends import within_landmark
from cephsure.studies.wording import method_text, with_ends
from cephsure.uncertainty import Measure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from cephsure.studies.study import Study, StudyModel

RESAMPLES = 1000
_SHOWN = (
    *("model", "observers", "measure", "n_points", "spearman", "spearman_low", "spearman_high"),
    *("within_spearman", "within_spearman_low", "within_spearman_high"),
)
# The model's distance to the observers' mean stands beside the measures; it is none, since it needs a truth.
_ERROR = Measure("error", "px", 1, "the model's error", "this experiment", lambda _samples: None)


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
    correlations = [
        correlation
        for panel in panels
        for model in study.models
        for correlation in _correlations(study, held, panel, model)
    ]
    tables = {"observers": _table(correlations), "observers_landmarks": _landmark_table(study, panels)}
    figures = {"observers_correlation": correlation_figure(correlations)} if correlations else {}
    if large is not None:
        distances = dict(zip(large.names, large.distances_mm(), strict=True))
        distances |= {model.title: _from_mean_mm(held, large, model) for model in study.models}
        tables["observers_distances"] = _distance_table(study, large, distances)
        figures["observers_distances"] = distance_figure(study, large, distances)
    for model in study.models:
        own = [found for found in correlations if found.model is model and found.corrected]
        if own:
            figures[f"observers_{model.label}"] = points_figure(own, study.dataset.landmark_set)
    frame = tables["observers"].frame
    return ExperimentResult(
        name="observers",
        title="Does uncertainty tell where experts disagree?",
        method=method_text(
            "observers",
            test=held.test,
            is_clean=held.cleanest == CLEAN,
            panels=panels,
            observed=observed,
            has_files=observers_of(study.dataset) is not None,
            n_held=len(held.items),
            resamples=RESAMPLES,
        ),
        tables=tables,
        figures=figures,
        shown=tables["observers"].select(*_SHOWN, where=frame["offsets_removed"]) if correlations else None,
    )


def _correlations(study: Study, held: HeldOut, panel: Panel, model: StudyModel) -> Iterator[PanelCorrelation]:
    """Each measure, and the model's error against the observers' mean, beside the disagreement."""
    of_panel = [each.of(panel.of(each.values)) for each in measured(held.tables[model.label]).values()]
    of_panel.append(Measured(_ERROR, _ERROR.key(in_mm=True), _from_mean_mm(held, panel, model)))
    weights = film_weights(len(panel.rows), n_resamples=RESAMPLES, seed=study.seed)
    for corrected in (True, False):
        apart = panel.disagreement_mm(corrected=corrected)
        for each in of_panel:
            yield PanelCorrelation(
                model=model,
                panel=panel,
                corrected=corrected,
                is_error=each.measure is _ERROR,
                measured=each,
                disagreement_mm=apart,
                quality=measure_quality(apart, each.values, each.measure.direction, weights, in_mm=False),
                within=within_landmark(apart, each.values, weights),
            )


def _from_mean_mm(held: HeldOut, panel: Panel, model: StudyModel) -> NDArray[np.float64]:
    """(F, K) distance of a model's points to the mean of the panel's."""
    points = panel.of(held.tables[model.label].points_px) * held.mm_per_px[panel.rows][:, np.newaxis, :]
    away = points - panel.mean_mm()
    distances: NDArray[np.float64] = np.hypot(away[..., 0], away[..., 1])
    return distances


def _table(correlations: Sequence[PanelCorrelation]) -> ResultTable:
    return ResultTable.from_records(
        "Each measure beside the observers' disagreement, point by point",
        [
            {
                "model": found.model.title,
                "observers": found.panel.title,
                "offsets_removed": found.corrected,
                "measure": found.measured.measure.name,
                "key": found.measured.key,
                "direction": found.quality.direction,
                "n_films": len(found.panel.rows),
                "n_points": found.quality.n_points,
                **with_ends("spearman", found.quality.spearman, found.quality.spearman_ci95),
                **with_ends("pearson", found.quality.pearson, found.quality.pearson_ci95),
                **with_ends("within_spearman", found.within.spearman, found.within.spearman_ci95),
                "between_spearman": found.within.between,
            }
            for found in correlations
        ],
        note="Disagreement: mean distance of the observers to their mean, of two their distance. "
        "offsets_removed: after each observer's mean displacement was taken off, landmark by landmark. The "
        "row error: the model's distance to the observers' mean. within_spearman: mean over the landmarks "
        "of the coefficient within each; between_spearman: of the landmarks' means. Intervals 95 %, films "
        "resampled.",
    )


def _landmark_table(study: Study, panels: Sequence[Panel]) -> ResultTable:
    records = []
    for panel in panels:
        raw, rest = (mean_of_known(panel.disagreement_mm(corrected=c), axis=0) for c in (False, True))
        marks = [study.dataset.landmark_set.landmarks[column] for column in panel.columns]
        records += [
            {
                "observers": panel.title,
                "number": mark.number,
                "code": mark.code,
                "landmark": mark.name,
                "n_films": len(panel.rows),
                "disagreement_mm": apart,
                "disagreement_offsets_removed_mm": apart_corrected,
            }
            for mark, apart, apart_corrected in zip(marks, raw, rest, strict=True)
        ]
    return ResultTable.from_records("How far the observers disagree on each landmark", records)


def _distance_table(study: Study, panel: Panel, distances: dict[str, NDArray[np.float64]]) -> ResultTable:
    codes = [study.dataset.landmark_set.landmarks[column].code for column in panel.columns]
    weights = film_weights(len(panel.rows), n_resamples=RESAMPLES, seed=study.seed)
    records: list[dict[str, Any]] = []
    for who, apart in distances.items():
        low, high = mean_interval(apart, weights)
        record = {"who": who, "is_model": who not in panel.names, "all_mm": float(np.nanmean(apart))}
        means = mean_of_known(apart, axis=0)
        of_landmarks = {f"{code}_mm": mean for code, mean in zip(codes, means, strict=True)}
        records.append(record | {"all_low_mm": low, "all_high_mm": high} | of_landmarks)
    records.sort(key=lambda record: record["all_mm"])
    return ResultTable.from_records(
        f"The models among the {panel.title}: mean distance to the mean of the others",
        records,
        note="An observer to the mean of the other observers, a model to the mean of all. The first two "
        "annotators are those whose points models were trained on. Intervals 95 %, films resampled.",
    )
