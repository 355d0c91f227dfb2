"""Residual of the shape: how far a landmark lies from where all the others expect it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cephsure.uncertainty.measures.measure import Measure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cephsure.inference.samples import Samples


def shape_residual(samples: Samples) -> NDArray[np.float64] | None:
    """Distance of each mean point from its expectation given the others, in standard deviations.

    Under a Gaussian model of the training films' annotation, pose and size taken away
    (``ShapeModel.standard_residuals``).

    Args:
        samples: samples of L landmarks.

    Returns:
        (L,) float64, about 1 in root mean square on films like the training films; None for a bundle that
        does not know them.
    """
    return samples.shape_residuals


SHAPE_RESIDUAL = Measure(
    name="shape_residual",
    unit="none",
    direction=1,
    title="shape residual, SD",
    source="conditional Gaussian of shapes: Dryden & Mardia, Statistical Shape Analysis (2016)",
    compute=shape_residual,
    always=False,
)
