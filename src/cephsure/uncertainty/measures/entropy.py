"""Entropy of the heat maps: over how much of the film the network spreads its belief."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.measures.measure import Measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.inference.samples import Samples


def mean_entropy(samples: Samples) -> NDArray[np.float64]:
    """Mean over the T samples of the Shannon entropy of each heat map's probability.

    The mean of the maps' entropies, not the entropy of their mixture: disagreement between samples is what
    the spread is for.

    Args:
        samples: T samples of L landmarks.

    Returns:
        (L,) float64 in nats.
    """
    mean: NDArray[np.float64] = np.asarray(samples.entropies, dtype=np.float64).mean(axis=0)
    return mean


ENTROPY = Measure(
    name="entropy",
    unit="nats",
    direction=1,
    title="entropy of the heat map",
    source="Shannon 1948, of the heat map's probability",
    compute=mean_entropy,
)
