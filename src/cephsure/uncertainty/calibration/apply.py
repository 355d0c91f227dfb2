"""A calibration applied to a prediction: expected errors in millimetres, covariances and regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cephsure.errors import InputError
from cephsure.uncertainty.calibration.film_errors import film_errors
from cephsure.uncertainty.conformal import STRATEGIES, check_level
from cephsure.uncertainty.measures import ALWAYS
from cephsure.uncertainty.prediction import Region

if TYPE_CHECKING:
    from cephsure.inference.heat_maps import HeatMaps
    from cephsure.uncertainty.calibration.calibration import Calibration
    from cephsure.uncertainty.prediction import Pair, Prediction, RegionKind

DEFAULT_LEVEL = 0.9


def calibrated(
    prediction: Prediction,
    calibration: Calibration,
    *,
    maps: HeatMaps | None = None,
    level: float = DEFAULT_LEVEL,
    kind: RegionKind | None = None,
) -> Prediction:
    """Add to a prediction what a calibration knows.

    Args:
        prediction: of the model that the calibration is for.
        calibration: the calibration.
        maps: the film's heat maps, for regions of highest density.
        level: the probability with which each region holds the true point.
        kind: the kind of region; by default the calibration's own.

    Returns:
        The prediction with expected errors, covariances and regions. Without a scale it is returned as it is:
        millimetres are not known, and they are not guessed.

    Raises:
        InputError: the level does not lie between 0 and 1, or the calibration has no regions of this kind.
    """
    check_level(level)
    chosen = region_kind(calibration, kind)
    if prediction.film.mm_per_px is None:
        return prediction
    keys = [measure.key(in_mm=True) for measure in ALWAYS]
    measures = {key: prediction.measured(key) for key in keys}
    points_px, scale = prediction.points_px, prediction.upright_mm_per_px
    errors = film_errors(calibration.landmarks, measures, points_px=points_px, upright_mm_per_px=scale)
    shapes = film_errors(
        calibration.regions.landmarks, measures, points_px=points_px, upright_mm_per_px=scale, maps=maps
    )
    strategy, bounds = STRATEGIES[chosen], calibration.regions.bounds(chosen, level)
    whole = Region(level=level, kind=chosen, whole_film=True)
    return prediction.model_copy(
        update={
            "landmarks": tuple(
                landmark.model_copy(
                    update={
                        "expected_error_mm": float(errors.expected_mm[index]),
                        "error_covariance_mm2": _rows(errors.second_moments_mm2[index].tolist()),
                        "region": strategy.region(shapes, index, float(bounds[index]), level)
                        if np.isfinite(bounds[index])
                        else whole,
                    }
                )
                for index, landmark in enumerate(prediction.landmarks)
            )
        }
    )


def region_kind(calibration: Calibration, kind: RegionKind | None) -> RegionKind:
    """The kind of region that is asked for, or the calibration's own.

    Raises:
        InputError: the calibration has no regions of this kind.
    """
    known = calibration.regions.scores
    if kind is not None and kind not in known:
        raise InputError(
            f"the calibration has no regions of the kind {kind!r}", remedy=f"it has: {', '.join(known)}"
        )
    return calibration.regions.default if kind is None else kind


def _rows(matrix: list[list[float]]) -> tuple[Pair, Pair]:
    (xx, xy), (yx, yy) = matrix
    return (xx, xy), (yx, yy)
