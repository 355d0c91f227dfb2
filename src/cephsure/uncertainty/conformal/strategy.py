"""What a kind of region is: a score for a position, and the area of all positions with no larger a score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cephsure.uncertainty.calibration.film_errors import FilmErrors
    from cephsure.uncertainty.prediction import Region, RegionKind


class Strategy(Protocol):
    """A kind of region.

    A position is in the region for a bound exactly if its score is at most the bound: that is all that the
    promise of coverage needs, whatever the score is.

    """

    @property
    def kind(self) -> RegionKind:
        """Its name in files and options."""

    title: str
    """What it is called in tables."""

    needs_maps: bool
    """Whether it needs a film's heat maps."""

    def scores(self, film: FilmErrors, positions_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """How badly positions fit: (L,) scores of (L, 2) positions, one a landmark; NaN for NaN."""

    def area_mm2(self, film: FilmErrors, landmark: int, bound: float) -> float:
        """Area of the region of a finite ``bound``."""

    def region(self, film: FilmErrors, landmark: int, bound: float, level: float) -> Region:
        """All positions of a landmark (an index) with a score of at most a finite ``bound``."""
