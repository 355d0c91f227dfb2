"""Distance of the film's features from the training films': has the network seen such a film before?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.measures.measure import Measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.inference.samples import Samples


def feature_distance(samples: Samples) -> NDArray[np.float64] | None:
    """Mahalanobis distance of the network's pooled deepest features, the same for every landmark.

    Args:
        samples: samples of L landmarks.

    Returns:
        (L,) float64, about 1 in root mean square on the training films; None where it was not asked for, or
        for a bundle that does not know them.
    """
    if samples.feature_distance is None:
        return None
    return np.full(samples.positions_px.shape[1], samples.feature_distance)


FEATURE_DISTANCE = Measure(
    name="feature_distance",
    unit="none",
    direction=1,
    title="distance from the training films' features",
    source="Lee et al., NeurIPS 2018, with one class",
    compute=feature_distance,
    always=False,
)
