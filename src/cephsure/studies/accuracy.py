"""Accuracy on the test films: the reference's Table 1, for every model and every choice of truth."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from cephsure.evaluation import evaluate
from cephsure.studies.accuracy_figures import landmark_figure, success_figure
from cephsure.studies.accuracy_tables import (
    WITHOUT,
    Measurement,
    landmark_table,
    long_table,
    report_table,
)
from cephsure.studies.cases import MEAN, marked_by, truths_px
from cephsure.studies.held_out import CLEAN, OFFICIAL, HeldOut, held_out, truth_for
from cephsure.studies.published import REFERENCE, REFERENCE_TEST
from cephsure.studies.result import ExperimentResult
from cephsure.studies.wording import listed, with_interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from cephsure.evaluation import Evaluation
    from cephsure.studies.study import Study


def accuracy(study: Study) -> ExperimentResult:
    """Mean radial error and success detection rates of every model on the test films.

    Args:
        study: models and data; every model predicts the plain films of the split.

    Returns:
        Tables: of the report, in long form, and per landmark. Figures: success curves, and each landmark's
        error.

    Raises:
        InputError: the films have no scale, or cannot be predicted.
    """
    held = held_out(study)
    found = [*_of_models(study, held), *_between_annotators(study, held)]
    official = [one for one in found if one.films == OFFICIAL and one.own]
    return ExperimentResult(
        name="accuracy",
        title=f"Accuracy on {held.test}",
        method=_method(held),
        findings=tuple(_findings(found, held.test)),
        tables={
            "accuracy": report_table(found, held.test),
            "accuracy_landmarks": landmark_table(official, held.test),
            "accuracy_long": long_table(found, held.test),
        },
        figures={
            "accuracy_success": success_figure(official, held.test, seed=study.seed),
            "accuracy_landmarks": landmark_figure(_one_a_kind(official), _first_pair(official), held.test),
        },
    )


def _of_models(study: Study, held: HeldOut) -> Iterator[Measurement]:
    """Every model against every truth on every group of films."""
    names = marked_by(held.items)
    for model in study.models:
        points = held.tables[model.label].points_px
        for truth in (MEAN, *names):
            own = truth == truth_for(model, study.dataset)
            errors = held.errors_mm(model, truth)
            for films, chosen in held.groups.items():
                evaluation = _evaluate(study, held, points, truth, films)
                yield Measurement(model.title, model, truth, films, evaluation, errors[chosen], own=own)


def _between_annotators(study: Study, held: HeldOut) -> Iterator[Measurement]:
    """Each pair of annotators, one as the truth of the other."""
    for truth, other in combinations(marked_by(held.items), 2):
        points = truths_px(held.items, other)
        distances = held.distances_mm(truth, other)
        for films, chosen in held.groups.items():
            evaluation = _evaluate(study, held, points, truth, films)
            who = f"annotators: {other} against {truth}"
            yield Measurement(who, None, truth, films, evaluation, distances[chosen], own=True)


def _evaluate(
    study: Study, held: HeldOut, points_px: NDArray[np.float64], truth: str, films: str
) -> Evaluation:
    chosen = held.groups[films]
    return evaluate(
        points_px[chosen],
        truths_px(held.items, truth)[chosen],
        held.mm_per_px[chosen],
        {},
        {},
        landmark_set=study.dataset.landmark_set,
        without=(WITHOUT,),
        seed=study.seed,
    )


def _one_a_kind(official: Sequence[Measurement]) -> list[Measurement]:
    """Of each kind one model: rather of the default recipe, rather fully trained, rather the first given."""
    best: dict[str, tuple[tuple[bool, bool], Measurement]] = {}
    for one in official:
        if one.model is not None:
            rank = (one.model.recipe != "default", one.model.under_trained)
            if one.model.kind not in best or rank < best[one.model.kind][0]:
                best[one.model.kind] = (rank, one)
    return [one for _, one in best.values()]


def _first_pair(official: Sequence[Measurement]) -> Measurement | None:
    return next((one for one in official if one.model is None), None)


def _method(held: HeldOut) -> tuple[str, ...]:
    sizes = listed([f"{int(chosen.sum())} films {name}" for name, chosen in held.groups.items()])
    clean = (
        "Clean leaves out the films whose exposure is also among the training films."
        if CLEAN in held.groups
        else "The data set does not say which films are the same exposure, so there is no clean group."
    )
    return (
        f"Every model predicts the films of {held.test} as they are: {sizes}. {clean}",
        (
            "The radial error is the distance of the predicted to the true point in mm; MRE is its mean over "
            "all points, SDR the percentage of points within a radius. Each model is measured against each "
            "annotator and their mean; where only one figure is given, against the annotation it was trained "
            "on."
        ),
        "Intervals: 95 %, percentile bootstrap over whole films, 1000 resamples.",
    )


def _findings(found: Sequence[Measurement], test: str) -> Iterator[str]:
    own = {(one.who, one.films): one for one in found if one.own}
    for (who, films), one in own.items():
        if films == OFFICIAL:
            yield _sentence(who, one, own.get((who, CLEAN)))
    if test == REFERENCE_TEST:
        yield from _reference_sentences([one for (_, films), one in own.items() if films == OFFICIAL])
    yield from _truth_sentences([one for one in found if one.films == OFFICIAL and one.model is not None])


def _sentence(who: str, one: Measurement, clean: Measurement | None) -> str:
    overall = one.evaluation
    text = (
        f"{who}: MRE {with_interval(overall.mre_mm, overall.mre_ci95_mm)} mm "
        f"({overall.n_films} films, {overall.n_points} points, truth: {one.truth}), "
        f"SDR at 2 mm {one.rate(2.0):.1f} %, at 2.5 mm {one.rate(2.5):.1f} %"
    )
    if clean is not None:
        text += (
            f"; clean {with_interval(clean.evaluation.mre_mm, None)} mm ({clean.evaluation.n_films} films)"
        )
    for number, part in overall.without.items():
        text += f"; without landmark {number} {with_interval(part.mre_mm, None)} mm"
    return text + "."


def _reference_sentences(official: Sequence[Measurement]) -> Iterator[str]:
    """The paper's own figures beside those of our models that share recipe and truth."""
    for one in official:
        if (
            one.model is None
            or one.model.recipe != "paper"
            or one.model.under_trained
            or one.truth != "senior"
        ):
            continue
        published = REFERENCE[one.model.kind]
        yield (
            f"{one.who} stands beside the reference's {one.model.kind}: published MRE "
            f"{published.mre_mm:.2f} mm and SDR at 2.5 mm {published.sdr_2_5_percent:.1f} %, here "
            f"{with_interval(one.evaluation.mre_mm, one.evaluation.mre_ci95_mm)} mm and "
            f"{one.rate(2.5):.1f} %."
        )


def _truth_sentences(official: Sequence[Measurement]) -> Iterator[str]:
    """How much the choice of truth alone moves a model's figure: said of the most accurate one."""
    own = [one for one in official if one.own and one.evaluation.mre_mm is not None]
    if not own:
        return
    best = min(own, key=lambda one: one.evaluation.mre_mm or 0.0)
    same = [one for one in official if one.who == best.who]
    figures = listed([f"{with_interval(one.evaluation.mre_mm, None)} mm ({one.truth})" for one in same])
    if len(same) > 1:
        yield f"The same predictions of {best.who} score {figures}: a figure means nothing without its truth."
