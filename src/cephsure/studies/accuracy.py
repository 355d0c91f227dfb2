"""Accuracy on the test films: the reference's Table 1, for every model and every choice of truth."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.evaluation import evaluate
from cephsure.evaluation.bootstrap import film_weights
from cephsure.studies.cases import MEAN, marked_by, truths_px
from cephsure.studies.held_out import (
    ACCURACY_COLUMNS,
    CLEAN,
    OFFICIAL,
    WITHOUT,
    accuracy_record,
    held_out,
    truth_for,
)
from cephsure.studies.plotting import GREY, KIND_COLOURS, KIND_MARKERS, label, new_figure
from cephsure.studies.published import published_accuracy
from cephsure.studies.result import ExperimentResult, ResultTable, method_text
from cephsure.studies.statistics.intervals import success_curve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from cephsure.evaluation import Evaluation
    from cephsure.studies.held_out import HeldOut
    from cephsure.studies.published import PublishedAccuracy
    from cephsure.studies.study import Study, StudyModel

    Row = dict[str, Any]

_RADII_MM = np.linspace(0.0, 6.0, 121)
_LINES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)), (0, (8, 2)))
_REPORT = (
    *("who", "truth", *ACCURACY_COLUMNS),
    *(f"mre_without_{WITHOUT}_mm", "mre_clean_mm", "sdr_2.5mm_clean_percent"),
)
_LONG = (
    *("who", "source", "recipe", "kind", "samples", "trained_on", "changes"),
    *("truth", "films", "landmarks", "n_films", "n_points", *ACCURACY_COLUMNS),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A model, or a pair of annotators, measured against every truth.

    Attributes:
        who: the model's title, or which annotators.
        model: the model; None for annotators.
        truth: the annotation it is mainly measured against: the one that the model was trained on.
        evaluations: by truth and films ("official" or "clean").
        errors_mm: (F, L) radial errors on the official films against ``truth``.
    """

    who: str
    model: StudyModel | None
    truth: str
    evaluations: dict[tuple[str, str], Evaluation]
    errors_mm: NDArray[np.float64]

    @property
    def official(self) -> Evaluation:
        """On all films, against the main truth."""
        return self.evaluations[self.truth, OFFICIAL]

    @property
    def kind(self) -> str:
        """Of model; "" for annotators."""
        return "" if self.model is None else self.model.kind


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
    judged = [*_models(study, held), *_annotators(study, held)]
    # An annotator who marked none of these films is no truth here.
    main = [who for who in judged if (who.truth, OFFICIAL) in who.evaluations]
    pair = next((who for who in main if who.model is None), None)
    return ExperimentResult(
        name="accuracy",
        title=f"Accuracy on {held.test}",
        method=method_text(
            "accuracy",
            test=held.test,
            sizes=held.sizes,
            has_clean=CLEAN in held.groups,
        ),
        tables=_tables(judged, main, held.test),
        figures={
            "accuracy_success": success_figure(main, held.test, seed=study.seed),
            "accuracy_landmarks": landmark_figure(_one_a_kind(main), pair, held.test),
        },
    )


def _models(study: Study, held: HeldOut) -> Iterator[Judged]:
    """Every model against every truth on every group of films."""
    truths = (MEAN, *marked_by(held.items))
    for model in study.models:
        truth = truth_for(model, study.dataset)
        evaluations = _evaluations(study, held, held.tables[model.label].points_px, truths)
        yield Judged(model.title, model, truth, evaluations, held.errors_mm(model, truth))


def _annotators(study: Study, held: HeldOut) -> Iterator[Judged]:
    """Each pair of annotators, one as the truth of the other."""
    for truth, other in combinations(marked_by(held.items), 2):
        evaluations = _evaluations(study, held, truths_px(held.items, other), [truth])
        distances = held.distances_mm(truth, other)
        yield Judged(f"annotators: {other} against {truth}", None, truth, evaluations, distances)


def _evaluations(
    study: Study, held: HeldOut, points_px: NDArray[np.float64], truths: Sequence[str]
) -> dict[tuple[str, str], Evaluation]:
    return {
        (truth, films): evaluate(
            points_px[chosen],
            truths_px(held.items, truth)[chosen],
            held.mm_per_px[chosen],
            {},
            {},
            landmark_set=study.dataset.landmark_set,
            without=(WITHOUT,),
            seed=study.seed,
        )
        for truth in truths
        for films, chosen in held.groups.items()
    }


