"""The measures of uncertainty, each one small file, and their registry.

A new measure is a file with a ``Measure`` and its name in ``MEASURES``: predictions, their JSON and the
evaluation take it from there.
"""

from cephsure.uncertainty.measures.activation import ACTIVATION
from cephsure.uncertainty.measures.augmentation_spread import AUGMENTATION_SPREAD
from cephsure.uncertainty.measures.covariance_radius import COVARIANCE_RADIUS
from cephsure.uncertainty.measures.entropy import ENTROPY
from cephsure.uncertainty.measures.expected_error import EXPECTED_ERROR
from cephsure.uncertainty.measures.feature_distance import FEATURE_DISTANCE
from cephsure.uncertainty.measures.mean_point import mean_position
from cephsure.uncertainty.measures.measure import Measure
from cephsure.uncertainty.measures.mixture_activation import MIXTURE_ACTIVATION
from cephsure.uncertainty.measures.mixture_expected_error import MIXTURE_EXPECTED_ERROR
from cephsure.uncertainty.measures.shape_residual import SHAPE_RESIDUAL
from cephsure.uncertainty.measures.spread import SPREAD

MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        *(ACTIVATION, SPREAD, EXPECTED_ERROR, ENTROPY, COVARIANCE_RADIUS),
        *(MIXTURE_ACTIVATION, MIXTURE_EXPECTED_ERROR, AUGMENTATION_SPREAD, SHAPE_RESIDUAL, FEATURE_DISTANCE),
    )
}
"""Every measure by its name, in the order of tables and files."""

ALWAYS: tuple[Measure, ...] = tuple(measure for measure in MEASURES.values() if measure.always)
"""Those that every prediction has: what a calibration may build on."""

__all__ = ["ALWAYS", "MEASURES", "Measure", "mean_position"]
