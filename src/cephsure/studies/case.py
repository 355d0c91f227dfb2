"""One film to be predicted in an experiment: which, under which condition, and how it is come by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cephsure.films import Film


@dataclass(frozen=True, slots=True)
class Case:
    """A film under a condition. The film is read or made only when a model has to predict it.

    Attributes:
        film_id: name of the film (of the data set, or of the CT).
        condition: what was done to it, e.g. "70" for a magnitude or "-12" for an angle; "" for nothing.
        film: makes the film.
        facing: which way the head faces; "auto" lets the model find out, as for a user.
        polarity: whether bone is bright; "auto" lets the model find out.
    """

    film_id: str
    condition: str
    film: Callable[[], Film]
    facing: Literal["auto", "right", "left"] = "auto"
    polarity: Literal["auto", "positive", "negative"] = "auto"

    @property
    def key(self) -> tuple[str, str]:
        """What names the case in a table."""
        return (self.film_id, self.condition)


@dataclass(frozen=True, slots=True)
class PointTable:
    """What one model found in N cases with L landmarks each. The truth is not in it: data sets keep theirs.

    Attributes:
        keys: N pairs (film_id, condition).
        numbers: the L landmarks' numbers.
        points_px: (N, L, 2) predicted points in px of the film as it was given to the model.
        mm_per_px: (N, 2) scale, NaN where unknown.
        measures: by key as in the prediction's JSON ("activation", "spread_px", "spread_mm", ...), (N, L),
            NaN where there is none.
    """

    keys: tuple[tuple[str, str], ...]
    numbers: tuple[int, ...]
    points_px: NDArray[np.float64]
    mm_per_px: NDArray[np.float64]
    measures: dict[str, NDArray[np.float64]]

    def __len__(self) -> int:
        """The number of cases."""
        return len(self.keys)

    @property
    def film_ids(self) -> tuple[str, ...]:
        """Each case's film."""
        return tuple(film_id for film_id, _ in self.keys)

    @property
    def conditions(self) -> tuple[str, ...]:
        """Each case's condition."""
        return tuple(condition for _, condition in self.keys)

    def where(self, chosen: NDArray[np.bool_]) -> PointTable:
        """Only the cases marked in ``chosen`` (N,)."""
        return PointTable(
            tuple(key for key, kept in zip(self.keys, chosen, strict=True) if kept),
            self.numbers,
            self.points_px[chosen],
            self.mm_per_px[chosen],
            {name: values[chosen] for name, values in self.measures.items()},
        )

    def of_condition(self, condition: str) -> PointTable:
        """Only the cases of one condition."""
        return self.where(np.array([found == condition for found in self.conditions], dtype=bool))

    def errors_mm(self, truth_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, L) radial errors in mm against ``truth_px`` (N, L, 2); NaN without a truth or a scale."""
        away_mm = (self.points_px - truth_px) * self.mm_per_px[:, np.newaxis, :]
        errors: NDArray[np.float64] = np.hypot(away_mm[..., 0], away_mm[..., 1])
        return errors