def _one_a_kind(main: Sequence[Judged]) -> list[Judged]:
    """Of each kind one model: rather of the default recipe, rather fully trained, rather the first given."""
    models = [(who.model, who) for who in main if who.model is not None]
    # Sorting is stable, and the first of a kind stands.
    ranked = sorted(models, key=lambda pair: (pair[0].recipe != "default", pair[0].under_trained))
    best = {model.kind: who for model, who in reversed(ranked)}
    return [best[kind] for kind in dict.fromkeys(model.kind for model, _ in models)]


def _tables(judged: Sequence[Judged], main: Sequence[Judged], test: str) -> dict[str, ResultTable]:
    published = published_accuracy(test)
    own = "each model against the annotation it was trained on"
    report = [*map(_report_row, main), *map(_published_row, published)]
    long = [*(row for who in judged for row in _long_rows(who)), *map(_published_row, published)]
    landmarks: list[Row] = [
        {"who": who.who, "truth": who.truth, "number": mark.number, "code": mark.code}
        | {"landmark": mark.name, "n_points": mark.n_points, **accuracy_record(mark)}
        for who in main
        for mark in who.official.per_landmark
    ]
    return {
        "accuracy": ResultTable.from_records(
            f"Accuracy on {test}, {own}",
            report,
            columns=_REPORT,
            note=f"On the official {test} and all landmarks, but for the last three columns. Clean: without "
            "the films whose exposure is also among the training films. Rows naming a publication are as "
            "published.",
        ),
        "accuracy_landmarks": ResultTable.from_records(
            f"Error of each landmark on the official {test}, {own}", landmarks
        ),
        "accuracy_long": ResultTable.from_records(
            f"Accuracy on {test}: every model against every truth, one line a combination",
            long,
            columns=_LONG,
            note=f"Intervals: 95 %, films resampled. Published rows: all films of {test}, 19 landmarks.",
        ),
    }


def _report_row(who: Judged) -> Row:
    """Against the main truth on all films; what is left without one landmark, and on clean films."""
    rest = who.official.without.get(str(WITHOUT))
    clean = who.evaluations.get((who.truth, CLEAN))
    return {
        "who": who.who,
        "truth": who.truth,
        **accuracy_record(who.official),
        f"mre_without_{WITHOUT}_mm": None if rest is None else rest.mre_mm,
        "mre_clean_mm": None if clean is None else clean.mre_mm,
        "sdr_2.5mm_clean_percent": None if clean is None else accuracy_record(clean)["sdr_2.5mm_percent"],
    }


def _long_rows(who: Judged) -> Iterator[Row]:
    """Each truth and each group of films, with and without the landmark that is not well defined."""
    about: Row = {"who": who.who, "source": "this study", "kind": "annotators"}
    if (model := who.model) is not None:
        about |= {"recipe": model.recipe, "kind": model.kind, "samples": model.samples}
        about |= {"trained_on": model.truth, "changes": "; ".join(model.changes) or None}
    for (truth, films), evaluation in who.evaluations.items():
        parts = {f"without {number}": part for number, part in evaluation.without.items()}
        for landmarks, part in {"all": evaluation, **parts}.items():
            place = {"truth": truth, "films": films, "landmarks": landmarks}
            yield about | place | {"n_films": part.n_films, "n_points": part.n_points} | accuracy_record(part)


def _published_row(published: PublishedAccuracy) -> Row:
    rates = {f"sdr_{radius:g}mm_percent": rate for radius, rate in published.sdr_percent.items()}
    about = {"who": published.source, "source": "published", "kind": published.kind or None}
    films = {"truth": published.truth, "films": OFFICIAL, "landmarks": "all"}
    return about | films | {"mre_mm": published.mre_mm} | rates


def success_figure(main: Sequence[Judged], test: str, *, seed: int) -> Figure:
    """Share of points within each radius, a panel a recipe, with the annotators' distance in each."""
    recipes = list(dict.fromkeys(who.model.recipe for who in main if who.model is not None))
    figure, axes = new_figure(
        1,
        len(recipes),
        caption=f"Share of points whose radial error is at most r, official {test}, each model against the "
        "annotation it was trained on; bands: 95 % intervals, films resampled. Grey: the distance of one "
        "annotator to the other. Hollow markers: the reference's published figures (senior annotation), a "
        "star: the challenge winner's (mean).",
        panel_inches=(5.6, 4.4),
    )
    for recipe, panel in zip(recipes, axes[0], strict=True):
        shown = [who for who in main if who.model is None or who.model.recipe == recipe]
        _curves(panel, shown, seed=seed)
        _published_rates(panel, test)
        label(panel, x="radius r [mm]", y="points within r [%]", title=f"recipe {recipe}")
        panel.set(xlim=(0, _RADII_MM[-1]), ylim=(0, 101))
        panel.grid(color="#e8e8e8", lw=0.6)
        panel.set_axisbelow(True)
        panel.legend(fontsize=7, loc="lower right", framealpha=0.9, edgecolor="none")
    return figure


