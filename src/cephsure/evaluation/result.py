"""What an evaluation finds; its JSON form is cephsure.evaluation/1."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from cephsure.uncertainty.prediction import Frozen

SCHEMA = "cephsure.evaluation/1"

Ends = tuple[float, float]


class About(Frozen):
    """What was evaluated against what; None where it was not said.

    Attributes:
        split: which of the data set's films.
        truth: whose annotation counts as true.
        spacing_sources: where the scale comes from, and of how many films.
        problems: what the reader of the data set (of all its splits) left out, one line each.
        model_kind: baseline, ensemble or mc-dropout.
        model_sha256: checksum of its bundle.
        samples: members or stochastic passes.
        seed: of the stochastic passes.
        mirrored: whether the films' mirror images were evaluated instead.
        inverted: whether the films' negatives were evaluated instead.
    """

    dataset: str | None = None
    split: str | None = None
    truth: str | None = None
    landmark_set: str | None = None
    spacing_sources: dict[str, int] = Field(default_factory=dict)
    problems: tuple[str, ...] = ()
    model: str | None = None
    model_kind: str | None = None
    model_recipe: str | None = None
    model_sha256: str | None = None
    samples: int | None = None
    seed: int | None = None
    mirrored: bool = False
    inverted: bool = False


class LeftOut(Frozen):
    """Films, or points of films that were evaluated, that do not count, and why.

    Attributes:
        films: left out as a whole.
        points: left out of films that are otherwise evaluated.
        names: the films' names, as far as they are known.
    """

    reason: str
    films: int = 0
    points: int = 0
    names: tuple[str, ...] = ()


class LeftOutCount(Frozen):
    """All that was left out."""

    films: int
    points: int
    reasons: tuple[LeftOut, ...]


class Accuracy(Frozen):
    """Errors of a set of points. Values in mm are None without a scale; those in px are None with one.

    Attributes:
        n_films: films with at least one point that counts.
        mre_mm: mean radial error.
        sd_mm: standard deviation of the radial errors, n - 1 in the denominator.
        mre_ci95_mm: 95 % bootstrap interval of the mean, films resampled.
        sdr: success detection rate: percentage of errors of at most 2.0, 2.5, 3.0, 4.0 mm.
    """

    n_films: int
    n_points: int
    mre_mm: float | None
    sd_mm: float | None
    mre_ci95_mm: Ends | None
    sdr: dict[str, float] | None
    mre_px: float | None
    sd_px: float | None
    mre_ci95_px: Ends | None


class LandmarkAccuracy(Accuracy):
    """Errors of one landmark."""

    number: int
    code: str | None
    name: str | None


class MeasureQuality(Frozen):
    """How well a measure of uncertainty follows the radial error, point by point, unbinned.

    Attributes:
        n_points: points that have both an error and a value.
        pearson: correlation of the radial error with the measure as it is: negative for a good measure that
            falls with uncertainty.
        spearman: rank correlation, the same way.
        auc_2mm: area under the ROC curve for finding errors over 2 mm; the measure is turned so that a larger
            value means more uncertainty. 0.5 is chance, 1 is perfect. ``auc_4mm``: of errors over 4 mm.
        pearson_ci95: 95 % bootstrap interval, films resampled; so with the others.
    """

    direction: Literal[-1, 1]
    n_points: int
    pearson: float | None
    spearman: float | None
    auc_2mm: float | None
    auc_4mm: float | None
    pearson_ci95: Ends | None
    spearman_ci95: Ends | None
    auc_2mm_ci95: Ends | None
    auc_4mm_ci95: Ends | None


class PartialEvaluation(Accuracy):
    """The overall figures without one landmark."""

    measures: dict[str, MeasureQuality]


class Evaluation(Accuracy):
    """Accuracy overall, per landmark and without chosen landmarks, and the quality of each measure.

    Attributes:
        unit: of the errors that everything is worked out from.
        measures: by the measure's name.
        without: by the left-out landmark's number, as text.
        resamples: bootstrap resamples behind each interval.
    """

    about: About
    unit: Literal["mm", "px"]
    per_landmark: tuple[LandmarkAccuracy, ...]
    measures: dict[str, MeasureQuality]
    without: dict[str, PartialEvaluation]
    left_out: LeftOutCount
    resamples: int

    def document(self) -> dict[str, Any]:
        """The JSON document, its schema named first; nothing in it is NaN or infinite."""
        return {"schema": SCHEMA, **self.model_dump(mode="json")}
