"""The values of the measures in a table of predictions, as the experiments compare them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty import MEASURES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.studies.case import PointTable
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
