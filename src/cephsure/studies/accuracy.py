"""Accuracy on the test films: the reference's Table 1, for every model and every choice of truth."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from cephsure.evaluation import evaluate
from cephsure.evaluation.bootstrap import film_weights
from cephsure.evaluation.errors import THRESHOLDS_MM
from cephsure.studies.cases import MEAN, marked_by, truths_px
from cephsure.studies.held_out import CLEAN, OFFICIAL, WITHOUT, HeldOut, held_out, truth_for
from cephsure.studies.plotting import GREY, KIND_COLOURS, KIND_MARKERS, label, new_figure
from cephsure.studies.published import published_accuracy
from cephsure.studies.result import ExperimentResult, ResultTable, ends, method_text
from cephsure.studies.statistics.intervals import success_curve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from cephsure.evaluation import Evaluation
    from cephsure.evaluation.result import Accuracy
    from cephsure.studies.study import Study, StudyModel

    Row = dict[str, Any]
    Curve = tuple[str, NDArray[np.float64], dict[str, Any]]
    """Name, (F, L) errors in mm, and the line's style with its colour."""

_LINES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)), (0, (8, 2)))
_RATES = [f"sdr_{threshold:g}mm_percent" for threshold in THRESHOLDS_MM]
_FIGURES = ("mre_mm", "mre_low_mm", "mre_high_mm", "sd_mm", *_RATES)
_REPORT = (
    *("who", "truth", *_FIGURES),
    *(f"mre_without_{WITHOUT}_mm", "mre_clean_mm", "sdr_2.5mm_clean_percent"),
)
_LONG = (
    *("who", "source", "recipe", "kind", "samples", "trained_on", "changes"),
    *("truth", "films", "landmarks", "n_films", "n_points", *_FIGURES),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A model, or a pair of annotators, measured against every truth.

    Attributes:
        who: the model's title, or which annotators; of these the ``model`` is None.
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
    """Mean radial error and success detection rates of every model on the plain films of the split.

    Tables: of the report, in long form, and per landmark. Figures: success curves, and each landmark's error.

    Raises:
        InputError: the films have no scale, or cannot be predicted.
    """
    held = held_out(study)
    judged = list(_judged(study, held))
    # An annotator who marked none of these films is no truth here.
    main = [who for who in judged if (who.truth, OFFICIAL) in who.evaluations]
    pair = next((who for who in main if who.model is None), None)
    return ExperimentResult(
        name="accuracy",
        title=f"Accuracy on {held.test}",
        method=method_text("accuracy", test=held.test, sizes=held.sizes, has_clean=CLEAN in held.groups),
        tables=_tables(judged, main, held.test),
        figures={
            "accuracy_success": success_figure(main, held.test, seed=study.seed),
            "accuracy_landmarks": landmark_figure(_one_a_kind(main), pair, held.test),
        },
    )


def _judged(study: Study, held: HeldOut) -> Iterator[Judged]:
    """Every model against every truth on all groups of films; of each pair of annotators one as the truth."""
    names = marked_by(held.items)
    for model in study.models:
        truth, points_px = truth_for(model, study.dataset), held.tables[model.label].points_px
        evaluations = _evaluations(study, held, points_px, (MEAN, *names))
        yield Judged(model.title, model, truth, evaluations, held.errors_mm(model, truth))
    for truth, other in combinations(names, 2):
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


def accuracy_record(part: Accuracy) -> dict[str, Any]:
    """Mean radial error with its interval, standard deviation and success detection rates, for a table."""
    rates = [None if part.sdr is None else part.sdr[str(threshold)] for threshold in THRESHOLDS_MM]
    return dict(zip(_FIGURES, (part.mre_mm, *ends(part.mre_ci95_mm), part.sd_mm, *rates), strict=True))


def _tables(judged: Sequence[Judged], main: Sequence[Judged], test: str) -> dict[str, ResultTable]:
    own = "each model against the annotation it was trained on"
    facts = {"source": "published", "films": OFFICIAL, "landmarks": "all"}
    published: list[Row] = [
        {**row, "who": row["source"], **facts} for row in published_accuracy(test).to_dict("records")
    ]
    landmarks: list[Row] = [
        {"who": who.who, "truth": who.truth, "number": mark.number, "code": mark.code}
        | {"landmark": mark.name, "n_points": mark.n_points, **accuracy_record(mark)}
        for who in main
        for mark in who.official.per_landmark
    ]
    return {
        "accuracy": ResultTable.from_records(
            f"Accuracy on {test}, {own}",
            [*map(_report_row, main), *published],
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
            [*(row for who in judged for row in _long_rows(who)), *published],
            columns=_LONG,
            note=f"Intervals: 95 %, films resampled. Published rows: all films of {test}, 19 landmarks.",
        ),
    }


def _report_row(who: Judged) -> Row:
    """Against the main truth on all films; what is left without one landmark, and on clean films."""
    row: Row = {"who": who.who, "truth": who.truth, **accuracy_record(who.official)}
    if rest := who.official.without.get(str(WITHOUT)):
        row[f"mre_without_{WITHOUT}_mm"] = rest.mre_mm
    if clean := who.evaluations.get((who.truth, CLEAN)):
        row["mre_clean_mm"] = clean.mre_mm
        row["sdr_2.5mm_clean_percent"] = accuracy_record(clean)["sdr_2.5mm_percent"]
    return row


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
        draw_success(panel, _curves(shown), up_to_mm=6, title=f"recipe {recipe}", seed=seed)
        _published_rates(panel, published_accuracy(test))
        panel.grid(color="#e8e8e8", lw=0.6)
        panel.set_axisbelow(True)
        panel.legend(fontsize=7, loc="lower right", framealpha=0.9, edgecolor="none")
    return figure


def _curves(shown: Sequence[Judged]) -> Iterator[Curve]:
    """Curves of one kind have its colour, each a line of its own."""
    kinds = [who.kind for who in shown]
    for place, who in enumerate(shown):
        line = _LINES[kinds[:place].count(who.kind) % len(_LINES)]
        style = {"color": KIND_COLOURS.get(who.kind, GREY), "ls": line}
        yield f"{who.who}: MRE {who.official.mre_mm:.2f} mm", who.errors_mm, style


def draw_success(axes: Axes, curves: Iterable[Curve], *, up_to_mm: int, title: str, seed: int) -> None:
    """Share of points within each radius, with its 95 % interval."""
    radii_mm = np.linspace(0.0, up_to_mm, 20 * up_to_mm + 1)
    for name, errors_mm, style in curves:
        curve = success_curve(errors_mm, radii_mm, film_weights(len(errors_mm), n_resamples=500, seed=seed))
        n_points = np.isfinite(errors_mm).sum()
        axes.plot(curve.radii, curve.percent, lw=1.5, label=f"{name}, n = {n_points}", **style)
        axes.fill_between(curve.radii, curve.low, curve.high, color=style["color"], alpha=0.15, lw=0)
    label(axes, x="radius r [mm]", y="points within r [%]", title=title)
    axes.set(xlim=(0, up_to_mm), ylim=(0, 101))


def _published_rates(axes: Axes, published: pd.DataFrame) -> None:
    """Of the reference and of the challenge's winner only: later methods stand in the table."""
    for _, row in published.fillna({"kind": ""}).iterrows():
        if row["kind"] or row["source"].startswith("challenge"):
            name = f"{row['source'].split(' in ')[0]} (published, {row['truth']})"
            marker, colour = KIND_MARKERS.get(row["kind"], "*"), KIND_COLOURS.get(row["kind"], GREY)
            style: Row = {"color": colour, "markerfacecolor": "white", "markersize": 6, "ls": "none"}
            axes.plot(THRESHOLDS_MM, row[_RATES].astype(float), marker, zorder=4, label=name, **style)


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
    panel.set(xlim=(-0.6, len(marks) - 0.4), ylim=(0, None))
    panel.grid(axis="y", color="#e8e8e8", lw=0.6)
    panel.set_axisbelow(True)
    panel.legend(fontsize=7.5, frameon=False, loc="upper left")
    return figure


def _landmark_dots(axes: Axes, who: Judged, x: NDArray[np.float64]) -> None:
    colour, overall = KIND_COLOURS.get(who.kind, GREY), who.official
    for place, mark, errors in zip(x, overall.per_landmark, who.errors_mm.T, strict=True):
        if there := errors[np.isfinite(errors)].tolist():
            axes.plot([place, place], np.quantile(there, [0.25, 0.75]), color=colour, alpha=0.25, lw=6)
        if mark.mre_ci95_mm is not None:
            axes.plot([place, place], mark.mre_ci95_mm, color=colour, lw=1.3, zorder=3)
    means = np.array([mark.mre_mm for mark in overall.per_landmark], dtype=np.float64)
    name = f"{who.who}: MRE {overall.mre_mm:.2f} mm, {overall.n_films} films, truth: {who.truth}"
    marker = KIND_MARKERS.get(who.kind, "o")
    axes.plot(x, means, marker, color=colour, markersize=4.5, ls="none", zorder=4, label=name)
