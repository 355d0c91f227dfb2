"""What a bundle knows of its training films: the shape of their annotation, and how its network sees them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from cephsure.atomic import write_atomically
from cephsure.bundles.bundle import read_versioned
from cephsure.errors import BundleError, InputError
from cephsure.text_files import is_there
from cephsure.uncertainty.shape_model import ShapeModel, shrunken_covariance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

FORMAT = "cephsure.reference/1"
REFERENCE_FILE = "reference.json"
_FEWEST_FILMS = 3


@dataclass(frozen=True, slots=True)
class FeatureModel:
    """A Gaussian of C pooled features of F training films, its covariance shrunken (Ledoit & Wolf 2004).

    The covariance is a multiple of the identity plus what the films span, so R < F axes are all of it.

    Attributes:
        mean: (C,) of the training films.
        axes: (R, C) orthonormal axes along which the films differ, with the ``variances`` (R,) along them.
        rest: variance along every other direction.

    Source: Lee et al., NeurIPS 2018 (Mahalanobis distance of features), with one class.

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
        """Fit to (F, C) features; InputError for fewer than three films, or films that are all alike."""
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
        """Mahalanobis distance sqrt(d^T C^-1 d / C) of (C,) features, about 1 for the training films."""
        given = np.asarray(features, dtype=np.float64)
        if given.shape != self.mean.shape:
            raise InputError(f"{given.size} features do not fit a model of {self.mean.size}")
        away = given - self.mean
        along = self.axes @ away
        squares = float((along**2 / self.variances).sum())
        if len(self.axes) < away.size:
            squares += max(float(away @ away - along @ along), 0.0) / self.rest
        return float(np.sqrt(squares / away.size))

    def to_dict(self) -> dict[str, Any]:
        """The model as JSON data, seven digits a number."""
        short = {key: _short(getattr(self, key)) for key in ("mean", "axes", "variances")}
        return {**short, "rest": self.rest, "n_films": self.n_films}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The model from its JSON data; InputError where a part is missing, malformed, or does not fit."""
        try:
            mean, axes, variances = (
                np.array(data[key], dtype=np.float64) for key in ("mean", "axes", "variances")
            )
            rest, n_films = float(data["rest"]), int(data["n_films"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"not a model of features: {error!r}") from error
        fits = mean.ndim == variances.ndim == 1 and axes.shape == (variances.size, mean.size)
        finite = np.isfinite(mean).all() and np.isfinite(axes).all()
        if not (fits and finite and (variances > 0).all() and rest > 0):
            raise InputError("not a model of features: its parts do not fit or are not finite")
        return cls(mean, axes, variances, rest, n_films)


def _short(values: NDArray[np.float64]) -> Any:
    return [_short(row) if row.ndim else float(f"{row:.7g}") for row in values]


@dataclass(frozen=True, slots=True)
class Reference:
    """The training films, as far as a prediction is compared with them.

    Attributes:
        shape: of their annotation, or None where too few films have all landmarks.
        features: of the first network's deepest level, without dropout, on the films that it was trained on;
            None where it does not tell them.
    """

    shape: ShapeModel | None
    features: FeatureModel | None
    source: str

    def residuals(self, points: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """(L,) standard residuals of the shape of (L, 2) points; None without a shape, or for a NaN."""
        if self.shape is None or not np.isfinite(points).all():
            return None
        return self.shape.standard_residuals(points)

    def distance(self, features: NDArray[np.float64] | None) -> float | None:
        """Distance of (C,) features from the training films'; None where either is not known."""
        return None if self.features is None or features is None else self.features.distance(features)


NO_REFERENCE = Reference(None, None, "")
"""What a bundle knows that knows nothing."""


def write_reference(reference: Reference, folder: Path) -> Path:
    """Write ``reference.json`` into a bundle's folder; its SHA256SUMS is not brought up to date here."""
    data = {
        "format": FORMAT,
        "source": reference.source,
        "shape": None if reference.shape is None else reference.shape.to_dict(),
        "features": None if reference.features is None else reference.features.to_dict(),
    }
    text = json.dumps(data, allow_nan=False) + "\n"
    return write_atomically(folder / REFERENCE_FILE, text.encode("utf-8"))


def read_reference(folder: Path) -> Reference:
    """A bundle's reference, ``NO_REFERENCE`` without one; BundleError if damaged or of an unknown version."""
    path = folder / REFERENCE_FILE
    if not is_there(path):
        return NO_REFERENCE
    data = read_versioned(path, version=FORMAT, what="reference")
    try:
        shape, features = data.get("shape"), data.get("features")
        return Reference(
            shape=None if shape is None else ShapeModel.from_dict(shape),
            features=None if features is None else FeatureModel.from_dict(features),
            source=str(data.get("source", "")),
        )
    except InputError as error:
        raise BundleError(error.what, where=path) from error
