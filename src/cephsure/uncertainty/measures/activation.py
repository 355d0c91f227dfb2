"""Maximum heat-map activation: how strongly the network answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.measures.measure import Measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.inference.samples import Samples


def mean_activation(samples: Samples) -> NDArray[np.float64]:
    """Mean over the T samples of each heat map's maximum.

    Args:
        samples: T samples of L landmarks.

    Returns:
        (L,) float64, in the unit of the recipe's maps.
    """
    mean: NDArray[np.float64] = np.asarray(samples.activations, dtype=np.float64).mean(axis=0)
    return mean


ACTIVATION = Measure(
    name="activation",
    unit="none",
    direction=-1,
    title="maximum heat-map activation",
    source="Drevický & Kodým 2020 (MHA; there of a single network, here the mean over the samples)",
    compute=mean_activation,
)
