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
        reader: for whose marks points, regions and expected errors are, in words.
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
    reader: str | None = None
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


class RegionTrust(Frozen):
    """Whether regions hold the true points.

    Attributes:
        level: the probability that they state.
        n_points: true points of landmarks that have a region.
        coverage: share of these points that lie in their region; then its 95 % bootstrap interval, films
            resampled.
        median_area_mm2: of the regions that are not all of the film; None without one.
        whole_film_share: share of the regions that are all of the film.
    """

    level: float
    n_points: int
    coverage: float
    coverage_ci95: Ends | None
    median_area_mm2: float | None
    whole_film_share: float


class ExpectedErrors(Frozen):
    """Calibrated expected errors against actual ones; ``ratio`` is expected over actual, below 1 too bold."""

    n_points: int
    mean_expected_mm: float
    mean_actual_mm: float
    ratio: float | None


class GateTrust(Frozen):
    """What a gate accepts, and how much of that is wrong.

    Attributes:
        films: number of films by verdict.
        tolerance_mm: points farther off than this are wrong.
        accepted_share: share of the points that are accepted.
        wrong_among_accepted: share of the accepted points that are wrong, None if none is accepted; then its
            95 % bootstrap interval, films resampled.
        wrong_share: share of all points that are wrong.
    """

    films: dict[str, int]
    tolerance_mm: float
    accepted_share: float
    wrong_among_accepted: float | None
    wrong_among_accepted_ci95: Ends | None
    wrong_share: float


class TrustFigures(Frozen):
    """Figures of some points, on films with a scale.

    Attributes:
        bias_mm: mean signed error (x, y), found minus true, on the upright film with the face to the right: x
            grows towards the face, y downwards.
        p95_mm: 95th percentile of the radial errors.
        sdr_2mm: share of the radial errors of at most 2 mm.
        regions, expected: None without calibration.
        gate: None without a gate.
    """

    n_films: int
    n_points: int
    bias_mm: Ends
    mre_mm: float
    p95_mm: float
    sdr_2mm: float
    regions: RegionTrust | None
    expected: ExpectedErrors | None
    gate: GateTrust | None


class LandmarkTrust(TrustFigures):
    """Figures of one landmark."""

    number: int
    code: str


class Tenth(Frozen):
    """Points in the order of their expected errors, a tenth of them."""

    n_points: int
    expected_mm: float
    actual_mm: float


class Trust(TrustFigures):
    """All figures against one truth.

    Attributes:
        truth: whose points are true.
        worst_landmark: code of the landmark whose regions hold the fewest of its true points, None without
            regions; ``worst_coverage`` is the share of them.
        tenths: expected against actual errors, from the smallest expectation on.
        per_landmark: of the landmarks with a true point.
    """

    truth: str
    worst_landmark: str | None
    worst_coverage: float | None
    tenths: tuple[Tenth, ...]
    per_landmark: tuple[LandmarkTrust, ...]


class Stratum(Frozen):
    """Films with one value in a film table; ``trust`` has one entry a truth that marked any of them."""

    name: str
    n_films: int
    trust: tuple[Trust, ...]


class Strata(Frozen):
    """Films divided by a column of a film table.

    Attributes:
        not_in_table: films that the table has no value for; they are the stratum "unknown".
    """

    column: str
    groups: tuple[Stratum, ...]
    not_in_table: tuple[str, ...]


class Evaluation(Accuracy):
    """Accuracy overall, per landmark and without chosen landmarks, and the quality of each measure.

    Attributes:
        unit: of the errors that everything is worked out from.
        measures: by the measure's name.
        without: by the left-out landmark's number, as text.
        resamples: bootstrap resamples behind each interval.
        trust: bias, regions, expected errors and verdicts against each truth that the films have, the chosen
            one first; empty without a scale.
        strata: the same by a column of a film table, where one was given.
    """

    about: About
    unit: Literal["mm", "px"]
    per_landmark: tuple[LandmarkAccuracy, ...]
    measures: dict[str, MeasureQuality]
    without: dict[str, PartialEvaluation]
    left_out: LeftOutCount
    resamples: int
    trust: tuple[Trust, ...] = ()
    strata: Strata | None = None

    def document(self) -> dict[str, Any]:
        """The JSON document, its schema named first; nothing in it is NaN or infinite."""
        return {"schema": SCHEMA, **self.model_dump(mode="json")}
