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


def published_accuracy(test: str) -> pd.DataFrame:
    """What was published on a test set, "Test1" or "Test2"; no row of other films.

    Columns: "source", who published it, and how the figures were obtained where not from the publication;
    "kind" of model as we call it, NaN for a method of another make; "truth", the annotation it is measured
    against; "mre_mm"; and "sdr_2mm_percent", ..., NaN where not published.
    """
    stored = resources.files("cephsure.studies").joinpath("published_accuracy.csv")
    with stored.open(encoding="utf-8") as file:
        frame = pd.read_csv(file)
    return frame[frame["test"] == test].drop(columns="test")
