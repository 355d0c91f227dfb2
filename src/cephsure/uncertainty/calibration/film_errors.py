"""What a calibration expects of one film's errors: all that the regions are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.calibration.landmark import expected_errors_mm, offsets_mm, relative_covariances

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from cephsure.inference.heat_maps import HeatMaps
    from cephsure.uncertainty.calibration.landmark import LandmarkCalibration


@dataclass(frozen=True, slots=True)
class FilmErrors:
    """One film with a scale: its points, and the errors expected of them.

    Attributes:
        points_px: (L, 2) found positions in px of the film as given.
        upright_mm_per_px: (2,) what a px is on the upright film in mm, negative along x for a film that faces
            left.
        expected_mm: (L,) expected radial errors.
        offsets_mm: (L, 2) systematic part of found minus true position, on the upright film.
        covariances_mm2: (L, 2, 2) second moments of the rest, on the upright film.
        temperatures: (L,) of the heat maps.
        maps: the film's heat maps, or None.
    """

    points_px: NDArray[np.float64]
    upright_mm_per_px: NDArray[np.float64]
    expected_mm: NDArray[np.float64]
    offsets_mm: NDArray[np.float64]
    covariances_mm2: NDArray[np.float64]
    temperatures: NDArray[np.float64]
    maps: HeatMaps | None = None

    @property
    def centres_px(self) -> NDArray[np.float64]:
        """(L, 2) the points without their systematic offsets."""
        return self.points_px - self.offsets_mm / self.upright_mm_per_px

    @property
    def second_moments_mm2(self) -> NDArray[np.float64]:
        """(L, 2, 2) second moments of the error about the given point, along the given film's axes."""
        about = self.covariances_mm2 + self.offsets_mm[:, :, None] * self.offsets_mm[:, None, :]
        signs = np.sign(self.upright_mm_per_px)
        moments: NDArray[np.float64] = about * signs[:, None] * signs
        return moments


def film_errors(
    landmarks: Sequence[LandmarkCalibration],
    measures: Mapping[str, NDArray[np.float64]],
    *,
    points_px: NDArray[np.float64],
    upright_mm_per_px: NDArray[np.float64],
    maps: HeatMaps | None = None,
) -> FilmErrors:
    """Apply L landmarks' parameters to one film.

    Args:
        landmarks: the parameters.
        measures: key -> (L,) the film's measures.
        points_px: (L, 2) found positions.
        upright_mm_per_px: (2,) as in ``FilmErrors``.
        maps: the film's heat maps, where they are wanted.

    Returns:
        What is expected of the film.
    """
    expected = expected_errors_mm(landmarks, measures)
    return FilmErrors(
        points_px=points_px,
        upright_mm_per_px=upright_mm_per_px,
        expected_mm=expected,
        offsets_mm=offsets_mm(landmarks),
        covariances_mm2=relative_covariances(landmarks) * expected[:, None, None] ** 2,
        temperatures=np.array([one.temperature for one in landmarks]),
        maps=maps,
    )
