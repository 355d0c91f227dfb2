"""Signs of a film that should not be evaluated by itself: numbers that are known without any true point.

Each sign rises with how strange a film is. What is normal is not written down here: it is learned from the
calibration films, sign by sign (``strangeness``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.gate.sharpness import PITCH_MM, sharpness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.films import Film
    from cephsure.uncertainty.prediction import Prediction
    from cephsure.uncertainty.shape_fit import ShapeModel

SIGN_WEIGHTS = {
    "shape": 1.0,
    "misfit": 0.6,
    "narrowed": 0.5,
    "uncertain": 0.7,
    "worst_uncertain": 0.6,
    "bilateral": 0.5,
    "disagreement": 0.7,
    "worst_disagreement": 0.6,
    "blurred": 0.5,
    "grainy": 0.5,
}
"""How much a sign's deviation counts beside the others'. A head out of shape is told by a small deviation, a
blurred or noisy film deviates by much anyway, so the latter need more. The weights were chosen by how many
strange films were found: eight films of Test1, distorted, blurred or noisy, and pictures that are no
cephalograms. The exact false-alarm rate does not depend on them."""

SIGNS = tuple(SIGN_WEIGHTS)
"""In the order of ``film_signs``:

- shape: how implausible the landmarks are as a head (logarithm of the shape model's score);
- misfit: how badly the worst landmark fits the others (logarithm of the largest standard residual);
- narrowed: how much shorter the head is from front to back against its height than the average head, in
  logarithms: a head turned about the vertical axis is projected shorter;
- uncertain: mean logarithm of the landmarks' expected errors, as shares of the head's size;
- worst_uncertain: the same of the three least certain landmarks;
- bilateral: mean logarithm at bilateral landmarks less that at the others: the two sides part when a head is
  turned, and the networks see two outlines for one;
- disagreement: mean logarithm of the samples' spread, as shares of the head's size; 0 for a single sample;
- worst_disagreement: the same of the three landmarks with the widest spread;
- blurred, grainy: see ``sharpness``.
"""

_WORST = 3
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class HeadModel:
    """What a film's points are looked at with.

    Attributes:
        shape: the shape of heads, fitted in mm to films that the gate was not calibrated on.
        bilateral: (L,) which landmarks average right and left structures.
    """

    shape: ShapeModel
    bilateral: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class FilmSigns:
    """What the gate sees of one film.

    Attributes:
        signs: (len(SIGNS),), infinite where the points make no head at all.
        misfits: (L,) each landmark's standard residual from where the others expect it.
        log_errors: (L,) logarithms of the expected errors as shares of the head's size.
    """

    signs: NDArray[np.float64]
    misfits: NDArray[np.float64]
    log_errors: NDArray[np.float64]


def film_signs(prediction: Prediction, film: Film, *, head: HeadModel) -> FilmSigns:
    """The signs of one film.

    Lengths are taken relative to the head's size, so no scale is needed and a wrong one does no harm.

    Args:
        prediction: what a model found on it.
        film: the film.
        head: what heads look like, of the same landmarks.

    Returns:
        Its signs.

    Raises:
        InputError: the head model is of other landmarks.
    """
    points = upright_points(prediction)
    size = _size(points)
    misfits = head.shape.standard_residuals(points)
    if not size > 0.0:
        nothing = np.full(len(misfits), np.inf)
        return FilmSigns(np.full(len(SIGNS), np.inf), nothing, nothing)
    errors, spreads = (_logs(lengths, size) for lengths in _measured(prediction))
    if prediction.model.samples <= 1:
        spreads = np.zeros(len(spreads))
    found = np.array([(mark.x_px, mark.y_px) for mark in prediction.landmarks])
    sharp = sharpness(film.pixels, found, pitch_px=PITCH_MM * _size(found) / _size(head.shape.mean))
    signs = {
        "shape": np.log(max(head.shape.score(points), _TINY)),
        "misfit": np.log(max(misfits.max(), _TINY)),
        "narrowed": narrowing(points, head.shape.mean),
        "uncertain": errors.mean(),
        "worst_uncertain": np.sort(errors)[-_WORST:].mean(),
        "bilateral": _difference(errors, np.array(head.bilateral)),
        "disagreement": spreads.mean(),
        "worst_disagreement": np.sort(spreads)[-_WORST:].mean(),
        "blurred": -sharp.detail,
        "grainy": sharp.grain,
    }
    return FilmSigns(np.array([signs[name] for name in SIGNS], dtype=np.float64), misfits, errors)


def upright_points(prediction: Prediction) -> NDArray[np.float64]:
    """(L, 2) points with the face to the right, in mm or, without a scale, in px."""
    scale = prediction.film.mm_per_px or (1.0, 1.0)
    side = -1.0 if prediction.film.facing == "left" else 1.0
    found = np.array([(mark.x_px, mark.y_px) for mark in prediction.landmarks], dtype=np.float64)
    points: NDArray[np.float64] = found * np.array([side * scale[0], scale[1]])
    return points


def narrowing(points: NDArray[np.float64], mean: NDArray[np.float64]) -> float:
    """How much narrower than the mean shape a head is, against its height: a logarithm, 0 for the same.

    The affine map of least squares from the mean shape onto the points is taken apart into a rotation and a
    stretch S (polar decomposition); the answer is log(S_yy / S_xx), along the mean shape's own axes.

    Args:
        points: (L, 2), face to the right.
        mean: (L, 2) of an upright head, face to the right.

    >>> head = np.array([[0.0, 0.0], [60.0, 0.0], [60.0, 40.0], [0.0, 50.0]])
    >>> round(narrowing(head * np.array([np.cos(np.pi / 6), 1.0]), head), 3)  # turned by 30 degrees
    0.144
    """
    source, target = mean - mean.mean(axis=0), points - points.mean(axis=0)
    matrix = np.linalg.lstsq(source, target, rcond=None)[0].T
    _, lengths, axes = np.linalg.svd(matrix)
    stretch = axes.T @ np.diag(lengths) @ axes
    across, down = max(float(stretch[0, 0]), _TINY), max(float(stretch[1, 1]), _TINY)
    return float(np.log(down / across))


def _size(points: NDArray[np.float64]) -> float:
    """Root of the summed squared distances from the centre."""
    return float(np.linalg.norm(points - points.mean(axis=0)))


def _measured(prediction: Prediction) -> tuple[list[float], list[float]]:
    """Expected errors and spreads in the unit of ``upright_points``."""
    every = [mark.measures for mark in prediction.landmarks]
    if prediction.film.mm_per_px is None:
        return [one.expected_error_px for one in every], [one.spread_px for one in every]
    return [one.expected_error_mm or 0.0 for one in every], [one.spread_mm or 0.0 for one in every]


def _logs(lengths: Sequence[float], size: float) -> NDArray[np.float64]:
    logs: NDArray[np.float64] = np.log(np.maximum(lengths, _TINY * size) / size)
    return logs


def _difference(values: NDArray[np.float64], chosen: NDArray[np.bool_]) -> float:
    """Mean of those chosen less the mean of the others; 0 where either are none."""
    if chosen.all() or not chosen.any():
        return 0.0
    return float(values[chosen].mean() - values[~chosen].mean())
