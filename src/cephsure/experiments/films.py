"""A data set's films as cases of a study, and their true points."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cephsure.datasets import annotators, film_of, select
from cephsure.datasets import truth as truth_of
from cephsure.experiments.case import Case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.datasets import AnnotatedFilm, Dataset

MEAN = "mean"


def plain_cases(items: Sequence[AnnotatedFilm]) -> list[Case]:
    """The films as they are."""
    return [Case(item.film_id, "", partial(film_of, item)) for item in items]


def truths_px(items: Sequence[AnnotatedFilm], which: str) -> NDArray[np.float64]:
    """(N, L, 2) true points of N films by one annotator or the "mean" of all, NaN where missing."""
    return np.stack([np.asarray(truth_of(item, which), dtype=np.float64) for item in items])


def truth_names(dataset: Dataset) -> tuple[str, ...]:
    """The mean first, then each annotator."""
    return (MEAN, *annotators(dataset.films))


def spread_over(items: Sequence[AnnotatedFilm], count: int) -> list[AnnotatedFilm]:
    """``count`` films spread evenly over the list (all, if there are no more), in its order."""
    if count >= len(items):
        return list(items)
    chosen = np.unique(np.linspace(0, len(items) - 1, count).round().astype(int))
    return [items[index] for index in chosen]


def films_of_split(dataset: Dataset, split: str = "test1") -> list[AnnotatedFilm]:
    """The films of a test split ("test1" or "test1-clean")."""
    return list(select(dataset, split).films)
