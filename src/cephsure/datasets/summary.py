"""What is in a data set: films, points, what is missing, and how far its annotators differ."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets.truth import annotators

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.datasets.annotated_film import Dataset


@dataclass(frozen=True, slots=True)
class AnnotatorSummary:
    """One annotator's part in a data set.

    Attributes:
        name: who.
        n_films: films with at least one point.
        n_points: points marked on all films.
        missing: for each landmark, on how many films it is not marked, (L,) in the landmark set's order.
    """

    name: str
    n_films: int
    n_points: int
    missing: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AnnotatorDistance:
    """How far two annotators differ where both marked a point.

    Attributes:
        first: one annotator.
        second: the other.
        n_points: points that both marked.
        mean_px: mean distance of their points in px of the films.
        mean_mm: the same in mm, or None where a film's scale is not stated by the data set.
        per_landmark_px: the mean distance of each landmark, NaN where no film has it from both.
        per_landmark_mm: the same in mm, or None.
    """

    first: str
    second: str
    n_points: int
    mean_px: float
    mean_mm: float | None
    per_landmark_px: tuple[float, ...]
    per_landmark_mm: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """What is in a data set.

    Attributes:
        name: the data set's name.
        n_films: its films.
        annotators: one an annotator.
        distances: one for each pair of annotators who marked a point in common.
        problems: what the reader left out.
    """

    name: str
    n_films: int
    annotators: tuple[AnnotatorSummary, ...]
    distances: tuple[AnnotatorDistance, ...]
    problems: tuple[str, ...]


def summarize(dataset: Dataset) -> DatasetSummary:
    """Count films and points and measure how far the annotators differ.

    Args:
        dataset: the data set, or a split of it.

    Returns:
        The counts and distances.
    """
    names = annotators(dataset.films)
    pairs = (_distance(dataset, first, second) for first, second in combinations(names, 2))
    return DatasetSummary(
        name=dataset.name,
        n_films=len(dataset.films),
        annotators=tuple(_annotator(dataset, name) for name in names),
        distances=tuple(pair for pair in pairs if pair is not None),
        problems=dataset.problems,
    )


def _annotator(dataset: Dataset, name: str) -> AnnotatorSummary:
    points = np.stack([film.annotations[name] for film in dataset.films])  # (films, L, 2)
    marked = np.all(np.isfinite(points), axis=2)  # (films, L)
    return AnnotatorSummary(
        name=name,
        n_films=int(np.count_nonzero(np.any(marked, axis=1))),
        n_points=int(np.count_nonzero(marked)),
        missing=tuple(np.count_nonzero(~marked, axis=0).tolist()),
    )


def _distance(dataset: Dataset, first: str, second: str) -> AnnotatorDistance | None:
    differences: NDArray[np.float64] = np.stack(  # (films, L, 2)
        [film.annotations[first] - film.annotations[second] for film in dataset.films]
    )
    distances_px: NDArray[np.float64] = np.linalg.norm(differences, axis=2)  # (films, L), NaN unless both
    both = np.isfinite(distances_px)
    if not both.any():
        return None
    scales = [film.spacing for film in dataset.films]
    mm_per_px = [(scale.x_mm_per_px, scale.y_mm_per_px) for scale in scales if scale is not None]
    distances_mm = None
    if len(mm_per_px) == len(scales):
        distances_mm = np.linalg.norm(differences * np.array(mm_per_px)[:, None, :], axis=2)
    return AnnotatorDistance(
        first=first,
        second=second,
        n_points=int(both.sum()),
        mean_px=float(distances_px[both].mean()),
        mean_mm=None if distances_mm is None else float(distances_mm[both].mean()),
        per_landmark_px=_means(distances_px),
        per_landmark_mm=None if distances_mm is None else _means(distances_mm),
    )


def _means(distances: NDArray[np.float64]) -> tuple[float, ...]:
    """Give each column's mean over the entries that are not NaN, NaN where there is none."""
    known = np.isfinite(distances)
    counts = known.sum(axis=0)
    sums = np.where(known, distances, 0.0).sum(axis=0)
    return tuple(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).tolist())
