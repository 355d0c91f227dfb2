"""A reader's habit, landmark by landmark: a place on the line between two definitions, and a small offset.

Networks that learn two annotators apart draw a mark for each. Where the two follow different definitions, the
vector from one mark to the other is the direction in which the film's contour leaves the landmark free: other
readers lie close to that line. With m the middle of a film's two marks, d half the vector from the first
annotator's mark to the second's, a reader's true point is

    y_fl = m_fl + w_l d_fl + b_l + e_fl,      e_fl ~ N(0, s_l C_fl),

w_l = -1 for marks as the first annotator's, +1 as the second's; b_l in mm on the upright film; C_fl the
film's own error covariance (``calibration``) and s_l how much larger this reader's scatter is. Before any
film of a reader is seen, w and b are normal about the population's centre; the w of one reader's landmarks
have a part in common, since who follows one annotator at one landmark tends to do so at others. After K
corrected films their posterior is a linear regression with three numbers a landmark. Without two annotators
d is 0.

Source: linear mixed models, Laird & Ware, Biometrics 38 (1982).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class MarkedFilms:
    """All that films which one reader marked say of the habit: sums over films, by landmark.

    With X = (d, e_x, e_y) what (w, bx, by) is multiplied with, y the reader's point less the annotators' mean
    and C the film's covariance:

    Attributes:
        counts: (L,) films on which the landmark is marked.
        information: (L, 3, 3) sums of X^T C^-1 X.
        right: (L, 3) sums of X^T C^-1 y.
        squares: (L,) sums of y^T C^-1 y.
    """

    counts: NDArray[np.int64]
    information: Array
    right: Array
    squares: Array

    @classmethod
    def of(cls, away_mm: Array, lines_mm: Array, covariances_mm2: Array) -> Self:
        """Of (F, L, 2) y, NaN where not known, (F, L, 2) lines d and (F, L, 2, 2) C, upright, in mm."""
        known = np.asarray(np.isfinite(away_mm).all(axis=-1))
        # Without a scale lines and covariances are not known either.
        rest, lines = (np.where(known[..., None], values, 0.0) for values in (away_mm, lines_mm))
        design = _design(lines)
        weights = np.linalg.inv(np.where(known[..., None, None], covariances_mm2, np.eye(2)))
        weights *= known[..., None, None]
        weighted = np.swapaxes(design, -1, -2) @ weights
        return cls(
            known.sum(axis=0),
            (weighted @ design).sum(axis=0),
            np.einsum("flij,flj->li", weighted, rest),
            np.einsum("fli,flij,flj->l", rest, weights, rest),
        )

    def __add__(self, other: MarkedFilms) -> MarkedFilms:
        """Both films together."""
        return MarkedFilms(
            self.counts + other.counts,
            self.information + other.information,
            self.right + other.right,
            self.squares + other.squares,
        )


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of (w, bx, by) before films are seen: (L, 3) means and (3 L, 3 L) covariance.

    ``spread`` (L,) are the usual scatter factors s, and ``spread_films`` how many films that belief is worth.
    """

    mean: Array
    covariance: Array
    spread: Array
    spread_films: float


@dataclass(frozen=True, slots=True)
class Habit:
    """What is known of a reader: (L, 3) means of (w, bx, by), (L, 3, 3) covariances, (L,) scatter factors."""

    mean: Array
    covariance: Array
    spread: Array

    def moves_mm(self, lines_mm: Array) -> Array:
        """(..., L, 2) from the annotators' mean to where the reader is expected to mark."""
        return np.asarray(self.mean[:, :1] * lines_mm + self.mean[:, 1:])

    def covariances_mm2(self, lines_mm: Array) -> Array:
        """(..., L, 2, 2) how uncertain that place is by what is not known of the reader."""
        return in_plane(lines_mm, self.covariance)


def in_plane(lines_mm: Array, covariance: Array) -> Array:
    """(..., L, 2, 2) covariance on films with lines (..., L, 2), of (L, 3, 3) covariances of (w, bx, by)."""
    design = _design(lines_mm)
    return np.asarray(design @ covariance @ np.swapaxes(design, -1, -2))


def block_diagonal(blocks: Array) -> Array:
    """(3 L, 3 L) covariance of landmarks that have nothing in common, of (L, 3, 3) blocks."""
    places = np.arange(len(blocks))
    joint = np.zeros((len(blocks), 3, len(blocks), 3))
    joint[places, :, places] = blocks
    return joint.reshape(3 * len(blocks), 3 * len(blocks))


def diagonal_blocks(joint: Array) -> Array:
    """(L, 3, 3) what a (3 L, 3 L) covariance says of each landmark alone."""
    places = np.arange(len(joint) // 3)
    return np.asarray(joint.reshape(len(places), 3, len(places), 3)[places, :, places])


def mean_length(covariances: Array) -> Array:
    """(...,) mean length of vectors drawn from N(0, C), by (..., 2, 2) covariances.

    Exact for a round C and for one of a single direction, between them interpolated; short by 1.6 % at most.
    """
    trace = np.trace(covariances, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        roundness = np.where(trace > 0, 4 * np.linalg.det(covariances) / trace**2, 0.0)
    line, circle = np.sqrt(2 / np.pi), np.sqrt(np.pi / 4)
    return np.asarray(np.sqrt(np.maximum(trace, 0.0)) * (line + (circle - line) * np.clip(roundness, 0, 1)))


def observe(prior: Prior, films: MarkedFilms) -> Habit:
    """What is known of a reader after films that this one marked; the prior where there are none.

    Scatter factors and habits are found in turn: s_l is the posterior mean of an inverse gamma, with the
    expectation of the squared residuals over what is not known of w and b (expectation-maximization).
    """
    spread = prior.spread
    # Before the films tell otherwise they scatter as usual.
    for _ in range(_ROUNDS):
        habit = _regress(prior, films, spread)
        spread = _spread(prior, films, habit)
    return Habit(habit.mean, habit.covariance, spread)


def _design(lines_mm: Array) -> Array:
    """(..., L, 2, 3) what (w, bx, by) is multiplied with."""
    design = np.zeros((*lines_mm.shape, 3))
    design[..., 0] = lines_mm
    design[..., 0, 1] = design[..., 1, 2] = 1.0
    return design


def _regress(prior: Prior, films: MarkedFilms, spread: Array) -> Habit:
    count = len(spread)
    information = block_diagonal(films.information / spread[:, None, None])
    right = films.right - np.einsum("lij,lj->li", films.information, prior.mean)
    # (P^-1 + I)^-1 = (1 + P I)^-1 P: the prior may be singular, as for a reader who is known.
    joint = np.linalg.solve(np.eye(3 * count) + prior.covariance @ information, prior.covariance)
    mean = prior.mean + (joint @ (right / spread[:, None]).ravel()).reshape(count, 3)
    blocks = diagonal_blocks(np.asarray(joint, dtype=np.float64))
    return Habit(mean, (blocks + np.swapaxes(blocks, -1, -2)) / 2, spread)


def _spread(prior: Prior, films: MarkedFilms, habit: Habit) -> Array:
    mean, information = habit.mean, films.information
    squares = films.squares - 2 * (mean * films.right).sum(axis=1)
    squares += np.einsum("li,lij,lj->l", mean, information, mean)
    squares += np.einsum("lij,lji->l", information, habit.covariance)
    return np.asarray((prior.spread_films * prior.spread + squares / 2) / (prior.spread_films + films.counts))
