"""Expected radial error of the averaged heat map: how far its mass lies from the returned point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.uncertainty.measures.mean_point import mean_position
from cephsure.uncertainty.measures.measure import Measure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cephsure.inference.samples import Samples


def mixture_expected_error(samples: Samples) -> NDArray[np.float64] | None:
    """Mean distance of the landmark from the mean point, under the mean of the T samples' heat maps.

    What ``expected_error`` puts together from the samples' own figures, taken from their mixture itself.

    Args:
        samples: T samples of L landmarks.

    Returns:
        (L,) float64 in the unit of the samples' positions; None for samples without maps.
    """
    return None if samples.maps is None else samples.maps.mean_distances(mean_position(samples))


MIXTURE_EXPECTED_ERROR = Measure(
    name="mixture_expected_error",
    unit="px",
    direction=1,
    title="expected error of the averaged heat map",
    source="of one map: McCouat & Voiculescu 2022; here of the samples' mixture",
    compute=mixture_expected_error,
    always=False,
)
