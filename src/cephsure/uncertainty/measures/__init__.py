"""The measures of uncertainty, each one small file, and their registry.

A new measure is a file with a ``Measure`` and its name in ``MEASURES``: predictions, their JSON and the
evaluation take it from there.
"""

from cephsure.uncertainty.measures.activation import ACTIVATION
from cephsure.uncertainty.measures.covariance_radius import COVARIANCE_RADIUS
from cephsure.uncertainty.measures.entropy import ENTROPY
from cephsure.uncertainty.measures.expected_error import EXPECTED_ERROR
from cephsure.uncertainty.measures.mean_point import mean_position
from cephsure.uncertainty.measures.measure import Measure
from cephsure.uncertainty.measures.spread import SPREAD

MEASURES: dict[str, Measure] = {
    measure.name: measure for measure in (ACTIVATION, SPREAD, EXPECTED_ERROR, ENTROPY, COVARIANCE_RADIUS)
}
"""Every measure by its name, in the order of tables and files."""

__all__ = ["MEASURES", "Measure", "mean_position"]
