"""Published values that stand beside ours.

Source: Drevický & Kodým, "Evaluating Deep Learning Uncertainty Measures in Cephalometric Landmark
Localization", 2020; the challenge's winner: Lindner et al. in Wang et al., Medical Image Analysis 31 (2016).
"""

from __future__ import annotations

from dataclasses import dataclass


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

CHALLENGE_WINNER_MRE_MM = 1.67
CHALLENGE_WINNER_SDR_2_5_PERCENT = 80.2
