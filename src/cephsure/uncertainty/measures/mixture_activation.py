"""Activation of the averaged heat map: how high the samples' maps rise together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.measures.measure import Measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.inference.samples import Samples


def mixture_activation(samples: Samples) -> NDArray[np.float64] | None:
    """Maximum of the mean of the T samples' heat maps, each made to sum to one.

    Maps that agree keep their height; where they lie apart, or each is low, the mean is low.

    Args:
        samples: T samples of L landmarks.

    Returns:
        (L,) float64, the probability of the most probable cell; None for samples without maps.
    """
    if samples.maps is None:
        return None
    highest: NDArray[np.float64] = samples.maps.probabilities.max(axis=(1, 2)).astype(np.float64)
    return highest


MIXTURE_ACTIVATION = Measure(
    name="mixture_activation",
    unit="none",
    direction=-1,
    title="activation of the averaged heat map",
    source="E-MHA: Schobs, Swift & Lu, IEEE TMI 42 (2023); here of maps that sum to one",
    compute=mixture_activation,
    always=False,
)
