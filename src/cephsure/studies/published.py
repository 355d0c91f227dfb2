"""Published values that stand beside ours.

Drevický & Kodým, "Evaluating Deep Learning Uncertainty Measures in Cephalometric Landmark Localization",
2020. The accuracies of others, each with its source, are in ``published_accuracy.csv``: all films of a test
set of ISBI 2015 (Test1 150, Test2 100), all 19 landmarks, errors within 2, 2.5, 3 and 4 mm in percent.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import pandas as pd


@dataclass(frozen=True, slots=True)
class Published:
    """The reference's figures for one kind of model.

    Attributes:
        mre_mm: Test1, senior annotation.
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


@dataclass(frozen=True, slots=True)
class PublishedAccuracy:
    """A published accuracy.

    Attributes:
        source: who published it, and how the figures were come by where not from the publication.
        kind: of model as we call it, or "" for a method of another make.
        truth: the annotation it is measured against.
        mre_mm: mean radial error.
        sdr_percent: by threshold in mm, the share of errors of at most that size; only what was published.
    """

    source: str
    kind: str
    truth: str
    mre_mm: float
    sdr_percent: dict[float, float]


def published_accuracy(test: str) -> tuple[PublishedAccuracy, ...]:
    """What was published on a test set: "Test1" or "Test2"; nothing on other films."""
    with (
        resources.files("cephsure.studies").joinpath("published_accuracy.csv").open(encoding="utf-8") as file
    ):
        frame = pd.read_csv(file).fillna({"kind": ""})
    rates = frame.columns[5:]
    return tuple(
        PublishedAccuracy(
            row["source"],
            row["kind"],
            row["truth"],
            float(row["mre_mm"]),
            {float(threshold): float(rate) for threshold, rate in row[rates].dropna().items()},
        )
        for _, row in frame[frame["test"] == test].iterrows()
    )
