"""Expected radial error of the returned point: what the heat maps expect, and the samples' disagreement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.measures.mean_point import mean_distance
from cephsure.uncertainty.measures.measure import Measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.inference.samples import Samples


def expected_error(samples: Samples) -> NDArray[np.float64]:
    """Expected distance of the landmark from the mean point, under the mixture of the T heat maps.

    Each map t says how far the landmark is expected from its *own* position y_t, e_t = E_t|u - y_t|; the
    prediction, though, is the mean position m. With e the mean of the e_t and s the mean of |y_t - m|
    (the spread), the triangle inequality bounds what is wanted, and the value returned always lies within:

        e - s  <=  (1/T) sum E_t|u - m|  <=  e + s,        returned: sqrt(e^2 + s^2).

    Where between the bounds is a matter of shape. Squared distances add up; mean distances do so where maps
    and positions are isotropic Gaussians: the mean distance of a Gaussian is sqrt(pi/2) times its standard
    deviation, a Gaussian cloud of Gaussians of one width is again one, and its variance is the sum of theirs.
    There the formula is exact for T without end, and for one sample it is e itself.

    Args:
        samples: T samples of L landmarks.

    Returns:
        (L,) float64 in the unit of the samples' positions.
    """
    within: NDArray[np.float64] = np.asarray(samples.expected_errors_px, dtype=np.float64).mean(axis=0)
    total: NDArray[np.float64] = np.hypot(within, mean_distance(samples))
    return total


EXPECTED_ERROR = Measure(
    name="expected_error",
    unit="px",
    direction=1,
    title="expected radial error",
    source="of one map: McCouat & Voiculescu 2022; combined over samples by the law of total variance",
    compute=expected_error,
)
