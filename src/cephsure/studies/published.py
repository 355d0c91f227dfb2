"""Published values that stand beside ours.

Sources: Drevický & Kodým, "Evaluating Deep Learning Uncertainty Measures in Cephalometric Landmark
Localization", 2020; the challenge's winner: Lindner et al. in Wang et al., Medical Image Analysis 31 (2016);
accuracy since then: each row of ``PUBLISHED_ACCURACY`` names its own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Published:
    """The reference's figures for one kind of model.

    Attributes:
        mre_mm: ``REFERENCE_TEST``, senior annotation.
        sdr_2_5_percent: errors of at most 2.5 mm, the same films.
        error_pearson: measure against radial error, point by point, fully trained.
        under_trained_pearson: the same, training stopped early.
        distortion_pearson: magnitude against the test set's mean measure.
        rotation_pearson: size of the angle against the projection's mean measure.
    """

    mre_mm: float
    sdr_2_5_percent: float
    error_pearson: float
    under_trained_pearson: float
    distortion_pearson: float
    rotation_pearson: float


REFERENCE: dict[str, Published] = {
    "baseline": Published(2.05, 74.4, -0.13, -0.35, -0.95, -0.91),
    "ensemble": Published(1.79, 78.5, 0.31, 0.85, 0.81, 0.95),
    "mc-dropout": Published(1.92, 74.7, 0.22, 0.86, 0.85, 0.88),
}
"""By kind of model; each kind is judged by the measure of ``PUBLISHED_MEASURE``."""

REFERENCE_TEST = "Test1"
"""The test set on which the reference's accuracies and correlations with the error were measured."""

CHALLENGE_WINNER_MRE_MM = 1.67
CHALLENGE_WINNER_SDR_2_5_PERCENT = 80.2


@dataclass(frozen=True, slots=True)
class PublishedAccuracy:
    """A published accuracy on all films of a test set of ISBI 2015, all 19 landmarks.

    Attributes:
        test: which: "Test1" (150 films) or "Test2" (100).
        source: who published it, and how the figures were come by where not from the publication.
        kind: of model as we call it, or "" for a method of another make.
        truth: the annotation it is measured against.
        mre_mm: mean radial error.
        sdr_percent: by threshold in mm, the share of errors of at most that size; only what was published.
    """

    test: str
    source: str
    kind: str
    truth: str
    mre_mm: float
    sdr_percent: dict[float, float]


def published_accuracy(test: str) -> tuple[PublishedAccuracy, ...]:
    """What was published on a test set: "Test1" or "Test2"; nothing on other films."""
    return tuple(one for one in PUBLISHED_ACCURACY if one.test == test)


def _rates(two: float, two_and_a_half: float, three: float, four: float) -> dict[float, float]:
    return {2.0: two, 2.5: two_and_a_half, 3.0: three, 4.0: four}


def _later(test: str, figures: dict[str, tuple[float, dict[float, float]]]) -> tuple[PublishedAccuracy, ...]:
    """Methods since the reference, all scored against the mean of both annotators."""
    return tuple(
        PublishedAccuracy(test, source, "", "mean", mre_mm, rates)
        for source, (mre_mm, rates) in figures.items()
    )


PUBLISHED_ACCURACY: tuple[PublishedAccuracy, ...] = (
    *(
        PublishedAccuracy(
            REFERENCE_TEST,
            f"Drevický & Kodým 2020, {kind}",
            kind,
            "senior",
            one.mre_mm,
            {2.5: one.sdr_2_5_percent},
        )
        for kind, one in REFERENCE.items()
    ),
    PublishedAccuracy(
        "Test1",
        "challenge winner, Lindner et al. in Wang et al. 2016",
        "",
        "mean",
        CHALLENGE_WINNER_MRE_MM,
        {2.5: CHALLENGE_WINNER_SDR_2_5_PERCENT},
    ),
    *_later(
        "Test1",
        {
            "Gilmour & Ray 2020": (1.01, _rates(88.3, 93.1, 96.1, 98.6)),
            "Li et al. 2020": (1.04, _rates(88.5, 93.1, 95.7, 98.4)),
            "FARNet 2022": (1.12, _rates(88.0, 92.7, 96.0, 98.5)),
            "DeLR 2026, scored from its released predictions": (1.124, _rates(87.1, 92.5, 96.1, 98.4)),
            "landmarker 0.4, its notebook": (1.20, _rates(84.5, 90.2, 93.5, 97.2)),
        },
    ),
    *_later(
        "Test2",
        {
            "Gilmour & Ray 2020": (1.33, _rates(77.1, 83.2, 88.8, 94.9)),
            "Li et al. 2020": (1.43, _rates(76.6, 83.7, 88.2, 94.3)),
            "FARNet 2022": (1.42, _rates(77.0, 84.4, 89.5, 95.2)),
            "DeLR 2026, scored from its released predictions": (1.463, _rates(74.7, 83.5, 88.8, 94.6)),
            "landmarker 0.4, its notebook": (1.51, _rates(73.1, 81.3, 86.7, 94.2)),
        },
    ),
)
