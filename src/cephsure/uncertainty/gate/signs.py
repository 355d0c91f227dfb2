"""What the gate sees of a film: signs, numbers known without any true point that rise with its strangeness.

What is normal is not written down here: it is learned from the calibration films, sign by sign. Lengths are
taken in mm or as shares of the head's size, never in pixels: the same film at another pixel size gets the
same signs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cephsure.uncertainty.gate.greys import PITCH_MM, head_greys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.films import Film
    from cephsure.uncertainty.prediction import Prediction
    from cephsure.uncertainty.reference import FeatureModel
    from cephsure.uncertainty.shape_model import ShapeModel


@dataclass(frozen=True, slots=True)
class Sign:
    """How a sign is taken.

    Attributes:
        weight: how much its deviation counts beside the others'.
        of_head: whether it speaks of the head and the points on it. Other signs speak of the picture: by them
            alone a film is not unfit, it is to be reviewed.
        two_sided: whether too little is as strange as too much.
        least_spread: calibration films that differ less than this are taken to differ by it.
    """

    weight: float
    of_head: bool = True
    two_sided: bool = False
    least_spread: float = 1e-9


FILM_SIGNS = {
    # How implausible the landmarks are as a head: logarithm of the shape model's score.
    "shape": Sign(1.5),
    # How badly the worst landmark fits the others: logarithm of the largest standard residual.
    "misfit": Sign(1.1),
    # How strongly the head is stretched in one direction, whichever it is: logarithm of ``stretching``.
    "stretched": Sign(0.6),
    # How much shorter than the average head it is from front to back, against its height, in logarithms: a
    # head turned about the vertical axis is projected shorter.
    "narrowed": Sign(0.3),
    # Mean logarithm of the landmarks' expected errors, as shares of the head's size; of the worst three.
    "uncertain": Sign(0.5),
    "worst_uncertain": Sign(0.4),
    # The same at bilateral landmarks less that at the others: the two sides part when a head is turned, and
    # the networks see two outlines for one.
    "bilateral": Sign(0.3),
    # Mean logarithm of the samples' spread, as above, 0 for a single sample; of the worst three.
    "disagreement": Sign(0.5),
    "worst_disagreement": Sign(0.4),
    # Logarithm of the head's size in mm over the average head's; unknown without a scale.
    "size": Sign(1.0, two_sided=True, least_spread=0.03),
    # See ``Greys``: less its ``detail``, its ``grain``, and the logarithm of its ``white``.
    "blurred": Sign(0.5, of_head=False),
    "grainy": Sign(0.3, of_head=False),
    "over_exposed": Sign(0.6, of_head=False, least_spread=0.2),
    # Logarithm of the film's width over its height: a film squeezed in one direction, or cropped.
    "format": Sign(0.8, of_head=False, two_sided=True, least_spread=0.02),
    # Logarithm of the distance of the network's features from those of films that it is used to.
    "unfamiliar": Sign(1.5, of_head=False),
}
"""A head out of shape is told by a small deviation, a blurred or noisy film deviates by much anyway, so the
latter need more: the weights say so. They were chosen on the 300 films of ISBI 2015, each seen by networks
that were not trained on it, on 21 to 81 of them distorted, squeezed, turned, cropped, doubled, blurred, noisy
or over-exposed on purpose, and on pictures that are no cephalograms. The exact false-alarm rate does not
depend on them."""

SIGNS = tuple(FILM_SIGNS)
"""In the order of ``FilmSigns.signs``."""

WHITE_AT_LEAST = 0.05
"""Shares of white below it hardly count."""

_WORST = 3
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class HeadModel:
    """What a film's points are looked at with.

    Attributes:
        shape: of heads, fitted in mm to films that the gate was not calibrated on.
        bilateral: which of the (L,) landmarks average right and left structures.
        features: of films that the first network was trained on; None where it does not tell them.
    """

    shape: ShapeModel
    bilateral: tuple[bool, ...]
    features: FeatureModel | None = None


@dataclass(frozen=True, slots=True)
class FilmSigns:
    """What the gate sees of one film.

    Attributes:
        signs: (len(SIGNS),), infinite where the points make no head at all, NaN where one is not known.
        misfits: (L,) each landmark's standard residual from where the others expect it.
        log_errors: (L,) logarithms of the expected errors as shares of the head's size.
        features: (C,) of the first network, or None.
    """

    signs: NDArray[np.float64]
    misfits: NDArray[np.float64]
    log_errors: NDArray[np.float64]
    features: NDArray[np.float64] | None = None

    def beside(self, model: FeatureModel | None) -> FilmSigns:
        """The same, its features measured by another model of them: of another network, or at another site.

        For a calibration film that is what a network makes of it that was not trained on it, beside the films
        that network was trained on.
        """
        signs = self.signs.copy()
        if np.isfinite(signs).any():
            signs[SIGNS.index("unfamiliar")] = _strangeness(self.features, model)
        return replace(self, signs=signs)


def film_signs(prediction: Prediction, film: Film, *, head: HeadModel) -> FilmSigns:
    """The signs of one film, by what a model found on it and what heads of the same landmarks look like.

    Lengths are taken relative to the head's size: but for ``size`` no scale is needed, and a wrong one does
    no harm. A head model of other landmarks is an InputError.
    """
    # The face to the right, in mm or, without a scale, in px.
    x_scale, y_scale = prediction.film.mm_per_px or (1.0, 1.0)
    side = -1.0 if prediction.film.facing == "left" else 1.0
    points = prediction.points_px * np.array([side * x_scale, y_scale])
    features = None if prediction.features is None else np.array(prediction.features)
    size, usual = head_size(points), head_size(head.shape.mean)
    misfits = head.shape.standard_residuals(points)
    if not size > 0.0:
        nothing = np.full(len(misfits), np.inf)
        return FilmSigns(np.full(len(SIGNS), np.inf), nothing, nothing, features)
    in_mm = prediction.film.mm_per_px is not None
    errors, spreads = (
        np.log(
            np.maximum(np.nan_to_num(prediction.measured(f"{name}_{'mm' if in_mm else 'px'}")), _TINY * size)
            / size
        )
        for name in ("raw_expected_error", "spread")
    )
    if prediction.model.samples <= 1:
        spreads = np.zeros(len(spreads))
    found = prediction.points_px
    greys = head_greys(
        film.pixels,
        found,
        pitch_px=PITCH_MM * head_size(found) / usual,
        negative=prediction.film.polarity == "negative",
    )
    signs = {
        "shape": np.log(max(head.shape.score(points), _TINY)),
        "misfit": np.log(max(misfits.max(), _TINY)),
        "stretched": np.log(max(head.shape.stretching(points), _TINY)),
        "narrowed": narrowing(points, head.shape.mean),
        "uncertain": errors.mean(),
        "worst_uncertain": np.sort(errors)[-_WORST:].mean(),
        "bilateral": _difference(errors, np.array(head.bilateral)),
        "disagreement": spreads.mean(),
        "worst_disagreement": np.sort(spreads)[-_WORST:].mean(),
        "size": np.log(size / usual) if in_mm else np.nan,
        "blurred": -greys.detail,
        "grainy": greys.grain,
        "over_exposed": np.log(WHITE_AT_LEAST + greys.white),
        "format": np.log(film.width_px * x_scale / (film.height_px * y_scale)),
        "unfamiliar": _strangeness(features, head.features),
    }
    return FilmSigns(np.array([signs[name] for name in SIGNS], dtype=np.float64), misfits, errors, features)


def head_size(points: NDArray[np.float64]) -> float:
    """Root of the summed squared distances of (L, 2) points from their centre, in the points' unit."""
    return float(np.linalg.norm(points - points.mean(axis=0)))


def _strangeness(features: NDArray[np.float64] | None, model: FeatureModel | None) -> float:
    """Logarithm of the features' distance; NaN where either is not known."""
    return float("nan") if features is None or model is None else float(np.log(model.distance(features)))


def narrowing(points: NDArray[np.float64], mean: NDArray[np.float64]) -> float:
    """How much narrower than the mean shape a head is, against its height: a logarithm, 0 for the same.

    The affine map of least squares from the mean shape onto the points is taken apart into a rotation and a
    stretch S (polar decomposition); the answer is log(S_yy / S_xx), along the mean shape's own axes. Both
    (L, 2) with the face to the right, the mean of an upright head.

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


def _difference(values: NDArray[np.float64], chosen: NDArray[np.bool_]) -> float:
    """Mean of those chosen less the mean of the others; 0 where either are none."""
    if chosen.all() or not chosen.any():
        return 0.0
    return float(values[chosen].mean() - values[~chosen].mean())
