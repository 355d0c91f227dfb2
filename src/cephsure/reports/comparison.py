"""One film's points beside the true ones: how far off each is, and whether its region holds the true one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.regions import holds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.inference.samples import HeatMaps
    from cephsure.uncertainty import Prediction

    Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One film's prediction beside points that count as true.

    Attributes:
        truth_px: (L, 2) true points in px of the film, NaN where there is none.
        truth_of: whose they are, in words.
        maps: a heat map a landmark, on the film; None where they were not asked for.
    """

    prediction: Prediction
    truth_px: Array
    truth_of: str
    maps: HeatMaps | None = None

    @property
    def unit(self) -> str:
        """Of the errors: "mm", or "px" where the film's scale is unknown."""
        return "px" if self.prediction.film.mm_per_px is None else "mm"

    @property
    def errors(self) -> Array:
        """(L,) distance of each point from the true one, in ``unit``; NaN where there is none."""
        away = (self.prediction.points_px - self.truth_px) * (self.prediction.film.mm_per_px or 1.0)
        return np.asarray(np.hypot(away[:, 0], away[:, 1]))

    @property
    def in_regions(self) -> tuple[bool | None, ...]:
        """(L,) whether each region holds the true point; None where there is no region, or no true point."""
        return tuple(
            None if mark.region is None or np.isnan(true).any() else holds(mark.region, true)
            for mark, true in zip(self.prediction.landmarks, self.truth_px, strict=True)
        )

    @property
    def missing(self) -> tuple[str, ...]:
        """Codes of the points of which the true one is not known."""
        known = np.isfinite(self.errors).tolist()
        marks = zip(self.prediction.landmarks, known, strict=True)
        return tuple(mark.code for mark, is_known in marks if not is_known)

    def worst(self, count: int) -> tuple[int, ...]:
        """Places of the points that are farthest off, the worst first."""
        errors = self.errors
        known = np.flatnonzero(np.isfinite(errors))
        return tuple(known[np.argsort(-errors[known], kind="stable")][:count].tolist())

    @property
    def sentences(self) -> tuple[str, ...]:
        """The mean radial error, that of the accepted points, and which true points are missing."""
        missing = ", ".join(self.missing)
        return (self._mean_error(), *([f"no true point: {missing}"] if missing else []))

    def _mean_error(self) -> str:
        errors = self.errors
        known = np.isfinite(errors)
        if not known.any():
            return "mean radial error: no true point is known"
        said = f"mean radial error {errors[known].mean():.2f} {self.unit} of {_points(int(known.sum()))}"
        accepted = known & [mark.verdict == "accept" for mark in self.prediction.landmarks]
        if accepted.any():
            mean, count = errors[accepted].mean(), int(accepted.sum())
            said += f", {mean:.2f} {self.unit} of the {count} accepted"
        return said


def _points(count: int) -> str:
    return f"{count} point{'' if count == 1 else 's'}"
