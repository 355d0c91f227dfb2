"""What is known of the landmarks' errors, and where they may therefore truly be.

Each landmark errs in its own way, several err together: positions are drawn from normal distributions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.uncertainty.prediction import Prediction

    Array = NDArray[np.float64]

ErrorsFrom = Literal["calibration", "raw sample spread", "none", "a person's points"]

_ROUNDING = 1e-9

NOT_CALIBRATED = "model is not calibrated"
NO_SCALE_FOR_ERRORS = "no scale in the film: calibrated errors are in mm"
UNFIT_FILM = "the film is unfit"
ONE_SAMPLE = "no calibrated errors, and one sample has no spread"


@dataclass(frozen=True, slots=True)
class LandmarkErrors:
    """The landmarks' errors on one film, and where they come from."""

    source: ErrorsFrom
    covariances_px: Array | None = None  # (L, 2, 2) second moments, px², NaN where not known
    correlation: Array | None = None  # across landmarks, as `sample_points` takes it; None: independent
    reason: str | None = None  # why there are none


def landmark_errors(prediction: Prediction, *, uncalibrated: bool = False) -> LandmarkErrors:
    """The errors that a prediction's measurements are to be given intervals from, or why there are none.

    The calibrated covariances of the prediction's landmarks; how the landmarks' errors hang together comes
    from the samples. Without calibration there are none: how far samples disagree is not how far they err.
    If ``uncalibrated``, that raw spread is taken where the model is not calibrated. On an unfit film there
    are none, whatever is asked: nobody vouches for them.
    """
    if prediction.verdict == "unfit":
        return LandmarkErrors("none", reason=prediction.no_promise or UNFIT_FILM)
    given = [landmark.error_covariance_mm2 for landmark in prediction.landmarks]
    scale = prediction.film.mm_per_px
    if scale is not None and any(covariance is not None for covariance in given):
        unknown = np.full((2, 2), np.nan)
        calibrated = np.array([unknown if covariance is None else covariance for covariance in given])
        covariances_px = calibrated / np.outer(scale, scale)
        return LandmarkErrors("calibration", covariances_px, spread_correlation(prediction))
    if not uncalibrated:
        # Without a scale no prediction carries calibrated errors, whether its model is calibrated or not.
        reason = prediction.no_promise or (NO_SCALE_FOR_ERRORS if scale is None else NOT_CALIBRATED)
        return LandmarkErrors("none", reason=reason)
    spread = spread_covariances(prediction)
    if not np.isfinite(spread).any():
        return LandmarkErrors("none", reason=ONE_SAMPLE)
    return LandmarkErrors("raw sample spread", spread, spread_correlation(prediction))


def sample_points(
    prediction: Prediction, covariances: Array | None, correlation: Array | None, n: int, seed: int
) -> Array:
    """Draw positions of all landmarks from normal distributions about the predicted points.

    Each landmark's own distribution is exactly what ``covariances`` says; ``correlation`` only ties the
    landmarks to each other. With S the symmetric square roots of the covariances as diagonal blocks, the
    joint covariance is S C S.

    Args:
        prediction: L landmarks.
        covariances: (L, 2, 2) second moments of each landmark's error, px², NaN where not known; None takes
            the raw spread of the prediction's own samples (`spread_covariances`).
        correlation: (2L, 2L) correlation C of the standardised errors, coordinates in the order x1, y1, x2,
            y2, ..., its 2 x 2 diagonal blocks the unit matrix (`spread_correlation`); None for independent
            landmarks.
        n: how many draws.
        seed: of the draws.

    Returns:
        (n, L, 2) positions in px of the film as given; NaN for landmarks without a covariance.

    Raises:
        ValueError: a covariance is no covariance (not symmetric, negative), the correlation is none or of
            another size.
    """
    points = prediction.points_px  # (L, 2)
    if covariances is None:
        covariances = spread_covariances(prediction)
    roots = _square_roots(covariances, count=len(points))  # (L, 2, 2)
    standard = np.random.default_rng(seed).standard_normal((2 * len(points), n))
    if correlation is not None:
        standard = _root_of_correlation(correlation, count=len(points)) @ standard
    x, y = standard[0::2], standard[1::2]  # (L, n) each
    # By coordinate, not as n times L small products; landmark by landmark, as measurements will read them.
    drawn = np.empty((len(points), n, 2))
    for axis in (0, 1):
        drawn[..., axis] = points[:, axis, None] + roots[:, axis, 0, None] * x + roots[:, axis, 1, None] * y
    return drawn.transpose(1, 0, 2)


