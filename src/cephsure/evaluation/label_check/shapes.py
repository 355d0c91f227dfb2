"""Which points do not fit the others: models of the head's shape, fitted to other films than they judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cephsure.errors import InputError
from cephsure.uncertainty.shape_model import ShapeModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Flags = NDArray[np.bool_]

FEWEST_FILMS = 10
"""With all landmarks judged; fewer films tell nothing of how heads differ."""
FEWEST_POINTS = 5
_OWN_FILMS = 30  # from which an annotator's own films are enough
_FOLDS = 10
_COMPLETE = 0.7  # share of films that should have all landmarks judged
_ODD_SCORE = 1.4  # times the usual one: films that the second fit leaves out
_CANDIDATES = 15
_ONE_SIDE = 0.5  # a mirror image must halve the misfit
# sqrt(ln 2): the median of a standard residual, which is a Rayleigh variable over sqrt 2.
_MEDIAN_RESIDUAL = 0.8326
_LEAST_SPREAD = 0.5
_MIRROR = np.array([-1.0, 1.0])


def other_side(shapes: Array) -> Flags:
    """(N,) whether each of (N, L, 2) shapes is rather the mirror image of the most of them.

    Each is laid on one of them that most fit well, as it is and mirrored. Missing points (NaN) are left out.
    """
    plane = shapes @ np.array([1.0, 1.0j])
    known = np.isfinite(plane)
    marked = np.flatnonzero(known.sum(axis=1) >= FEWEST_POINTS)
    flags = np.zeros(len(shapes), dtype=np.bool_)
    if not len(marked):
        return flags
    fullest = marked[known[marked].sum(axis=1) == known[marked].sum(axis=1).max()]
    chosen = fullest[np.linspace(0, len(fullest) - 1, min(_CANDIDATES, len(fullest))).round().astype(int)]
    misfits = [_misfits(plane[marked], plane[model]) for model in chosen.tolist()]
    as_it_is, mirrored = min(misfits, key=lambda pair: float(np.median(np.minimum(*pair))))
    flags[marked] = mirrored < _ONE_SIDE * as_it_is
    if flags[marked].mean() > 0.5:
        flags[marked] = as_it_is < _ONE_SIDE * mirrored
    return flags


def _misfits(planes: NDArray[np.complex128], model: NDArray[np.complex128]) -> tuple[Array, Array]:
    """(N,) 1 - |correlation| of complex shapes (N, L) with one, as they are and mirrored."""
    found = np.ones((2, len(planes)))
    for row, shape in enumerate(planes):
        both = np.isfinite(shape) & np.isfinite(model)
        if both.sum() < FEWEST_POINTS:
            continue
        one, other = shape[both] - shape[both].mean(), model[both] - model[both].mean()
        size = np.linalg.norm(one) * np.linalg.norm(other)
        if size > 0:
            found[:, row] = 1 - abs(np.vdot(one, other)) / size, 1 - abs(np.vdot(one.conj(), other)) / size
    return found[0], found[1]


def judged_landmarks(known: Flags) -> Flags:
    """(L,) the landmarks that are marked often enough: enough films (F, L) have all of them."""
    films = known[known.any(axis=1)]
    stays = films.mean(axis=0) >= 0.5 if len(films) else np.zeros(known.shape[1], dtype=np.bool_)
    while stays.sum() > FEWEST_POINTS and films[:, stays].all(axis=1).mean() < _COMPLETE:
        stays[np.argmin(np.where(stays, films.mean(axis=0), np.inf))] = False
    return np.asarray(stays)


@dataclass(frozen=True, slots=True)
class ShapeJudge:
    """Judges one annotator's points of each film by a model of other films.

    Attributes:
        models: one a fold.
        judged: (L,) the landmarks that the models know.
        spread: (L,) root mean square of a landmark's standard residuals where its points are right; NaN for
            one that is not judged.
        usual_score: the median score of films.
    """

    models: tuple[ShapeModel, ...]
    judged: Flags
    spread: Array
    usual_score: float

    def known(self, points: Array) -> Flags:
        """(L,) the points of (L, 2) that can be judged; none where there are too few."""
        known = np.isfinite(points).all(axis=1) & self.judged
        return known if known.sum() >= FEWEST_POINTS else np.zeros_like(known)

    def model(self, film: int, known: Flags) -> ShapeModel:
        """The model for a film, of the landmarks (L,) known."""
        return self.models[film % len(self.models)].restricted(known[self.judged])

    def residuals(self, film: int, points: Array, known: Flags) -> Array:
        """(L,) how far from where the others expect them points (L, 2) lie, in usual spreads; else 0."""
        found = np.zeros(len(points))
        found[known] = self.model(film, known).standard_residuals(points[known]) / self.spread[known]
        return found

    def score(self, film: int, points: Array, known: Flags) -> float:
        """How implausible points known (L,) are as a whole, 1 as usual; 0 where there are none."""
        if not known.any():
            return 0.0
        return self.model(film, known).score(points[known]) / self.usual_score

    def head_size(self, film: int, points: Array) -> float:
        """Size of a head by that of the mean shape; NaN where points are too few."""
        known = self.known(points)
        if not known.any():
            return float("nan")
        mean = self.model(film, known).mean
        return extent_of(points[known]) / extent_of(mean)


def judges(shapes: dict[str, Array]) -> dict[str, ShapeJudge]:
    """A judge for each annotator's (F, L, 2) points in one unit, all facing one side; NaN where missing.

    Who marked few films is judged by the films of all. Nobody is where even these are too few.
    """
    found, few = {}, []
    for name, own in shapes.items():
        stays = judged_landmarks(_known(own))
        enough = np.isfinite(own[:, stays]).all(axis=(1, 2)).sum() >= _OWN_FILMS
        judge = _judge(own, len(own)) if enough or len(shapes) == 1 else None
        if judge is None:
            few.append(name)
        else:
            found[name] = judge
    of_all = _judge(np.concatenate(list(shapes.values())), len(shapes[few[0]])) if few else None
    return found if of_all is None else {name: found.get(name, of_all) for name in shapes}


def _judge(shapes: Array, n_films: int) -> ShapeJudge | None:
    """A judge from (N, L, 2) shapes, one after the other of the same films; None where they are too few."""
    judged = judged_landmarks(_known(shapes))
    complete = (
        np.isfinite(shapes[:, judged]).all(axis=(1, 2)) if judged.any() else np.zeros(len(shapes), bool)
    )
    film = np.arange(len(shapes)) % n_films
    if judged.sum() < FEWEST_POINTS or len(set(film[complete].tolist())) < FEWEST_FILMS:
        return None
    part, rows = shapes[:, judged], np.flatnonzero(complete)
    try:
        trusted = _trusted(part, rows)
        folds = min(_FOLDS, n_films)
        models = tuple(ShapeModel.fit(part[trusted[film[trusted] % folds != fold]]) for fold in range(folds))
    except InputError:  # shapes without any difference, or points in one spot
        return None
    of_film = [models[film[row] % folds] for row in rows]
    residuals = np.stack(
        [model.standard_residuals(part[row]) for model, row in zip(of_film, rows, strict=True)]
    )
    spread = np.full(len(judged), np.nan)
    spread[judged] = np.maximum(np.median(residuals, axis=0) / _MEDIAN_RESIDUAL, _LEAST_SPREAD)
    scores = [model.score(part[row]) for model, row in zip(of_film, rows, strict=True)]
    return ShapeJudge(models, judged, spread, max(float(np.median(scores)), 1e-6))


def _trusted(part: Array, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The complete shapes without the oddest ones, which would hide one another."""
    trusted = rows
    for _ in range(2):
        model = ShapeModel.fit(part[trusted])
        scores = np.array([model.score(part[row]) for row in rows])
        kept = rows[scores <= _ODD_SCORE * np.median(scores)]
        trusted = kept if len(kept) >= max(FEWEST_FILMS // 2, len(rows) // 2) else rows
    return trusted


def _known(shapes: Array) -> Flags:
    """(N, L) which points of (N, L, 2) there are."""
    return np.asarray(np.isfinite(shapes).all(axis=2))


def extent_of(points: Array) -> float:
    """Root mean square distance of (L, 2) points from their middle."""
    return float(np.sqrt(np.mean(np.sum((points - points.mean(axis=0)) ** 2, axis=1))))


@dataclass(frozen=True, slots=True)
class Faced:
    """All annotators' shapes, turned to one side.

    Attributes:
        shapes: by annotator (F, L, 2).
        other_side: by annotator (F,) which of them were mirrored for that.
    """

    shapes: dict[str, Array]
    other_side: dict[str, Flags]


def facing_one_side(shapes: dict[str, Array]) -> Faced:
    """Turn (F, L, 2) shapes by annotator to the side to which the most of all face."""
    if not shapes:
        return Faced({}, {})
    flags = other_side(np.concatenate(list(shapes.values())))
    of = dict(zip(shapes, np.split(flags, len(shapes)), strict=True))
    turned = {name: np.where(of[name][:, None, None], _MIRROR, 1.0) * own for name, own in shapes.items()}
    return Faced(turned, of)
