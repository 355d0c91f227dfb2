"""The tables of the experiment on accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cephsure.evaluation.errors import THRESHOLDS_MM
from cephsure.studies.held_out import CLEAN, OFFICIAL
from cephsure.studies.published import published_accuracy
from cephsure.studies.result import ResultTable
from cephsure.studies.wording import ends

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from cephsure.evaluation import Evaluation
    from cephsure.evaluation.result import Accuracy
    from cephsure.studies.result import Cell
    from cephsure.studies.study import StudyModel

WITHOUT = 16
"""Soft tissue pogonion: the two annotators of ISBI 2015 differ on it by a systematic 6 to 9 mm."""

_FIGURES = (
    *("mre_mm", "mre_low_mm", "mre_high_mm", "sd_mm"),
    *(f"sdr_{threshold:g}mm_percent" for threshold in THRESHOLDS_MM),
)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One evaluation: who was measured, against whom, on which films.

    Attributes:
        who: the model's title, or which annotators.
        model: the model; None for annotators.
        truth: whose points count as true.
        films: "official" or "clean".
        evaluation: what came out.
        errors_mm: (F, L) the radial errors behind it.
        own: whether the truth is the one that the model was trained on; True for annotators.
    """

    who: str
    model: StudyModel | None
    truth: str
    films: str
    evaluation: Evaluation
    errors_mm: NDArray[np.float64]
    own: bool

    def rate(self, threshold_mm: float) -> float:
        """Percentage of points within one of the four thresholds; NaN if there is none."""
        return (self.evaluation.sdr or {}).get(str(threshold_mm), float("nan"))

    def parts(self) -> Iterator[tuple[str, Accuracy]]:
        """All landmarks, then without the one that is not well defined, if the set has it."""
        yield "all", self.evaluation
        for number, part in self.evaluation.without.items():
            yield f"without {number}", part


def report_table(found: Sequence[Measurement], test: str) -> ResultTable:
    """One line a model, against the truth it was trained on; published rows after ours."""
    clean = {one.who: one.evaluation for one in found if one.own and one.films == CLEAN}
    nothing = (None,) * 3
    rows: list[tuple[Cell, ...]] = []
    for one in found:
        if one.own and one.films == OFFICIAL:
            parts = dict(one.parts())
            rest = [parts.get(f"without {WITHOUT}"), clean.get(one.who)]
            last = (*(None if part is None else part.mre_mm for part in rest), _rate(rest[1], 2.5))
            rows.append((one.who, one.truth, *_figures(one.evaluation), *last))
    rows += [
        (one.source, one.truth, *_published_figures(one.mre_mm, one.sdr_percent), *nothing)
        for one in published_accuracy(test)
    ]
    return ResultTable.from_rows(
        f"Accuracy on {test}, each model against the annotation it was trained on",
        ("who", "truth", *_FIGURES, f"mre_without_{WITHOUT}_mm", "mre_clean_mm", "sdr_2.5mm_clean_percent"),
        tuple(rows),
        note=f"On the official {test} and all landmarks, but for the last three columns. Clean: without the "
        "films whose exposure is also among the training films. Rows naming a publication are as published.",
    )


def long_table(found: Sequence[Measurement], test: str) -> ResultTable:
    """Every model against every truth, on all films and the clean ones, with and without ``WITHOUT``."""
    rows: list[tuple[Cell, ...]] = [
        (*_facts(one), one.truth, one.films, landmarks, part.n_films, part.n_points, *_figures(part))
        for one in found
        for landmarks, part in one.parts()
    ]
    rows += [
        (
            *(one.source, "published", None, one.kind or None, None, None, None),
            *(one.truth, OFFICIAL, "all", None, None),
            *_published_figures(one.mre_mm, one.sdr_percent),
        )
        for one in published_accuracy(test)
    ]
    return ResultTable.from_rows(
        f"Accuracy on {test}: every model against every truth, one line a combination",
        (
            *("who", "source", "recipe", "kind", "samples", "trained_on", "changes"),
            *("truth", "films", "landmarks", "n_films", "n_points"),
            *_FIGURES,
        ),
        tuple(rows),
        note=f"Intervals: 95 %, films resampled. Published rows: all films of {test}, 19 landmarks.",
    )


def landmark_table(official: Sequence[Measurement], test: str) -> ResultTable:
    """One line a model and landmark, of the measurements given."""
    return ResultTable.from_rows(
        f"Error of each landmark on the official {test}, each model against the annotation it was trained on",
        ("who", "truth", "number", "code", "landmark", "n_points", *_FIGURES),
        tuple(
            (one.who, one.truth, mark.number, mark.code, mark.name, mark.n_points, *_figures(mark))
            for one in official
            for mark in one.evaluation.per_landmark
        ),
    )


def _facts(one: Measurement) -> tuple[Cell, ...]:
    if one.model is None:
        return (one.who, "this study", None, "annotators", None, None, None)
    model = one.model
    changes = "; ".join(model.changes) or None
    return (one.who, "this study", model.recipe, model.kind, model.samples, model.truth, changes)


def _figures(part: Accuracy) -> tuple[Cell, ...]:
    rates = (_rate(part, threshold) for threshold in THRESHOLDS_MM)
    return (part.mre_mm, *ends(part.mre_ci95_mm), part.sd_mm, *rates)


def _rate(part: Accuracy | None, threshold_mm: float) -> float | None:
    return None if part is None or part.sdr is None else part.sdr[str(threshold_mm)]


def _published_figures(mre_mm: float, sdr_percent: Mapping[float, float]) -> tuple[Cell, ...]:
    return (mre_mm, None, None, None, *(sdr_percent.get(threshold) for threshold in THRESHOLDS_MM))