def joint_covariance(covariances: Array, correlation: Array | None) -> Array:
    """(2L, 2L) covariance of all landmarks' coordinates x1, y1, x2, ..., as `sample_points` draws them.

    Takes (L, 2, 2) covariances and the correlation as it does; NaN in the rows and columns of landmarks
    without a covariance. `ValueError` as there.
    """
    count = len(covariances)
    roots = _square_roots(covariances, count=count)
    tied = np.eye(2 * count)
    if correlation is not None:
        root = _root_of_correlation(correlation, count=count)
        tied = root @ root.T
    blocks = tied.reshape(count, 2, count, 2)
    joint = np.einsum("lij,ljmk,mkn->limn", roots, blocks, roots)
    return np.asarray(joint.reshape(2 * count, 2 * count))


def spread_covariances(prediction: Prediction) -> Array:
    """(L, 2, 2) covariance of each landmark's samples (T - 1), px²; NaN for fewer than two samples.

    It says how far the samples disagree, not how far they are from the truth.
    """
    samples = (np.array(landmark.samples_px) for landmark in prediction.landmarks)
    unknown = np.full((2, 2), np.nan)
    return np.array([unknown if len(drawn) < 2 else np.cov(drawn.T) for drawn in samples])


def spread_correlation(prediction: Prediction) -> Array | None:
    """How the samples' deviations hang together across landmarks: where members err together.

    Each landmark's deviations are standardised by its own covariance; what is left is their correlation with
    those of the other landmarks. T samples tell little about (2L)² numbers: it is shrunk towards
    independence, by the share that minimises the expected squared error (Schäfer and Strimmer 2005,
    Statistical Applications in Genetics and Molecular Biology 4, 32, target of zero correlations).

    Returns:
        (2L, 2L) for `sample_points`; None for fewer than four samples, or where a landmark's samples do not
        spread in two directions: then nothing is known.
    """
    samples = np.array([landmark.samples_px for landmark in prediction.landmarks])  # (L, T, 2)
    count, drawn = samples.shape[:2]
    if drawn < 4:
        return None
    deviations = samples - samples.mean(axis=1, keepdims=True)
    covariances = spread_covariances(prediction)
    variances, axes = np.linalg.eigh(covariances)
    if (variances[:, 0] <= _ROUNDING * np.maximum(variances[:, 1], _ROUNDING)).any():
        return None
    whitening = (axes / np.sqrt(variances)[:, None, :]) @ axes.transpose(0, 2, 1)  # (L, 2, 2)
    standard = (deviations @ whitening).transpose(1, 0, 2).reshape(drawn, 2 * count)  # (T, 2L)
    products = standard[:, :, None] * standard[:, None, :]  # (T, 2L, 2L)
    means = products.mean(axis=0)
    correlation = means * drawn / (drawn - 1)
    noise = ((products - means) ** 2).sum(axis=0) * drawn / (drawn - 1) ** 3
    across = ~np.kron(np.eye(count, dtype=bool), np.ones((2, 2), dtype=bool))
    signal = (correlation[across] ** 2).sum()
    shrinkage = 1.0 if signal == 0 else float(np.clip(noise[across].sum() / signal, 0.0, 1.0))
    return np.asarray(np.where(across, (1 - shrinkage) * correlation, np.eye(2 * count)))


def _square_roots(covariances: Array, *, count: int) -> Array:
    """(L, 2, 2) symmetric square roots of checked covariances; NaN for those that hold one."""
    if covariances.shape != (count, 2, 2):
        raise ValueError(f"covariances are of shape {covariances.shape}, not ({count}, 2, 2)")
    is_known = np.isfinite(covariances).all(axis=(1, 2))
    known = covariances[is_known]
    if not np.allclose(known, known.transpose(0, 2, 1)):
        raise ValueError("a covariance is not symmetric")
    if known.size and (np.linalg.eigvalsh(known)[:, 0] < -_ROUNDING * np.abs(known).max()).any():
        raise ValueError("a covariance has a negative variance")
    roots = np.full_like(covariances, np.nan)
    variances, axes = np.linalg.eigh(known)
    lengths = np.sqrt(np.clip(variances, 0.0, None))
    roots[is_known] = (axes * lengths[:, None, :]) @ axes.transpose(0, 2, 1)
    return roots


def _root_of_correlation(correlation: Array, *, count: int) -> Array:
    """The symmetric square root of a correlation of 2L standardised coordinates."""
    if correlation.shape != (2 * count, 2 * count):
        raise ValueError(f"the correlation is of shape {correlation.shape}, not ({2 * count}, {2 * count})")
    blocks = correlation.reshape(count, 2, count, 2)[np.arange(count), :, np.arange(count), :]
    if not np.allclose(correlation, correlation.T) or not np.allclose(blocks, np.eye(2)):
        raise ValueError("the correlation is not symmetric with unit 2 x 2 blocks on its diagonal")
    values, axes = np.linalg.eigh(correlation)
    if values[0] < -1e-6:
        raise ValueError("the correlation has a negative eigenvalue")
    return np.asarray((axes * np.sqrt(np.clip(values, 0.0, None))) @ axes.T)
