"""How much a film is like the training films, in a network's deepest level: a Gaussian of features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from cephsure.errors import InputError
from cephsure.uncertainty.shape_fit import shrunken_covariance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

_FEWEST_FILMS = 3


@dataclass(frozen=True, slots=True)
class FeatureModel:
    """A Gaussian of C pooled features of F training films, its covariance shrunken (Ledoit & Wolf 2004).

    The covariance is a multiple of the identity plus what the films span, so R < F axes are all of it.

    Attributes:
        mean: (C,) of the training films.
        axes: (R, C) orthonormal axes along which the films differ.
        variances: (R,) along them.
        rest: variance along every other direction.
        n_films: films it was fitted to.

    Source: Lee et al., NeurIPS 2018 (Mahalanobis distance of features), with one class.

    Example:
        >>> films = np.random.default_rng(0).normal(0, [3.0, 1.0], (500, 2))
        >>> model = FeatureModel.fit(films)
        >>> model.distance([9.0, 0.0]) < model.distance([0.0, 9.0])
        True
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    variances: NDArray[np.float64]
    rest: float
    n_films: int

    @classmethod
    def fit(cls, features: ArrayLike) -> Self:
        """Fit to (F, C) features.

        Raises:
            InputError: fewer than three films, or films that are all alike.
        """
        given = np.asarray(features, dtype=np.float64)
        if given.ndim != 2 or len(given) < _FEWEST_FILMS or not np.isfinite(given).all():
            raise InputError(f"a model of features needs {_FEWEST_FILMS} films or more with finite features")
        mean = given.mean(axis=0)
        covariance = shrunken_covariance(given - mean)
        variances, vectors = np.linalg.eigh(covariance)
        if not variances.max() > 0:
            raise InputError("the films' features are all the same: there is nothing to learn from them")
        count = min(len(given) - 1, given.shape[1])
        kept = slice(len(variances) - count, None)
        return cls(mean, vectors.T[kept], variances[kept], float(variances[0]), len(given))

    def distance(self, features: ArrayLike) -> float:
        """Mahalanobis distance sqrt(d^T C^-1 d / C) of (C,) features, about 1 for the training films.

        Raises:
            InputError: another number of features.
        """
        given = np.asarray(features, dtype=np.float64)
        if given.shape != self.mean.shape:
            raise InputError(f"{given.size} features do not fit a model of {self.mean.size}")
        away = given - self.mean
        along = self.axes @ away
        beside = max(float(away @ away - along @ along), 0.0)
        squares = float((along**2 / self.variances).sum())
        if len(self.axes) < away.size:
            squares += beside / self.rest
        return float(np.sqrt(squares / away.size))

    def to_dict(self) -> dict[str, Any]:
        """The model as JSON data, seven digits a number."""
        return {
            "mean": _short(self.mean),
            "axes": _short(self.axes),
            "variances": _short(self.variances),
            "rest": self.rest,
            "n_films": self.n_films,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The model from its JSON data.

        Raises:
            InputError: a part is missing, malformed, or does not fit the others.
        """
        try:
            mean, axes, variances = (
                np.array(data[key], dtype=np.float64) for key in ("mean", "axes", "variances")
            )
            rest, n_films = float(data["rest"]), int(data["n_films"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"not a model of features: {error!r}") from error
        fits = mean.ndim == variances.ndim == 1 and axes.shape == (variances.size, mean.size)
        if not (
            fits
            and np.isfinite(mean).all()
            and np.isfinite(axes).all()
            and (variances > 0).all()
            and rest > 0
        ):
            raise InputError("not a model of features: its parts do not fit or are not finite")
        return cls(mean, axes, variances, rest, n_films)


def _short(values: NDArray[np.float64]) -> Any:
    if values.ndim > 1:
        return [_short(row) for row in values]
    return [float(f"{value:.7g}") for value in values]
