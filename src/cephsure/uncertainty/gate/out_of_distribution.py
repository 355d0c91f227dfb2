"""How far a film is out of the distribution of the calibration films: signs, and one exact p-value of them.

A sign is a number that is known without any true point and rises the less a film should be evaluated by
itself. What is normal is not written down here: it is learned from the calibration films, sign by sign.

Let s_1 .. s_n be the signs of the calibration films and s_0 those of a new film. Each sign is put on one
scale by the median m and the spread q of *all n + 1* films, t_i = max over the signs of w (s_i - m) / q
with weights w fixed beforehand, and

    p = (number of the n + 1 films with t_i >= t_0) / (n + 1).

The new film takes part in the scale like any other, so that n + 1 exchangeable films have exchangeable t, and
p <= alpha has at most the probability alpha, for any n, any signs and any dependence between them (Vovk,
Gammerman & Shafer, Algorithmic Learning in a Random World, 2005, proposition 2.8; Bates et al., Annals of
Statistics 51 (2023), on testing for outliers). With the largest of many signs there is nothing to divide
alpha by: the signs share it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from cephsure.geometry import resize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.films import Film
    from cephsure.uncertainty.prediction import Prediction
    from cephsure.uncertainty.shape_model import ShapeModel

SIGN_WEIGHTS = {
    # How implausible the landmarks are as a head: logarithm of the shape model's score.
    "shape": 1.0,
    # How badly the worst landmark fits the others: logarithm of the largest standard residual.
    "misfit": 0.6,
    # How much shorter than the average head it is from front to back, against its height, in logarithms: a
    # head turned about the vertical axis is projected shorter.
    "narrowed": 0.5,
    # Mean logarithm of the landmarks' expected errors, as shares of the head's size; of the worst three.
    "uncertain": 0.7,
    "worst_uncertain": 0.6,
    # The same at bilateral landmarks less that at the others: the two sides part when a head is turned, and
    # the networks see two outlines for one.
    "bilateral": 0.5,
    # Mean logarithm of the samples' spread, as above, 0 for a single sample; of the worst three.
    "disagreement": 0.7,
    "worst_disagreement": 0.6,
    # See ``sharpness``: less its ``detail``, and its ``grain``.
    "blurred": 0.5,
    "grainy": 0.5,
}
"""How much a sign's deviation counts beside the others'. A head out of shape is told by a small deviation, a
blurred or noisy film deviates by much anyway, so the latter need more. The weights were chosen by how many
films out of distribution were found: eight films of Test1, distorted, blurred or noisy, and pictures that are
no cephalograms. The exact false-alarm rate does not depend on them."""

SIGNS = tuple(SIGN_WEIGHTS)
"""In the order of ``FilmSigns.signs``."""

PITCH_MM = 0.3
"""Films are looked at in pixels of this size, on an average head: finer than edges of bone, coarser than the
grain of most films."""

_WORST = 3
_TINY = 1e-9
_SMALLEST_PX = 12
_MARGIN = 0.1
# From the median to the 84th percentile is one standard deviation of a normal sign, and to the 97.7th two:
# what is out of distribution lies above, so the spread is measured there.
_UPPER = (0.84, 0.977)
_LEAST_SPREAD = 1e-9


@dataclass(frozen=True, slots=True)
class HeadModel:
    """What a film's points are looked at with.

    The shape of heads, fitted in mm to films that the gate was not calibrated on; and which of the (L,)
    landmarks average right and left structures.
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
    """The signs of one film, by what a model found on it and what heads of the same landmarks look like.

    Lengths are taken relative to the head's size, so no scale is needed and a wrong one does no harm. A head
    model of other landmarks is an InputError.
    """
    # The face to the right, in mm or, without a scale, in px.
    x_scale, y_scale = prediction.film.mm_per_px or (1.0, 1.0)
    side = -1.0 if prediction.film.facing == "left" else 1.0
    points = prediction.points_px * np.array([side * x_scale, y_scale])
    size = _size(points)
    misfits = head.shape.standard_residuals(points)
    if not size > 0.0:
        nothing = np.full(len(misfits), np.inf)
        return FilmSigns(np.full(len(SIGNS), np.inf), nothing, nothing)
    unit = "px" if prediction.film.mm_per_px is None else "mm"
    errors, spreads = (
        np.log(np.maximum(np.nan_to_num(prediction.measured(f"{name}_{unit}")), _TINY * size) / size)
        for name in ("expected_error", "spread")
    )
    if prediction.model.samples <= 1:
        spreads = np.zeros(len(spreads))
    found = prediction.points_px
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


def _size(points: NDArray[np.float64]) -> float:
    """Root of the summed squared distances from the centre."""
    return float(np.linalg.norm(points - points.mean(axis=0)))


def _difference(values: NDArray[np.float64], chosen: NDArray[np.bool_]) -> float:
    """Mean of those chosen less the mean of the others; 0 where either are none."""
    if chosen.all() or not chosen.any():
        return 0.0
    return float(values[chosen].mean() - values[~chosen].mean())


@dataclass(frozen=True, slots=True)
class Sharpness:
    """Two logarithms of ratios of contrasts, within the landmarks' box.

    Contrast of details of about 1 mm over that of 2 to 4 mm falls where a film is blurred; contrast from one
    pixel to the next over that of details of 1 mm rises with noise.
    """

    detail: float
    grain: float


