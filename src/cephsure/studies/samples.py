"""How many samples are needed? Error, correlation, detection and referral against their number and cost."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from cephsure.studies.by_count import RESAMPLES, STATISTICS, SUBSETS, AtCount, at_count, subsets
from cephsure.studies.cases import films_of_split, spread_over, truths_px
from cephsure.studies.drawing import TIMED_FILMS, Drawing, draw_films, drawings_of
from cephsure.studies.held_out import truth_for
from cephsure.studies.plotting import Estimate
from cephsure.studies.result import ExperimentResult, ResultTable
from cephsure.studies.samples_figures import cost_figure, counts_figure
from cephsure.studies.wording import UNKNOWN, ends, listed, with_interval
from cephsure.uncertainty import MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.figure import Figure

    from cephsure.datasets import AnnotatedFilm
    from cephsure.studies.result import Cell, DrawnFigure
    from cephsure.studies.sample_store import Cost, SampleStore
    from cephsure.studies.study import Study

# Within this of the value with all samples, fewer are as good.
_AS_GOOD = 0.01


@dataclass(frozen=True, slots=True)
class ByCount:
    """One way to draw samples, and what each number of them gives.

    Attributes:
        test: what texts call the set that the films are of: "Test1".
        drawing: the way.
        truth: annotation the errors are against.
        found: by rising number of samples.
        cost: what they took, or None if that was not kept.
    """

    test: str
    drawing: Drawing
    truth: str
    found: tuple[AtCount, ...]
    cost: Cost | None

    def ms(self, count: int) -> float | None:
        """Milliseconds a film with that many samples."""
        ms = float("nan") if self.cost is None else self.cost.median_ms(count)
        return ms if isfinite(ms) else None


def samples(study: Study) -> ExperimentResult:
    """Draw samples of some test films once, and look at what fewer of them would have given.

    Args:
        study: models and data; ``shift_films`` films, spread over the split, are drawn with every model whose
            bundle is at hand or whose samples an earlier study kept.

    Returns:
        Tables: accuracy and cost, every measure; figures: all against the number of samples, and against the
        cost.

    Raises:
        InputError: a film cannot be read, or a stored file not be used.
    """
    items = spread_over(films_of_split(study.dataset, study.split), study.shift_films)
    drawings = [one for model in study.models for one in drawings_of(model)]
    stores = draw_films(study, drawings, items)
    found = [_by_count(study, one, stores[one.name], items) for one in drawings if one.name in stores]
    left_out = [one.title for one in drawings if one.name not in stores]
    return ExperimentResult(
        name="samples",
        title="How many samples are needed?",
        method=_method(items, study.test_name, found, left_out),
        findings=tuple(sentence for one in found for sentence in _findings(one)),
        tables={"samples": _table(found), "samples_measures": _measure_table(found)},
        figures=_figures(found),
    )


def _by_count(study: Study, drawing: Drawing, store: SampleStore, items: Sequence[AnnotatedFilm]) -> ByCount:
    truth = truth_for(drawing.model, study.dataset)
    drawn = [store.films[item.film_id] for item in items]
    scales = np.stack([film.mm_per_px for film in drawn])
    truths_mm = truths_px(items, truth) * scales[:, np.newaxis]
    total = drawing.counts[-1]
    found = tuple(
        at_count(drawn, truths_mm, subsets(total, count, seed=study.seed), seed=study.seed)
        for count in drawing.counts
    )
    return ByCount(study.test_name, drawing, truth, found, store.cost)


def _table(found: Sequence[ByCount]) -> ResultTable:
    rows: list[tuple[Cell, ...]] = []
    for one in found:
        for at in one.found:
            measure, best = best_measure(at)
            rows.append(
                (
                    *(one.drawing.title, one.truth, one.drawing.what, at.count, at.n_subsets),
                    *(at.n_films, at.n_points, at.n_large),
                    *_cells(at.mre_mm),
                    *(measure or None, *_cells(best)),
                    one.ms(at.count),
                )
            )
    return ResultTable.from_rows(
        "Error and cost against the number of samples",
        (
            *("model", "truth", "drawn", "samples", "subsets", "n_films", "n", "n_over_4mm"),
            *("mre_mm", "mre_mm_low", "mre_mm_high", "best_measure"),
            *("auc_4mm", "auc_4mm_low", "auc_4mm_high", "ms_per_film"),
        ),
        tuple(rows),
        note="samples: how many a film; each figure is the mean over the subsets of that size (n_over_4mm "
        "too, so that it need not be whole). best_measure: the one with the largest area under the ROC "
        "curve for errors over 4 mm, chosen on these films. ms_per_film: median, pixels to samples, "
        "measured in this study on one machine. low, high: 95 % bootstrap over films.",
    )


def _measure_table(found: Sequence[ByCount]) -> ResultTable:
    rows: list[tuple[Cell, ...]] = []
    for one in found:
        for at in one.found:
            for name, values in at.measures.items():
                is_own = name == one.drawing.model.own_measure
                rows.append(
                    (
                        *(
                            one.drawing.title,
                            one.drawing.what,
                            at.count,
                            name,
                            MEASURES[name].direction,
                            is_own,
                        ),
                        *(cell for key in STATISTICS for cell in _cells(values[key])),
                        one.ms(at.count),
                    )
                )
    return ResultTable.from_rows(
        "Each measure against the number of samples",
        (
            *("model", "drawn", "samples", "measure", "direction", "own_measure"),
            *(f"{key}{end}" for key in STATISTICS for end in ("", "_low", "_high")),
            "ms_per_film",
        ),
        tuple(rows),
        note="pearson and spearman: with the radial error, point by point, negative for a good measure "
        "that falls with uncertainty. auc_4mm: area under the ROC curve for errors over 4 mm. caught_20: "
        "share of these among the 20 % most uncertain points (chance: 0.2). A measure that is the same for "
        "every point (the spread of one sample) is left out.",
    )


def _cells(one: Estimate) -> tuple[Cell, ...]:
    return (one.value, *ends(one.interval))


def best_measure(at: AtCount) -> tuple[str, Estimate]:
    """The measure that finds errors over 4 mm best, and its area under the ROC curve; "" if there is none."""
    areas = {name: values["auc_4mm"] for name, values in at.measures.items()}
    known = {name: area for name, area in areas.items() if area.value is not None}
    name = max(known, key=lambda each: known[each].value or 0.0, default="")
    return (name, known[name]) if name else ("", Estimate(None))


def _figures(found: Sequence[ByCount]) -> dict[str, Figure | DrawnFigure]:
    figures: dict[str, Figure | DrawnFigure] = {}
    if found:
        figures["samples_cost"] = cost_figure(found)
    for one in found:
        if len(one.found) > 1:
            figures[f"samples_{one.drawing.name}"] = counts_figure(one)
    return figures


def _method(
    items: Sequence[AnnotatedFilm], test: str, found: Sequence[ByCount], left_out: Sequence[str]
) -> tuple[str, ...]:
    sentences = [
        (
            f"{len(items)} films, spread evenly over {test}, are drawn once with the largest number of "
            "samples: all members of an ensemble, the passes of MC-Dropout, one network on altered copies of "
            "the film. What fewer samples would have given is computed from subsets of these."
        ),
        (
            f"Of each number {SUBSETS} random subsets (all samples: the only one), the same for every film, "
            "as little overlapping as the number allows. Every figure is the mean over the subsets, so that "
            "it does not hang on the order of the members."
        ),
        (
            "Altered copies (test-time augmentation): turned by up to 5°, shifted by up to 5 mm along each "
            "axis, greys to a power between 0.74 and 1.35, uniform at random; points are brought back to the "
            "film as given. A copy costs what a prediction does, and the making of the copy."
        ),
        "Errors are radial, in mm, against the annotation the model was trained on. No point is binned.",
        f"Intervals: 95 %, percentile bootstrap over whole films, {RESAMPLES} resamples.",
    ]
    machines = sorted({one.cost.machine for one in found if one.cost is not None})
    if machines:
        sentences.append(
            f"Cost: median over {TIMED_FILMS} films of the time from pixels to samples, networks loaded and "
            f"warm, one film at a time, measured where the samples were drawn ({listed(machines)}), with "
            "whatever else that machine was doing. Worth comparing within a table, not between machines."
        )
    if left_out:
        sentences.append(
            f"Left out, since neither a bundle nor stored samples are at hand: {listed(left_out)}. Stored "
            "predictions hold the mean of the samples only."
        )
    return tuple(sentences)


def _findings(one: ByCount) -> Iterator[str]:
    last = one.found[-1]
    if last.mre_mm.value is None:
        return
    if len(one.found) == 1:
        name, area = best_measure(last)
        best = f"; its best measure for errors over 4 mm is {_title(name)}, AUC {_text(area)}" if name else ""
        yield (
            f"{one.drawing.title}: MRE {_text(last.mre_mm)} mm at {_ms(one, last.count)}{best} "
            f"(n = {last.n_points} points, {last.n_large:.0f} errors over 4 mm)."
        )
        return
    two = next((at for at in one.found if at.count > 1), last)
    what = one.drawing.what
    yield (
        f"{one.drawing.title}: MRE {_text(one.found[0].mre_mm)} mm with one, {_text(two.mre_mm)} with "
        f"{two.count} and {_text(last.mre_mm)} with {last.count} {what}; cost {_ms(one, two.count)} and "
        f"{_ms(one, last.count)} (n = {last.n_points} points of {last.n_films} films, {last.n_large:.0f} "
        "errors over 4 mm)."
    )
    # What the samples' disagreement says is what more of them can improve.
    yield from _measure_sentence(one, two, "spread")
    name, _ = best_measure(last)
    if name not in {"", "spread"}:
        yield from _measure_sentence(one, two, name)


def _measure_sentence(one: ByCount, two: AtCount, name: str) -> Iterator[str]:
    last = one.found[-1]
    if name not in last.measures or name not in two.measures:
        return
    few, many = two.measures[name], last.measures[name]
    enough = _enough(one.found, name)
    settled = (
        f" From T = {enough.count} on ({_ms(one, enough.count)}) its AUC stays within {_AS_GOOD} of that "
        "with all."
        if enough is not None
        else ""
    )
    yield (
        f"{one.drawing.title}: {_title(name)} with {two.count} and with {last.count} {one.drawing.what}: "
        f"Spearman {_text(few['spearman'])} and {_text(many['spearman'])}, AUC for errors over 4 mm "
        f"{_text(few['auc_4mm'])} and {_text(many['auc_4mm'])}, share of these among the 20 % most uncertain "
        f"{_text(few['caught_20'])} and {_text(many['caught_20'])}.{settled}"
    )


def _enough(found: Sequence[AtCount], name: str) -> AtCount | None:
    """The smallest number of samples from which on a measure's AUC stays as good as with all."""
    target = found[-1].measures[name]["auc_4mm"].value
    if target is None:
        return None
    enough = found[-1]
    for at in reversed(found):
        value = at.measures[name]["auc_4mm"].value if name in at.measures else None
        if value is None or abs(value - target) > _AS_GOOD:
            break
        enough = at
    return enough


def _title(name: str) -> str:
    return MEASURES[name].title if name else UNKNOWN


def _text(one: Estimate) -> str:
    return with_interval(one.value, one.interval)


def _ms(one: ByCount, count: int) -> str:
    ms = one.ms(count)
    return f"{UNKNOWN} ms" if ms is None else f"{ms:.0f} ms a film"