def _curves(axes: Axes, shown: Sequence[Judged], *, seed: int) -> None:
    places: dict[str, int] = {}
    for who in shown:
        place = places[who.kind] = places.get(who.kind, -1) + 1
        colour, line = KIND_COLOURS.get(who.kind, GREY), _LINES[place % len(_LINES)]
        weights = film_weights(len(who.errors_mm), n_resamples=500, seed=seed)
        curve = success_curve(who.errors_mm, _RADII_MM, weights)
        name = f"{who.who}: MRE {who.official.mre_mm:.2f} mm, n = {np.isfinite(who.errors_mm).sum()}"
        axes.plot(curve.radii, curve.percent, color=colour, ls=line, lw=1.5, label=name)
        axes.fill_between(curve.radii, curve.low, curve.high, color=colour, alpha=0.15, lw=0)


def _published_rates(axes: Axes, test: str) -> None:
    """Of the reference and of the challenge's winner only: later methods stand in the table."""
    for published in published_accuracy(test):
        if published.kind or published.source.startswith("challenge"):
            axes.plot(
                list(published.sdr_percent),
                list(published.sdr_percent.values()),
                KIND_MARKERS.get(published.kind, "*"),
                color=KIND_COLOURS.get(published.kind, GREY),
                markerfacecolor="white",
                markersize=6,
                ls="none",
                zorder=4,
                label=f"{published.source.split(' in ')[0]} (published, {published.truth})",
            )


def landmark_figure(shown: Sequence[Judged], annotators: Judged | None, test: str) -> Figure:
    """Mean error of each landmark with its interval and quartiles, beside a pair of annotators' distance."""
    figure, axes = new_figure(
        1,
        1,
        caption=f"Radial error of each landmark on the official {test}. Markers: mean with its 95 % interval "
        "(films resampled); pale bars: from the lower to the upper quartile of the errors; grey lines: mean "
        "distance of one annotator to the other.",
        panel_inches=(10.5, 4.4),
    )
    panel, first = axes[0, 0], next(iter(shown), annotators)
    marks = () if first is None else first.official.per_landmark
    x = np.arange(len(marks), dtype=np.float64)
    if annotators is not None:
        means = [mark.mre_mm for mark in annotators.official.per_landmark]
        panel.hlines(means, x - 0.42, x + 0.42, color=GREY, lw=1.4, label=annotators.who)
    offsets = np.linspace(-0.24, 0.24, len(shown)).tolist() if len(shown) > 1 else [0.0]
    for who, offset in zip(shown, offsets, strict=False):
        _landmark_dots(panel, who, x + offset)
    panel.set_xticks(x, [f"{mark.code or mark.number}\n{mark.number}" for mark in marks])
    label(panel, x="landmark", y="radial error [mm]")
    panel.set_xlim(-0.6, len(marks) - 0.4)
    panel.set_ylim(bottom=0)
    panel.grid(axis="y", color="#e8e8e8", lw=0.6)
    panel.set_axisbelow(True)
    panel.legend(fontsize=7.5, frameon=False, loc="upper left")
    return figure


def _landmark_dots(axes: Axes, who: Judged, x: NDArray[np.float64]) -> None:
    colour, overall = KIND_COLOURS.get(who.kind, GREY), who.official
    for place, mark, errors in zip(x, overall.per_landmark, who.errors_mm.T, strict=True):
        there = errors[np.isfinite(errors)]
        if there.size:
            axes.plot([place, place], np.quantile(there, [0.25, 0.75]), color=colour, alpha=0.25, lw=6)
        if mark.mre_ci95_mm is not None:
            axes.plot([place, place], mark.mre_ci95_mm, color=colour, lw=1.3, zorder=3)
    axes.plot(
        x,
        np.array([mark.mre_mm for mark in overall.per_landmark], dtype=np.float64),
        KIND_MARKERS.get(who.kind, "o"),
        color=colour,
        markersize=4.5,
        ls="none",
        zorder=4,
        label=f"{who.who}: MRE {overall.mre_mm:.2f} mm, {overall.n_films} films, truth: {who.truth}",
    )