def sharpness(pixels: NDArray[np.float32], points_px: NDArray[np.float64], *, pitch_px: float) -> Sharpness:
    """Measure a film's sharpness; (0, 0) where there is too little to look at, or no contrast at all.

    The film is parted into bands, each the difference of two binomial blurs, and each band's contrast is
    the median size of its values: strong edges, letters and the film's margin hardly count. Of the (H, W)
    grey values the box of the landmarks found (L, 2) with a margin is looked at; ``pitch_px`` px of the film
    are ``PITCH_MM`` of an average head.
    """
    height, width = pixels.shape
    low, high = points_px.min(axis=0), points_px.max(axis=0)
    margin = _MARGIN * (high - low)
    left, top = np.clip(np.floor(low - margin), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(high + margin) + 1, 0, (width, height)).astype(int)
    crop = pixels[top:bottom, left:right]
    if min(crop.shape) < _SMALLEST_PX or not 0.0 < pitch_px < min(crop.shape) / _SMALLEST_PX:
        return Sharpness(0.0, 0.0)
    # A film coarser than the pitch keeps its pixels, and shows its lack of detail in them.
    image, _ = resize(np.ascontiguousarray(crop, dtype=np.float32), min(1.0, 1.0 / pitch_px))
    blurred = [image]
    for _ in range(3):
        blurred.append(_halved_detail(blurred[-1], step=2 ** (len(blurred) - 1)))
    contrasts = [_contrast(fine, coarse) for fine, coarse in pairwise(blurred)]
    if min(contrasts) <= 0.0:
        return Sharpness(0.0, 0.0)
    grain, detail, rough = np.log(contrasts)
    return Sharpness(detail=float(detail - rough), grain=float(grain - detail))


def _halved_detail(image: NDArray[np.float32], *, step: int) -> NDArray[np.float32]:
    """The image blurred by (1, 2, 1) / 4 along both axes, weights ``step`` pixels apart; 2 steps smaller."""
    quarter, half = np.float32(0.25), np.float32(0.5)
    rows = quarter * (image[: -2 * step] + image[2 * step :]) + half * image[step:-step]
    columns = quarter * (rows[:, : -2 * step] + rows[:, 2 * step :]) + half * rows[:, step:-step]
    return columns.astype(np.float32, copy=False)


def _contrast(fine: NDArray[np.float32], coarse: NDArray[np.float32]) -> float:
    """Median size of what the blur took away."""
    edge = (fine.shape[0] - coarse.shape[0]) // 2
    # Every other row and column tells the median as well, in a quarter of the time.
    taken = np.abs(fine[edge:-edge:2, edge:-edge:2] - coarse[::2, ::2])
    return float(np.median(taken))


@dataclass(frozen=True, slots=True)
class OutOfDistribution:
    """How far a film is out of the distribution of calibration films.

    Attributes:
        p_value: share of n + 1 films that are as far out or further; 1 / (n + 1) is the least there is.
        sign_p_values: (S,) the same for each sign alone.
        deviations: (S,) each sign's distance above the median, in spreads.
        strengths: (S,) deviations times weights: how much each sign says.
    """

    p_value: float
    sign_p_values: NDArray[np.float64]
    deviations: NDArray[np.float64]
    strengths: NDArray[np.float64]


def out_of_distribution(
    signs: NDArray[np.float64], known: NDArray[np.float64], weights: NDArray[np.float64]
) -> OutOfDistribution:
    """Compare a film with calibration films; a sign that hardly differs among all films says nothing.

    Of its (S,) signs, larger further out, infinite or NaN further out than all; those ``known`` of the (n, S)
    calibration films; and positive weights (S,), how much a sign's deviation counts.

    >>> rng = np.random.default_rng(1)
    >>> usual = rng.normal(size=(99, 3))
    >>> out_of_distribution(np.array([0.0, 9.0, 0.0]), usual, np.ones(3)).p_value
    0.01
    """
    films = np.vstack([known.reshape(-1, len(signs)), signs])
    films = np.where(np.isnan(films), np.inf, films)
    heights = _in_spreads(films)
    strengths = heights * weights
    strongest = strengths.max(axis=1)
    return OutOfDistribution(
        p_value=float((strongest >= strongest[-1]).sum() / len(films)),
        sign_p_values=(films >= films[-1]).sum(axis=0) / len(films),
        deviations=heights[-1],
        strengths=strengths[-1],
    )


def _in_spreads(films: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each sign less its median, over its spread, both of all films; -inf for a sign that does not vary.

    Quantiles are order statistics: a film with infinite signs moves them by one rank at most.
    """
    middle, upper, top = np.quantile(films, (0.5, *_UPPER), axis=0, method="lower")
    with np.errstate(invalid="ignore"):
        spread = np.maximum(upper - middle, (top - middle) / 2)
        heights = (films - middle) / np.maximum(spread, _LEAST_SPREAD)
    varies = np.isfinite(middle) & np.isfinite(spread) & (spread > _LEAST_SPREAD)
    return np.where(varies, heights, -np.inf)
