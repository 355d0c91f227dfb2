"""The measures in a table of predictions, and how each goes with the error."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cephsure.evaluation.quality import measure_quality
from cephsure.studies.result import with_ends, with_interval
from cephsure.studies.statistics.trends import WithinLandmark, within_landmark
from cephsure.uncertainty import MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    is left out: it has no correlation. Where ``in_mm``, a length is in mm if any case has a scale (cases
    without have NaN then); else it is in px.
    """
    scaled = in_mm and bool(np.isfinite(table.mm_per_px).any())
    found = {}
    for name, measure in MEASURES.items():
        key = measure.key(in_mm=scaled)
        values = table.measures.get(key, np.array(np.nan))
        there = values[np.isfinite(values)]
        if there.size and np.ptp(there) > _CONSTANT * np.abs(there).max():
            found[name] = Measured(measure, key, values)
    return found


_POOLED = ("pearson", "spearman", "auc_2mm", "auc_4mm")

CORRELATION_NOTE = (
    "Point by point, unbinned; intervals 95 %, films resampled. pearson and spearman: of the measure with "
    "the radial error over all points, negative for a measure that falls with uncertainty. auc: area under "
    "the ROC curve for finding errors over 2 and 4 mm. within_spearman: mean over the landmarks of the rank "
    "correlation within each; between_spearman: of the landmarks' mean errors with their mean values."
)
"""How to read ``MeasureCorrelation.record``."""


@dataclass(frozen=True, slots=True, eq=False)
class MeasureCorrelation:
    """One measure beside the lengths that it should follow: radial errors, or how far observers disagree.

    Attributes:
        lengths_mm: (F, L), NaN where there is none.
        quality: over all points pooled.
        within: landmark by landmark.
    """

    measured: Measured
    lengths_mm: NDArray[np.float64]
    quality: MeasureQuality
    within: WithinLandmark

    @property
    def strength(self) -> float:
        """The pooled rank correlation, turned so that larger is better; −1 where it is not defined."""
        rank = self.quality.spearman
        return -1.0 if rank is None else self.measured.measure.direction * rank

    def record(self, *, names: Sequence[str] = _POOLED) -> dict[str, Cell]:
        """The figures by name, of those over all points the ``names``; see ``CORRELATION_NOTE``."""
        measure, quality, within = self.measured.measure, self.quality, self.within
        record: dict[str, Cell] = {"measure": measure.name, "key": self.measured.key}
        record |= {"direction": measure.direction, "n_points": quality.n_points}
        for name in names:
            record |= with_ends(name, getattr(quality, name), getattr(quality, f"{name}_ci95"))
        record |= with_ends("within_spearman", within.spearman, within.spearman_ci95)
        return record | {"between_spearman": within.between}

    def said(self, *, pearson: bool = False) -> str:
        """Number of points and coefficients in lines, for the corner of a panel."""
        quality, within = self.quality, self.within
        lines = [f"n = {quality.n_points}"]
        if pearson:
            lines.append(f"Pearson r = {with_interval(quality.pearson, quality.pearson_ci95)}")
        lines.append(f"Spearman = {with_interval(quality.spearman, quality.spearman_ci95)}")
        lines.append(f"within a landmark = {with_interval(within.spearman, within.spearman_ci95)}")
        return "\n".join(lines)


def correlate(
    measured: Measured,
    lengths_mm: NDArray[np.float64],
    weights: NDArray[np.float64],
    *,
    large_errors: bool = True,
) -> MeasureCorrelation:
    """Compare a measure in F films with the errors (F, L), or with other lengths; NaN where there is none.

    ``weights`` (B, F) are resamples of the films, from ``bootstrap.film_weights``; ``large_errors`` says
    whether the areas for errors over 2 and 4 mm are wanted.
    """
    values, direction = measured.values, measured.measure.direction
    quality = measure_quality(lengths_mm, values, direction, weights, in_mm=large_errors)
    return MeasureCorrelation(measured, lengths_mm, quality, within_landmark(lengths_mm, values, weights))


def strongest(found: Iterable[MeasureCorrelation], *, but: str = "") -> MeasureCorrelation | None:
    """The measure with the strongest pooled rank correlation, other than ``but``; None if there is none."""
    others = [each for each in found if each.measured.measure.name != but]
    return max(others, key=lambda each: each.strength, default=None)
