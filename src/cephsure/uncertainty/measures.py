"""The measures of uncertainty: numbers a landmark that say how far to trust it, and their registry.

A new measure is a function from samples to a number a landmark with ``@measure(...)`` above it: predictions,
their JSON, the evaluation and the studies take it from there. Every function takes T samples of L landmarks
and returns (L,) float64; lengths are in the unit of the samples' positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

from cephsure.inference.samples import laid_together

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cephsure.inference.samples import HeatMaps, Samples

Unit = Literal["px", "nats", "none"]
Direction = Literal[-1, 1]
_Compute = TypeVar("_Compute", bound="Callable[[Samples], NDArray[np.float64] | None]")


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of uncertainty over samples.

    Attributes:
        name: the registry's key and the stem of the keys in JSON and CSV.
        unit: "px" for a length (it also has a value in mm where the scale is known), "nats", or "none".
        direction: +1 if a larger value means more uncertainty, -1 if it means less.
        title: what it is called in tables and figures.
        compute: from samples to (L,) values, or None where they lack what it needs.
        always: whether every prediction has it; the others stand only where they were asked for, or where the
            bundle knows its training films.
    """

    name: str
    unit: Unit
    direction: Direction
    title: str
    source: str
    compute: Callable[[Samples], NDArray[np.float64] | None]
    always: bool = True

    @property
    def is_length(self) -> bool:
        """Whether the measure is a length, so that it has a value in px and one in mm."""
        return self.unit == "px"

    def key(self, *, in_mm: bool) -> str:
        """Name of the measure's value in ``Measures``, JSON and CSV: lengths carry their unit, px or mm.

        >>> MEASURES["spread"].key(in_mm=True), MEASURES["entropy"].key(in_mm=True)
        ('spread_mm', 'entropy')
        """
        if not self.is_length:
            return self.name
        return f"{self.name}_mm" if in_mm else f"{self.name}_px"


MEASURES: dict[str, Measure] = {}
"""Every measure by its name, in the order of tables and files."""


def measure(
    *, unit: Unit, direction: Direction, title: str, source: str, always: bool = True
) -> Callable[[_Compute], _Compute]:
    """Enter a function in ``MEASURES`` under its own name; arguments as the attributes of ``Measure``."""

    def enter(compute: _Compute) -> _Compute:
        MEASURES[compute.__name__] = Measure(
            compute.__name__, unit, direction, title, source, compute, always
        )
        return compute

    return enter


