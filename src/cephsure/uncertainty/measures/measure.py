"""What a measure of uncertainty is: a number per landmark, its unit and which way it points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from cephsure.inference.samples import Samples

Unit = Literal["px", "nats", "none"]
Direction = Literal[-1, 1]


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of uncertainty over samples.

    Attributes:
        name: the registry's key and the stem of the keys in JSON and CSV.
        unit: "px" for a length (it also has a value in mm where the scale is known), "nats", or "none".
        direction: +1 if a larger value means more uncertainty, -1 if it means less.
        title: what it is called in tables and figures.
        source: where it comes from.
        compute: from samples to (L,) float64 values, or None where they lack what it needs. Lengths come out
            in the unit of the samples' positions.
        always: whether every prediction has it; the others stand only where they were asked for, or where the
            bundle knows its training films.
    """

    name: str
    unit: Unit
    direction: Direction
    title: str
    source: str
    compute: Callable[[Samples], NDArray[np.float64] | None]
    always: bool = True

    @property
    def is_length(self) -> bool:
        """Whether the measure is a length, so that it has a value in px and one in mm."""
        return self.unit == "px"

    def key(self, *, in_mm: bool) -> str:
        """Name of the measure's value in ``Measures``, JSON and CSV: lengths carry their unit.

        Args:
            in_mm: for a length, whether its value in millimetres is meant; no effect on other measures.

        Examples:
            >>> from cephsure.uncertainty.measures import MEASURES
            >>> MEASURES["spread"].key(in_mm=True), MEASURES["entropy"].key(in_mm=True)
            ('spread_mm', 'entropy')
        """
        if not self.is_length:
            return self.name
        return f"{self.name}_mm" if in_mm else f"{self.name}_px"
