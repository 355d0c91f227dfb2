"""How a measure follows the error in a set of films: the figures that several experiments give of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cephsure.evaluation.quality import measure_quality
from cephsure.studies.statistics.within_landmark import WithinLandmark, within_landmark
from cephsure.studies.wording import ends

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from cephsure.evaluation.result import MeasureQuality
    from cephsure.studies.measured import Measured
    from cephsure.studies.result import Cell

_POOLED = ("pearson", "spearman", "auc_2mm", "auc_4mm")
COLUMNS = (
    *("measure", "key", "direction", "n_points"),
    *(f"{name}{end}" for name in _POOLED for end in ("", "_low", "_high")),
    *("within_spearman", "within_spearman_low", "within_spearman_high", "between_spearman"),
)
"""Names of ``Followed.cells``."""

NOTE = (
    "Point by point, unbinned; intervals 95 %, films resampled. pearson and spearman: of the measure with "
    "the radial error over all points, negative for a measure that falls with uncertainty. auc: area under "
    "the ROC curve for finding errors over 2 and 4 mm. within_spearman: mean over the landmarks of the rank "
    "correlation within each; between_spearman: of the landmarks' mean errors with their mean values."
)
"""How to read them."""


@dataclass(frozen=True, slots=True)
class Followed:
    """One measure beside the errors it should follow.

    Attributes:
        measured: the measure and its (F, L) values.
        errors_mm: (F, L) radial errors, NaN where there is none.
        quality: over all points pooled.
        within: landmark by landmark.
    """

    measured: Measured
    errors_mm: NDArray[np.float64]
    quality: MeasureQuality
    within: WithinLandmark

    @property
    def strength(self) -> float:
        """The pooled rank correlation, turned so that larger is better; −1 where it is not defined."""
        found = self.quality.spearman
        return -1.0 if found is None else self.measured.measure.direction * found

    def cells(self) -> tuple[Cell, ...]:
        """The figures, as ``COLUMNS`` names them."""
        pooled: list[Cell] = []
        for name in _POOLED:
            pooled += [getattr(self.quality, name), *ends(getattr(self.quality, f"{name}_ci95"))]
        measure = self.measured.measure
        return (
            *(measure.name, self.measured.key, measure.direction, self.quality.n_points),
            *pooled,
            *(self.within.spearman, *ends(self.within.spearman_ci95), self.within.between),
        )


def follow(measured: Measured, errors_mm: NDArray[np.float64], weights: NDArray[np.float64]) -> Followed:
    """Compare a measure with the errors.

    Args:
        measured: the measure in F films.
        errors_mm: (F, L) radial errors, NaN where there is none.
        weights: (B, F) resamples of the films, from ``bootstrap.film_weights``.
    """
    return Followed(
        measured,
        errors_mm,
        measure_quality(errors_mm, measured.values, measured.measure.direction, weights, in_mm=True),
        within_landmark(errors_mm, measured.values, weights),
    )


def best(found: Iterable[Followed], *, but: str = "") -> Followed | None:
    """The measure with the strongest pooled rank correlation, other than ``but``; None if there is none."""
    others = [one for one in found if one.measured.measure.name != but]
    return max(others, key=lambda one: one.strength, default=None)