def _mean(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean over the samples, the first axis."""
    return np.asarray(np.asarray(values, dtype=np.float64).mean(axis=0))


def mean_position(samples: Samples) -> NDArray[np.float64]:
    """(L, 2) mean (x, y) of the sampled positions, in their unit: the point a prediction returns."""
    return _mean(samples.positions_px)


def mean_distance(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """(L,) mean Euclidean distance of (T, L, 2) positions to their mean, in their unit; 0 for T = 1."""
    away = np.asarray(positions, dtype=np.float64) - _mean(positions)
    return _mean(np.hypot(away[..., 0], away[..., 1]))


@measure(
    unit="none",
    direction=-1,
    title="maximum heat-map activation",
    source="Drevický & Kodým 2020 (MHA; there of a single network, here the mean over the samples)",
)
def activation(samples: Samples) -> NDArray[np.float64]:
    """Mean over the samples of each heat map's maximum, in the unit of the recipe's maps."""
    return _mean(samples.activations)


@measure(
    unit="px",
    direction=1,
    title="spread of the samples",
    source="Drevický & Kodým 2020 (there called prediction variance; it is a mean distance, not a variance)",
)
def spread(samples: Samples) -> NDArray[np.float64]:
    """How far the members, or the stochastic passes, disagree: ``mean_distance`` of their positions."""
    return mean_distance(samples.positions_px)


@measure(
    unit="px",
    direction=1,
    title="expected radial error",
    source="of one map: McCouat & Voiculescu 2022; combined over samples by the law of total variance",
)
def raw_expected_error(samples: Samples) -> NDArray[np.float64]:
    """Expected distance of the landmark from the mean point, under the mixture of the T heat maps.

    Each map t says how far the landmark is expected from its *own* position y_t, e_t = E_t|u - y_t|; the
    prediction, though, is the mean position m. With e the mean of the e_t and s the mean of |y_t - m|
    (the spread), the triangle inequality bounds what is wanted, and the value returned always lies within:

        e - s  <=  (1/T) sum E_t|u - m|  <=  e + s,        returned: sqrt(e^2 + s^2).

    Where between the bounds is a matter of shape. Squared distances add up; mean distances do so where maps
    and positions are isotropic Gaussians: the mean distance of a Gaussian is sqrt(pi/2) times its standard
    deviation, a Gaussian cloud of Gaussians of one width is again one, and its variance is the sum of theirs.
    There the formula is exact for T without end, and for one sample it is e itself.
    """
    return np.hypot(_mean(samples.expected_errors_px), spread(samples))


@measure(
    unit="nats",
    direction=1,
    title="entropy of the heat map",
    source="Shannon 1948, of the heat map's probability",
)
def entropy(samples: Samples) -> NDArray[np.float64]:
    """Mean of the heat maps' entropies, in nats: the disagreement between them is what the spread is for."""
    return _mean(samples.entropies)


@measure(
    unit="px",
    direction=1,
    title="radius of the covariance's area",
    source="generalized variance: Wilks, Biometrika 24 (1932); here its fourth root, a length",
)
def covariance_radius(samples: Samples) -> NDArray[np.float64]:
    """Fourth root of the determinant of the samples' covariance (1/T): sqrt(s1 s2) of its principal SDs.

    The ellipse of one standard deviation has the area pi s1 s2; this is the radius of the circle of that
    area. Samples on one line have no area, so two samples always give 0, and so does one.
    """
    away = np.asarray(samples.positions_px, dtype=np.float64) - mean_position(samples)
    covariance = np.einsum("tli,tlj->lij", away, away) / len(away)
    determinant = np.maximum(np.linalg.det(covariance), 0.0)
    return np.zeros_like(determinant) if len(away) < 3 else determinant**0.25


def _together(samples: Samples) -> HeatMaps:
    """The annotators' maps laid together at the point; of one, its own."""
    maps = samples.maps or ()
    if samples.marks_px is None:
        return maps[0]
    count, landmarks = samples.marks_px.shape[1:3]
    moves = mean_position(samples) - samples.marks_px.mean(axis=0)
    return laid_together(maps, np.full((count, landmarks), 1.0 / count), moves)


@measure(
    unit="none",
    direction=-1,
    title="activation of the averaged heat map",
    source="E-MHA: Schobs, Swift & Lu, IEEE TMI 42 (2023); here of maps that sum to one",
    always=False,
)
def mixture_activation(samples: Samples) -> NDArray[np.float64] | None:
    """Probability of the most probable cell of the mean of the samples' heat maps, each made to sum to one.

    Where they lie apart, or each is low, it is low. None for samples without maps.
    """
    maps = samples.maps
    return (
        None
        if maps is None
        else np.asarray(_together(samples).probabilities.max(axis=(1, 2)), dtype=np.float64)
    )


@measure(
    unit="px",
    direction=1,
    title="expected error of the averaged heat map",
    source="of one map: McCouat & Voiculescu 2022; here of the samples' mixture",
    always=False,
)
def mixture_expected_error(samples: Samples) -> NDArray[np.float64] | None:
    """The expected error under the mean of the samples' heat maps itself; None for samples without maps."""
    return None if samples.maps is None else _together(samples).mean_distances(mean_position(samples))


@measure(
    unit="px",
    direction=1,
    title="spread under test-time augmentation",
    source="Wang et al., Neurocomputing 338 (2019)",
    always=False,
)
def augmentation_spread(samples: Samples) -> NDArray[np.float64] | None:
    """Mean distance of the positions on augmented copies of the film to their mean.

    The copies are turned, moved and bent in their greys a little (``inference.test_time_augmentation``); the
    network is the first one, without dropout. None where no augmented copies were looked at.
    """
    augmented = samples.augmented_positions_px
    return None if augmented is None else mean_distance(augmented)


@measure(
    unit="none",
    direction=1,
    title="shape residual, SD",
    source="conditional Gaussian of shapes: Dryden & Mardia, Statistical Shape Analysis (2016)",
    always=False,
)
def shape_residual(samples: Samples) -> NDArray[np.float64] | None:
    """Distance of each mean point from where all the others expect it, in standard deviations.

    Under a Gaussian model of the training films' annotation, pose and size taken away
    (``ShapeModel.standard_residuals``): about 1 in root mean square on films like the training films.
    None for a bundle that does not know them.
    """
    return samples.shape_residuals


@measure(
    unit="none",
    direction=1,
    title="distance from the training films' features",
    source="Lee et al., NeurIPS 2018, with one class",
    always=False,
)
def feature_distance(samples: Samples) -> NDArray[np.float64] | None:
    """Mahalanobis distance of the network's pooled deepest features, the same for every landmark.

    About 1 in root mean square on the training films; None where it was not asked for, or for a bundle that
    does not know them.
    """
    distance = samples.feature_distance
    return None if distance is None else np.full(samples.positions_px.shape[1], distance)


ALWAYS: tuple[Measure, ...] = tuple(measure for measure in MEASURES.values() if measure.always)
"""Those that every prediction has: what a calibration may build on."""

ALWAYS_IN_MM = tuple(measure.key(in_mm=True) for measure in ALWAYS)
"""Their keys, of lengths in mm."""
