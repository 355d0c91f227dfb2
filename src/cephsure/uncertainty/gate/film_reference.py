"""The films that a film is compared with: a model's calibration films, or a site's own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pydantic import model_validator

from cephsure.errors import InputError
from cephsure.uncertainty.gate.signs import FILM_SIGNS, SIGNS
from cephsure.uncertainty.prediction import Frozen
from cephsure.uncertainty.reference import FeatureModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.uncertainty.gate.signs import FilmSigns

# JSON knows no infinity: no sign comes near this.
_INFINITE = 1e9

# How many films' worth the calibration films weigh in what is usual at a site. Pictures differ between sites,
# by scanner, far more than within one, so that a site's first film tells most of it; heads hardly differ.
_PRIOR_OF_PICTURE, _PRIOR_OF_HEAD, _PRIOR_OF_FEATURES = 0.1, 4.0, 1.0
# The same for how much the site's films differ from each other: in a sign, in features.
_PRIOR_OF_SPREAD, _PRIOR_OF_COVARIANCE = 10.0, 30.0


class FilmReference(Frozen):
    """What films are usually like, as far as the gate sees it.

    Attributes:
        signs: their names, in the order of the columns.
        rows: (n, S) signs of the known films, one film a group; None where one is not known.
        features: the model that their features' distances are measured by, as JSON data, or None.
        uncertain_from: (L,) the logarithm of expected error over head size that few known films exceed at
            each landmark; a description, no test rests on it.
        site_films: corrected films of the site that the rows were moved to; None for calibration films.
    """

    signs: tuple[str, ...]
    rows: tuple[tuple[float | None, ...], ...]
    features: dict[str, Any] | None
    uncertain_from: tuple[float, ...]
    site_films: int | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.signs != SIGNS or any(len(row) != len(SIGNS) for row in self.rows):
            raise ValueError("its signs are not those that this program computes")
        _ = self.feature_model
        return self

    @property
    def known(self) -> NDArray[np.float64]:
        """(n, S) signs of the known films, infinite or NaN where they were."""
        rows = [[math.nan if value is None else value for value in row] for row in self.rows]
        known = np.array(rows, dtype=np.float64).reshape(-1, len(SIGNS))
        return np.where(known >= _INFINITE, np.inf, known)

    @property
    def feature_model(self) -> FeatureModel | None:
        """The model of the known films' features."""
        return None if self.features is None else FeatureModel.from_dict(self.features)

    def column(self, sign: str) -> NDArray[np.float64]:
        """The known films' finite values of a sign."""
        values = self.known[:, SIGNS.index(sign)]
        return np.asarray(values[np.isfinite(values)])


def film_reference(
    films: Sequence[FilmSigns], features: FeatureModel | None, *, exceeded_by: float
) -> FilmReference:
    """The reference of calibration films, one film a group.

    Args:
        films: their signs; where a network has seen a film, that is no calibration film of it. Each film's
            features are those of a network that was not trained on it, measured beside that network's own
            training films (``FilmSigns.beside``).
        features: of the films that the first network was trained on: later films are measured by it.
        exceeded_by: share of films that exceed ``uncertain_from`` at a landmark.
    """
    log_errors = np.stack([film.log_errors for film in films])
    bounds = np.quantile(log_errors, 1.0 - exceeded_by, axis=0, method="higher")
    return FilmReference(
        signs=SIGNS,
        rows=_rows(np.stack([film.signs for film in films])),
        features=None if features is None else features.to_dict(),
        uncertain_from=tuple(np.minimum(bounds, _INFINITE).tolist()),
    )


def site_reference(films: Sequence[FilmSigns], home: FilmReference) -> FilmReference:
    """What films are like at a site, from K films of it and the calibration films.

    The calibration films' signs are moved to the median of the site's, as far as K films can tell it, and
    spread out where the site's differ more among each other; features are measured from the site's own mean,
    along what its films differ in.
    With few films that mean is uncertain, the next film lies farther from it than the calibration films from
    theirs, and only what is typical of the films seen is judged fit: with few films the gate withdraws.
    A share of false alarms is not promised at a site.

    Args:
        films: the site's signs, one film a patient, taken with ``gate.head``.
        home: the calibration films' reference, as in the model's gate.

    Raises:
        InputError: there is no film.
    """
    if not films:
        raise InputError("no film of the site is known")
    count, model = len(films), home.feature_model
    vectors = [film.features for film in films if film.features is not None]
    moved, seen = model, list(films)
    if model is not None and len(vectors) == count:
        total = np.stack(vectors)
        moved = _at_site(model, total)
        # Each film beside the others of its site: one that took part would lie too near.
        seen = [
            film.beside(_at_site(model, np.delete(total, place, axis=0)) if count > 1 else None)
            for place, film in enumerate(films)
        ]
    here = np.stack([film.signs for film in seen])
    known = home.known.copy()
    for place, (name, sign) in enumerate(FILM_SIGNS.items()):
        values, usual = here[:, place], known[:, place]
        values, finite = values[np.isfinite(values)], usual[np.isfinite(usual)]
        if not (len(values) and len(finite)):
            continue
        prior = _PRIOR_OF_HEAD if sign.of_head or name == "unfamiliar" else _PRIOR_OF_PICTURE
        middle = float(np.median(finite))
        shift = (np.median(values) - middle) * count / (count + prior)
        known[:, place] = middle + shift + _widening(values, finite, sign.least_spread) * (usual - middle)
    # The same shift of the landmarks' uncertainty as of its mean.
    uncertain = SIGNS.index("uncertain")
    rise = float(np.nanmedian(known[:, uncertain]) - np.nanmedian(home.known[:, uncertain]))
    return FilmReference(
        signs=SIGNS,
        rows=_rows(known),
        features=None if moved is None else moved.to_dict(),
        uncertain_from=tuple(bound + rise for bound in home.uncertain_from),
        site_films=count,
    )


def _at_site(model: FeatureModel, features: NDArray[np.float64]) -> FeatureModel:
    """The model about the mean of (K, C) features and with their covariance, as far as K films tell them."""
    count, channels = features.shape
    weight = count / (count + _PRIOR_OF_FEATURES)
    away = features - features.mean(axis=0)
    known = model.axes.T * (model.variances - model.rest) @ model.axes + model.rest * np.eye(channels)
    covariance = (_PRIOR_OF_COVARIANCE * known + away.T @ away) / (_PRIOR_OF_COVARIANCE + count - 1)
    variances, vectors = np.linalg.eigh(covariance)
    kept = slice(max(channels - len(model.axes) - count + 1, 0), None)
    mean = model.mean + weight * (features.mean(axis=0) - model.mean)
    return FeatureModel(mean, vectors.T[kept], variances[kept], float(variances[0]), count)


def _widening(values: NDArray[np.float64], usual: NDArray[np.float64], least: float) -> float:
    """How many times as far as the calibration films those of a site differ; at least 1."""
    if len(values) < 2:
        return 1.0
    here, there = (max(float(np.mean(np.abs(each - np.median(each)))), least) for each in (values, usual))
    return float(max(here / there, 1.0) ** (len(values) / (len(values) + _PRIOR_OF_SPREAD)))


def _rows(signs: NDArray[np.float64]) -> tuple[tuple[float | None, ...], ...]:
    """As JSON can hold them, seven digits a number."""
    return tuple(
        tuple(None if math.isnan(value) else float(f"{min(value, _INFINITE):.7g}") for value in row)
        for row in signs.tolist()
    )
