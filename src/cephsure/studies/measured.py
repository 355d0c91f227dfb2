"""The measures in a table of predictions, and how each goes with the error."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.quality import measure_quality
from cephsure.studies.statistics.trends import WithinLandmark, within_landmark
from cephsure.studies.wording import ends
from cephsure.uncertainty import MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from cephsure.evaluation.result import MeasureQuality
    from cephsure.studies.cases import PointTable
    from cephsure.studies.result import Cell
    from cephsure.uncertainty import Measure

# Stored values have seven significant digits: what varies less than this is a constant.
_CONSTANT = 1e-6


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure in N cases.

    Attributes:
        measure: which.
        key: name of the values as in a prediction's JSON ("spread_mm", "entropy").
        values: (N, L), NaN where there is none.
    """

    measure: Measure
    key: str
    values: NDArray[np.float64]

    @property
    def turned(self) -> NDArray[np.float64]:
        """The values, turned so that larger means more uncertain."""
        return self.measure.direction * self.values

    def of(self, values: NDArray[np.float64]) -> Measured:
        """The same measure with other values, such as those of some films."""
        return replace(self, values=values)

    @property
    def label(self) -> str:
        """Title and unit, for an axis."""
        unit = self.key.rsplit("_", 1)[-1] if self.measure.is_length else self.measure.unit
        return f"{self.measure.title} [{unit}]" if unit != "none" else self.measure.title


def measured(table: PointTable, *, in_mm: bool = True) -> dict[str, Measured]:
    """The measures that say something in a table, by name, in the registry's order.

    A measure that is the same for every point (the spread of a single network is 0) or that was not stored
    is left out: it has no correlation.

    Args:
        table: predictions of N cases.
        in_mm: take a length in mm if any case has a scale (cases without have NaN then), else in px.

    Returns:
        The measures with their values.
    """
    scaled = in_mm and bool(np.isfinite(table.mm_per_px).any())
    found = {}
    for name, measure in MEASURES.items():
        key = measure.key(in_mm=scaled)
        values = table.measures.get(key)
        if values is not None and not _is_constant(values):
            found[name] = Measured(measure, key, values)
    return found


def _is_constant(values: NDArray[np.float64]) -> bool:
    there = values[np.isfinite(values)]
    return there.size == 0 or bool(np.ptp(there) <= _CONSTANT * np.abs(there).max())


_POOLED = ("pearson", "spearman", "auc_2mm", "auc_4mm")
CORRELATION_COLUMNS = (
    *("measure", "key", "direction", "n_points"),
    *(f"{name}{end}" for name in _POOLED for end in ("", "_low", "_high")),
    *("within_spearman", "within_spearman_low", "within_spearman_high", "between_spearman"),
)
"""Names of ``ErrorCorrelation.record``."""

CORRELATION_NOTE = (
    "Point by point, unbinned; intervals 95 %, films resampled. pearson and spearman: of the measure with "
    "the radial error over all points, negative for a measure that falls with uncertainty. auc: area under "
    "the ROC curve for finding errors over 2 and 4 mm. within_spearman: mean over the landmarks of the rank "
    "correlation within each; between_spearman: of the landmarks' mean errors with their mean values."
)
"""How to read them."""


@dataclass(frozen=True, slots=True)
class ErrorCorrelation:
    """One measure beside the radial errors.

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

    def record(self) -> dict[str, Cell]:
        """The figures by name: ``CORRELATION_COLUMNS``."""
        measure, quality, within = self.measured.measure, self.quality, self.within
        cells: list[Cell] = [measure.name, self.measured.key, measure.direction, quality.n_points]
        for name in _POOLED:
            cells += [getattr(quality, name), *ends(getattr(quality, f"{name}_ci95"))]
        cells += [within.spearman, *ends(within.spearman_ci95), within.between]
        return dict(zip(CORRELATION_COLUMNS, cells, strict=True))

    def cells(self) -> tuple[Cell, ...]:
        """The figures, as ``CORRELATION_COLUMNS`` names them."""
        return tuple(self.record().values())


def correlate_with_error(
    measured: Measured, errors_mm: NDArray[np.float64], weights: NDArray[np.float64]
) -> ErrorCorrelation:
    """Compare a measure with the errors.

    Args:
        measured: the measure in F films.
        errors_mm: (F, L) radial errors, NaN where there is none.
        weights: (B, F) resamples of the films, from ``bootstrap.film_weights``.
    """
    return ErrorCorrelation(
        measured,
        errors_mm,
        measure_quality(errors_mm, measured.values, measured.measure.direction, weights, in_mm=True),
        within_landmark(errors_mm, measured.values, weights),
    )


def strongest(found: Iterable[ErrorCorrelation], *, but: str = "") -> ErrorCorrelation | None:
    """The measure with the strongest pooled rank correlation, other than ``but``; None if there is none."""
    others = [one for one in found if one.measured.measure.name != but]
    return max(others, key=lambda one: one.strength, default=None)
