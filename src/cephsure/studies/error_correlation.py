"""Does a measure follow the error? Point by point, unbinned, pooled and within each landmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.bootstrap import film_weights
from cephsure.studies.error_correlation_figures import (
    Group,
    measures_figure,
    published_figure,
    published_pearson,
    scatter_figure,
)
from cephsure.studies.held_out import OFFICIAL, HeldOut, held_out, truth_for
from cephsure.studies.measured import (
    CORRELATION_COLUMNS,
    CORRELATION_NOTE,
    ErrorCorrelation,
    correlate_with_error,
    measured,
    strongest,
)
from cephsure.studies.result import ExperimentResult, ResultTable
from cephsure.studies.wording import with_interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.figure import Figure

    from cephsure.studies.result import Cell, DrawnFigure
    from cephsure.studies.study import Study, StudyModel

RESAMPLES = 500
# Soft tissue pogonion, on which the annotators of ISBI 2015 differ by a systematic 6 to 9 mm.
WITHOUT = 16
ALL = "all"


def error_correlation(study: Study) -> ExperimentResult:
    """Correlation of each measure with the radial error, each landmark of each test film a point.

    Args:
        study: models and data; every model predicts the plain films of the split.

    Returns:
        A table of every coefficient and one of each landmark's; figures: ours beside the published ones, all
        measures pooled and within a landmark, and for each model the points themselves.

    Raises:
        InputError: the films have no scale, or cannot be predicted.
    """
    held = held_out(study)
    groups = [group for model in study.models for group in _groups(study, held, model)]
    main = [group for group in groups if (group.films, group.landmarks) == (OFFICIAL, ALL)]
    return ExperimentResult(
        name="error-correlation",
        title="Does a measure follow the error?",
        method=_method(held),
        findings=tuple(_findings(main)),
        tables={
            "error_correlation": _table(groups, held.test),
            "error_correlation_landmarks": _landmark_table(study, main, held.test),
        },
        figures=_figures(study, main, held.test),
    )


def _groups(study: Study, held: HeldOut, model: StudyModel) -> Iterator[Group]:
    """All points; without the landmark on which annotators differ; without leaked films."""
    truth = truth_for(model, study.dataset)
    table, errors = held.tables[model.label], held.errors_mm(model, truth)
    for films, chosen in held.groups.items():
        values = measured(table.where(chosen))
        weights = film_weights(int(chosen.sum()), n_resamples=RESAMPLES, seed=study.seed)
        found = tuple(correlate_with_error(one, errors[chosen], weights) for one in values.values())
        yield Group(model, truth, films, ALL, int(chosen.sum()), found)
        if films == OFFICIAL and WITHOUT in table.numbers:
            others = np.where(np.array(table.numbers) == WITHOUT, np.nan, errors[chosen])
            found = tuple(correlate_with_error(one, others, weights) for one in values.values())
            yield Group(model, truth, films, f"without {WITHOUT}", int(chosen.sum()), found)


def _table(groups: Sequence[Group], test: str) -> ResultTable:
    rows: list[tuple[Cell, ...]] = []
    for group in groups:
        model = group.model
        for one in group.found:
            is_own = one.measured.measure.name == model.own_measure
            rows.append(
                (
                    *(model.title, model.recipe, model.kind, model.under_trained),
                    *(group.truth, group.films, group.landmarks, group.n_films, is_own),
                    *one.cells(),
                    published_pearson(model) if is_own else None,
                )
            )
    return ResultTable.from_rows(
        f"Each measure against the radial error, point by point, on {test}",
        (
            *("model", "recipe", "kind", "under_trained"),
            *("truth", "films", "landmarks", "n_films", "own_measure"),
            *CORRELATION_COLUMNS,
            "published_pearson",
        ),
        tuple(rows),
        note=f"{CORRELATION_NOTE} own_measure: the one by which the reference judges the kind; "
        "published_pearson is its value there, of fully or of under-trained models as ours is. A measure "
        "that is the same for every point is left out.",
    )


def _landmark_table(study: Study, main: Sequence[Group], test: str) -> ResultTable:
    names = {landmark.number: landmark for landmark in study.dataset.landmark_set.landmarks}
    rows: list[tuple[Cell, ...]] = []
    for group in main:
        for one in group.found:
            means = np.nanmean(one.errors_mm, axis=0)
            for mark, mean, coefficient in zip(names.values(), means, one.within.per_landmark, strict=True):
                measure = one.measured.measure
                rows.append(
                    (
                        *(group.model.title, group.truth, mark.number, mark.code, mark.name),
                        *(float(mean), measure.name, measure.direction, float(coefficient)),
                    )
                )
    return ResultTable.from_rows(
        f"Rank correlation of measure and error within each landmark, official {test}",
        ("model", "truth", "number", "code", "landmark", "mre_mm", "measure", "direction", "spearman"),
        tuple(rows),
        note="One point a film; negative for a good measure that falls with uncertainty.",
    )


def _figures(study: Study, main: Sequence[Group], test: str) -> dict[str, Figure | DrawnFigure]:
    figures: dict[str, Figure | DrawnFigure] = {
        "error_correlation_published": published_figure(main, test),
        "error_correlation_measures": measures_figure(main, test),
    }
    for group in main:
        if group.found:
            name = f"error_correlation_{group.model.label}"
            figures[name] = scatter_figure(group, test, seed=study.seed)
    return figures


def _method(held: HeldOut) -> tuple[str, ...]:
    films = "; ".join(f"{name}: {int(chosen.sum())} films" for name, chosen in held.groups.items())
    return (
        (
            f"Every landmark of every film of {held.test} is one point ({films}), with its radial error in "
            "mm against the annotation the model was trained on and the value of each measure (lengths in "
            "mm). Nothing is binned."
        ),
        (
            "Pearson and Spearman correlation of measure and error, and the area under the ROC curve for "
            "finding errors over 2 and over 4 mm, over all points pooled; and the mean over the landmarks of "
            "Spearman's coefficient within each, because pooling mixes two effects: that some landmarks are "
            "hard on every film, and that a given landmark is harder on this film than on others."
        ),
        f"Intervals: 95 %, percentile bootstrap over whole films, {RESAMPLES} resamples.",
        (
            "Binned means are shown beside the points for comparison with the literature only: averaging "
            "removes the scatter that a user of a single film is left with."
        ),
    )


def _findings(main: Sequence[Group]) -> Iterator[str]:
    for group in main:
        yield from _own_sentence(group)
    for group in main:
        yield from _best_sentence(group)
    if main and not any(group.model.under_trained for group in main):
        yield (
            "No under-trained model is in this study: the published −0.35, 0.85 and 0.86 "
            "have no counterpart here."
        )


def _own_sentence(group: Group) -> Iterator[str]:
    """The reference's own measure beside its published coefficient."""
    own = group.own
    if own is None:
        return
    quality, within = own.quality, own.within
    state = "under-trained" if group.model.under_trained else "fully trained"
    yield (
        f"{group.model.title}: {own.measured.measure.title} and radial error, Pearson r = "
        f"{with_interval(quality.pearson, quality.pearson_ci95)} (n = {quality.n_points} points of "
        f"{group.n_films} films; published, {state}: {with_interval(published_pearson(group.model), None)}), "
        f"Spearman {with_interval(quality.spearman, quality.spearman_ci95)}, within a landmark "
        f"{with_interval(within.spearman, within.spearman_ci95)}."
    )


def _best_sentence(group: Group) -> Iterator[str]:
    """The measure that follows the error best, in both readings, and how well it finds large errors."""
    top = strongest(group.found)
    if top is None or top.quality.spearman is None:
        return
    inside = max(group.found, key=_strength_within)
    text = (
        f"{group.model.title}: of its {len(group.found)} measures {top.measured.measure.title} follows the "
        f"error best (Spearman {with_interval(top.quality.spearman, top.quality.spearman_ci95)}; AUC for "
        f"errors over 4 mm {with_interval(top.quality.auc_4mm, top.quality.auc_4mm_ci95)})"
    )
    if inside.within.spearman is not None:
        text += (
            f"; within a landmark {inside.measured.measure.title} "
            f"({with_interval(inside.within.spearman, inside.within.spearman_ci95)})"
        )
    yield text + "."


def _strength_within(one: ErrorCorrelation) -> float:
    found = one.within.spearman
    return -1.0 if found is None else one.measured.measure.direction * found
