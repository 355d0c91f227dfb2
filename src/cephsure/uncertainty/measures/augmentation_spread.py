"""Spread under test-time augmentation: whether a network finds the same on augmented copies of the film."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.uncertainty.measures.mean_point import mean_distance_of
from cephsure.uncertainty.measures.measure import Measure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cephsure.inference.samples import Samples


def augmentation_spread(samples: Samples) -> NDArray[np.float64] | None:
    """Mean distance of the positions on K augmented copies to their mean.

    They are turned, moved and bent in their greys a little: see ``inference.test_time_augmentation``. The
    network is the first one, without dropout.

    Args:
        samples: samples of L landmarks.

    Returns:
        (L,) float64 in the unit of the samples' positions; None where no augmented copies were looked at.
    """
    augmented = samples.augmented_positions_px
    return None if augmented is None else mean_distance_of(augmented)


AUGMENTATION_SPREAD = Measure(
    name="augmentation_spread",
    unit="px",
    direction=1,
    title="spread under test-time augmentation",
    source="Wang et al., Neurocomputing 338 (2019)",
    compute=augmentation_spread,
    always=False,
)
