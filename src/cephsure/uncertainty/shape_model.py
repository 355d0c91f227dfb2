"""How well points fit together as a head: a Gaussian model of the landmarks' shape, whatever the pose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from cephsure.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

# Rounds of the Procrustes mean: it moves by less than a thousandth of a millimetre after three.
_ROUNDS = 10
_NEARLY, _LARGEST = 1e-6, 1e100
_FEWEST_FILMS = 3
_FEWEST_LANDMARKS = 3
# Makes complex numbers of points (..., 2): a product then turns and scales.
_PLANE = np.array([1.0, 1.0j])


@dataclass(frozen=True, slots=True)
class ShapeModel:
    """The landmarks' shape as a Gaussian: what is left of a configuration when its pose is taken away.

    Pose is position, rotation and size, so points may be in px or mm, of a film at any angle and scale; a
    mirrored head does not fit. A configuration is laid on the mean shape (Procrustes, size made equal); its
    displacements d (2 L numbers) are judged by a precision P that is blind to what is left of the pose:
    P T = 0 for the four small motions T. In an orthonormal basis B of all other displacements,

        P = B C^-1 B^T,        C the training shapes' covariance in that basis, shrunken (Ledoit & Wolf 2004).

    Points to be judged are as many as the mean's and finite; others are an InputError.

    Attributes:
        mean: (L, 2) the mean shape, in the unit of the points it was fitted to.
        precision: (2 L, 2 L) P, coordinates in the order x1, y1, x2, y2, ...
        n_films: configurations it was fitted to.

    Source: Gower, Psychometrika 40 (1975) for the mean; Dryden & Mardia, Statistical Shape Analysis (2016)
    for the tangent space; the covariance of what pose does not explain is that of generalised least squares.

    >>> rng = np.random.default_rng(0)
    >>> heads = np.array([[0, 0], [60, 0], [60, 40], [0, 50.0]]) + rng.normal(0, 1, (200, 4, 2))
    >>> model = ShapeModel.fit(heads)
    >>> moved = model.mean + np.array([[9.0, 0], [0, 0], [0, 0], [0, 0]])
    >>> int(model.residuals(moved).argmax()), model.score(model.mean) < 1 < model.score(moved)
    (0, True)
    """

    mean: NDArray[np.float64]
    precision: NDArray[np.float64]
    n_films: int

    @classmethod
    def fit(cls, points: ArrayLike) -> Self:
        """Fit to (F, L, 2) true points of F films, each film in one unit for all its points; best in mm.

        Films with a missing point (NaN) are left out. Fewer than three complete films or three landmarks, or
        shapes without any difference, are an InputError.
        """
        given = np.asarray(points, dtype=np.float64)
        if given.ndim != 3 or given.shape[2] != 2 or given.shape[1] < _FEWEST_LANDMARKS:
            raise InputError(f"points of shape {given.shape} are not (films, 3 landmarks or more, 2)")
        shapes = given[np.isfinite(given).all(axis=(1, 2))]
        if len(shapes) < _FEWEST_FILMS:
            raise InputError(
                f"a shape model needs {_FEWEST_FILMS} films with all landmarks, there are {len(shapes)}"
            )
        mean = _procrustes_mean(shapes)
        away = np.stack([_lay_on(shape, mean) - mean for shape in shapes]).reshape(len(shapes), -1)
        basis = _beside_pose(mean)
        covariance = shrunken_covariance(away @ basis)
        if not np.trace(covariance) > 1e-12 * np.sum(mean**2):
            raise InputError("the films' points all have the same shape: there is nothing to learn from them")
        return cls(mean, basis @ np.linalg.solve(covariance, basis.T), len(shapes))

    def score(self, points: ArrayLike) -> float:
        """How implausible (L, 2) points in any unit are as a whole: their Mahalanobis distance from the mean.

        sqrt(d^T P d / (2 L - 4)) is about 1 for heads like those of the training, somewhat more on other
        films, because the covariance was estimated; infinite if all points lie in one spot.
        """
        shape = self._checked(points)
        away = (_lay_on(shape, self.mean) - self.mean).ravel()
        if not np.isfinite(away).all():
            return float("inf")
        return float(np.sqrt(away @ self.precision @ away / (away.size - 4)))

    def stretching(self, points: ArrayLike) -> float:
        """How strongly (L, 2) points in any unit are stretched in one direction, whichever it is.

        The two shape changes T that a stretch along one line makes of the mean shape are fitted to the
        displacements d by generalised least squares, u = M^-1 T^T P d with M = T^T P T. The answer is
        sqrt(u^T M u / 2), about 1 in root mean square for heads like those of the training; infinite if all
        points lie in one spot.
        """
        shape = self._checked(points)
        away = (_lay_on(shape, self.mean) - self.mean).ravel()
        if not np.isfinite(away).all():
            return float("inf")
        x, y = (self.mean - self.mean.mean(axis=0)).T
        stretches = np.stack([np.stack([x, -y], axis=1).ravel(), np.stack([y, x], axis=1).ravel()], axis=1)
        weighted = stretches.T @ self.precision
        along = weighted @ away
        return float(np.sqrt(along @ np.linalg.solve(weighted @ stretches, along) / 2))

    def residuals(self, points: ArrayLike) -> NDArray[np.float64]:
        """(L,) how far each of (L, 2) points in any unit lies from where all the others expect it.

        Next to a wrong landmark right ones seem to be off too, and those that vary much may seem further off
        than it: which one is wrong the standard residuals tell better. Distances are on the scale of the mean
        shape: millimetres of an average head where the model was fitted in mm; infinite if the others lie in
        one spot.
        """
        found = self._unexpected(self._checked(points))
        return np.hypot(found[:, 0], found[:, 1])

    def standard_residuals(self, points: ArrayLike) -> NDArray[np.float64]:
        """(L,) the ``residuals`` in standard deviations of what the others leave open of each landmark.

        sqrt(r^T P_ll r / 2) of each residual r, where P_ll^-1 is the covariance of the landmark given all
        others; the root mean square is about 1 for heads like those of the training. A single landmark moved
        away from the mean shape always has the largest.
        """
        found = self._unexpected(self._checked(points))
        squares = np.full(len(found), np.inf)
        laid = np.isfinite(found).all(axis=1)
        squares[laid] = np.einsum("la,lab,lb->l", found[laid], self._own()[laid], found[laid])
        return np.sqrt(squares / 2)

    def expected(self, points: ArrayLike) -> NDArray[np.float64]:
        """(L, 2) where all the others expect each of (L, 2) points, in the points' own unit and place.

        NaN if the others lie in one spot.
        """
        shape = self._checked(points)
        found = self._unexpected(shape)
        places = np.full_like(shape, np.nan)
        for landmark in np.flatnonzero(np.isfinite(found).all(axis=1)):
            _, factor = _pose(shape, self.mean, np.arange(len(shape)) != landmark)
            back = (found[landmark] @ _PLANE) / factor
            places[landmark] = shape[landmark] - (back.real, back.imag)
        return places

    def restricted(self, kept: ArrayLike) -> Self:
        """The model of some of the landmarks, the others unknown; ``kept`` (L,) is true for those that stay.

        The precision of a part of Gaussian variables is P_kk - P_ko P_oo^-1 P_ok. Fewer than three landmarks
        are an InputError.
        """
        stays = np.asarray(kept, dtype=np.bool_)
        if stays.shape != (len(self.mean),) or stays.sum() < _FEWEST_LANDMARKS:
            raise InputError(f"a shape model needs {_FEWEST_LANDMARKS} landmarks or more")
        axes = np.repeat(stays, 2)
        across = self.precision[np.ix_(axes, ~axes)]
        others = self.precision[np.ix_(~axes, ~axes)]
        precision = self.precision[np.ix_(axes, axes)] - across @ np.linalg.solve(others, across.T)
        return type(self)(self.mean[stays], precision, self.n_films)

    def to_dict(self) -> dict[str, Any]:
        """The model as JSON data."""
        return {"mean": self.mean.tolist(), "precision": self.precision.tolist(), "n_films": self.n_films}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The model from its JSON data; InputError where a part is missing, malformed, or does not fit."""
        try:
            mean = np.array(data["mean"], dtype=np.float64)
            precision = np.array(data["precision"], dtype=np.float64)
            n_films = int(data["n_films"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"not a shape model: {error!r}") from error
        whole = mean.ndim == 2 and mean.shape[1:] == (2,) and precision.shape == (mean.size, mean.size)
        if not (whole and np.isfinite(mean).all() and np.isfinite(precision).all()):
            raise InputError("not a shape model: its mean and precision do not fit or are not finite")
        model, largest = cls(mean, precision, n_films), max(float(np.abs(precision).max(initial=0.0)), 1e-300)
        with np.errstate(over="ignore", invalid="ignore"):
            symmetric = (
                np.abs(precision - precision.T).max(initial=0.0) <= _NEARLY * largest < _NEARLY * _LARGEST
            )
            # As many times smaller as the digits that are written tell apart.
            positive = symmetric and np.linalg.eigvalsh(precision).min(initial=0.0) >= -_NEARLY * largest
        if not positive or not np.linalg.eigvalsh(model._own()).min(initial=1.0) > 0:
            raise InputError("not a shape model: its precision is that of no shapes")
        return model

    def _unexpected(self, shape: NDArray[np.float64]) -> NDArray[np.float64]:
        """(L, 2) each landmark less its mean given all the others, P_ll^-1 (P d)_l.

        The pose is taken from the others alone: a landmark far off would pull the whole configuration along.
        """
        count = len(shape)
        rows, own = self.precision.reshape(count, 2, 2 * count), self._own()
        found = np.full((count, 2), np.inf)
        for landmark in range(count):
            away = (_lay_on(shape, self.mean, np.arange(count) != landmark) - self.mean).ravel()
            if np.isfinite(away).all():
                found[landmark] = np.linalg.solve(own[landmark], rows[landmark] @ away)
        return found

    def _own(self) -> NDArray[np.float64]:
        """(L, 2, 2) the blocks P_ll of the precision."""
        each = np.arange(len(self.mean))
        return self.precision.reshape(len(each), 2, len(each), 2)[each, :, each, :]

    def _checked(self, points: ArrayLike) -> NDArray[np.float64]:
        shape = np.asarray(points, dtype=np.float64)
        if shape.shape != self.mean.shape:
            raise InputError(
                f"points of shape {shape.shape} do not fit a shape model of {len(self.mean)} landmarks"
            )
        if not np.isfinite(shape).all():
            raise InputError("a point is not finite: a shape is judged with all its landmarks")
        return shape


def shrunken_covariance(away: NDArray[np.float64]) -> NDArray[np.float64]:
    """(p, p) covariance of centred data (n, p), shrunken towards a multiple of the identity.

    S* = (1 - rho) S + rho m I with m = tr S / p and rho = min(b^2, d^2) / d^2, where d^2 = |S - m I|^2 and
    b^2 = (1/n^2) sum |x x^T - S|^2: the weight that lies nearest to the true covariance on average. It is
    invertible unless all deviations are 0.

    Source: Ledoit & Wolf, Journal of Multivariate Analysis 88 (2004), section 3.2.
    """
    n_films, n_axes = away.shape
    sample = away.T @ away / n_films
    mean_variance = np.trace(sample) / n_axes
    target = mean_variance * np.eye(n_axes)
    distance = np.sum((sample - target) ** 2)
    # sum |x x^T - S|^2 = sum |x|^4 - n |S|^2, because the x x^T have the mean S.
    scatter = (np.sum(np.sum(away**2, axis=1) ** 2) / n_films - np.sum(sample**2)) / n_films
    weight = min(scatter, distance) / distance if distance > 0 else 1.0
    return np.asarray((1.0 - weight) * sample + weight * target)


def _procrustes_mean(shapes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean (L, 2) of complete shapes laid on each other; centred, of the shapes' mean size."""
    sizes = np.linalg.norm(shapes - shapes.mean(axis=1, keepdims=True), axis=(1, 2))
    if not sizes.min() > 0:
        raise InputError("all landmarks of a film lie in one spot")
    mean = shapes[0] - shapes[0].mean(axis=0)
    for _ in range(_ROUNDS):
        mean = np.mean([_lay_on(shape, mean) for shape in shapes], axis=0)
        mean = mean - mean.mean(axis=0)
        mean *= sizes.mean() / np.linalg.norm(mean)
    return np.asarray(mean)


def _lay_on(
    shape: NDArray[np.float64], mean: NDArray[np.float64], by: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """The shape (L, 2) moved, turned and brought to size so that its points ``by`` lie on the mean's.

    Points in one spot have no size: they come out infinite.
    """
    offset, factor = _pose(shape, mean, by)
    if not np.isfinite(factor):
        return np.full_like(mean, np.inf)
    laid = offset + factor * (shape @ _PLANE)
    return np.stack([laid.real, laid.imag], axis=1)


def _pose(
    shape: NDArray[np.float64], mean: NDArray[np.float64], by: NDArray[np.bool_] | None = None
) -> tuple[complex, complex]:
    """Offset a and factor b by which points z become a + b z on the mean; b is infinite where there is none.

    Position and size are made equal, the rotation is that of least squares. (The size of least squares would
    be smaller, down to nothing for points that have nothing in common with a head: a heap, whose deviation
    from the mean looks like a change of size and so like nothing amiss.)
    """
    kept = slice(None) if by is None else by
    points, targets = shape @ _PLANE, mean @ _PLANE
    centre, target = points[kept].mean(), targets[kept].mean()
    from_centre, from_target = points[kept] - centre, targets[kept] - target
    size = np.linalg.norm(from_centre)
    # Points that differ by rounding only have no direction either.
    if size <= 1e-12 * np.abs(points).max():
        return 0j, complex(np.inf)
    turn = np.vdot(from_centre, from_target)
    factor = (turn / abs(turn) if turn != 0 else 1.0) * (np.linalg.norm(from_target) / size)
    return complex(target - factor * centre), complex(factor)


def _beside_pose(mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2 L, 2 L - 4) an orthonormal basis of the displacements that no small motion of the mean gives."""
    x, y = (mean - mean.mean(axis=0)).T
    nothing, unit = np.zeros(len(mean)), np.ones(len(mean))
    motions = [(unit, nothing), (nothing, unit), (-y, x), (x, y)]  # to the side, down, turn, grow
    poses = np.stack([np.stack(motion, axis=1).ravel() for motion in motions], axis=1)  # (2 L, 4)
    orthonormal = np.asarray(np.linalg.qr(poses, mode="complete").Q, dtype=np.float64)
    return orthonormal[:, 4:]
