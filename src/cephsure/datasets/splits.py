"""Splits that keep a group of films (the same exposure, the same patient) on one side."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cephsure.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cephsure.datasets.annotated_film import AnnotatedFilm, Dataset

ALL = "all"
TRAIN = "train"
CLEAN_ENDING = "-clean"  # of a test split's name: without the films whose group also holds a training film


def select(dataset: Dataset, split: str) -> Dataset:
    """Choose the films of a split, in their order.

    ``split`` is "all"; a split's name ("train", "test1", "test2"); or a test split's name with "-clean"
    ("test1-clean"): without its films whose group also holds a training film.

    Raises:
        InputError: the data set has no such split, or "-clean" is asked of one that does not know its
            duplicates.
    """
    if split == ALL:
        return dataset
    base = split.removesuffix(CLEAN_ENDING)
    films = tuple(film for film in dataset.films if film.split == base)
    if not films or split == TRAIN + CLEAN_ENDING:
        known = sorted({film.split for film in dataset.films if film.split is not None})
        names = [ALL, *known, *(name + CLEAN_ENDING for name in known if name != TRAIN)]
        raise InputError(
            f"data set {dataset.name} has no split {split!r}", remedy=f"it has: {', '.join(names)}"
        )
    if split == base:
        return replace(dataset, films=films)
    if all(film.group is None for film in dataset.films):
        raise InputError(
            f"data set {dataset.name} does not say which of its films are the same exposure",
            remedy="put duplicates.json into its folder, or use the official split",
        )
    training = {film.group for film in dataset.films if film.split == TRAIN and film.group is not None}
    return replace(dataset, films=tuple(film for film in films if film.group not in training))


def group_folds(films: Sequence[AnnotatedFilm], n_folds: int, *, seed: int) -> list[NDArray[np.int64]]:
    """Part films into at least 2 folds of nearly equal size; a group never parts.

    Films whose ``group`` is None stand alone. The same seed and films give the same folds.

    Returns:
        ``n_folds`` arrays of ascending indices into ``films``; each index stands in exactly one. Sizes differ
        by no more than the largest group's size.

    Raises:
        InputError: there are fewer groups than folds, or fewer than two folds are asked for.
    """
    members: dict[str | int, list[int]] = {}
    for index, film in enumerate(films):
        members.setdefault(index if film.group is None else film.group, []).append(index)
    groups = list(members.values())
    if n_folds < 2 or len(groups) < n_folds:
        raise InputError(f"{len(films)} films in {len(groups)} groups cannot be parted into {n_folds} folds")
    order = np.random.default_rng(seed).permutation(len(groups))
    folds: list[list[int]] = [[] for _ in range(n_folds)]
    for group in sorted((groups[position] for position in order), key=len, reverse=True):
        min(folds, key=len).extend(group)
    return [np.array(sorted(fold), dtype=np.int64) for fold in folds]


def last_split(
    films: Sequence[AnnotatedFilm], fraction: float = 0.15
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Take the last films for validation, as the reference work did (Drevický & Kodým 2020: the last 15 %).

    The share of a fraction between 0 and 1 is rounded up. A group that reaches across the border goes to
    training as a whole.

    Returns:
        Ascending indices into ``films`` for training and for validation, both non-empty.

    Raises:
        InputError: the fraction is not between 0 and 1, or one side would be empty.
    """
    if not 0.0 < fraction < 1.0:
        raise InputError(f"the share for validation must lie between 0 and 1, is {fraction}")
    # The small term keeps 0.15 x 20 = 3.0000000000000004 from being rounded up to 4.
    first = len(films) - math.ceil(fraction * len(films) - 1e-9)
    before = {film.group for film in films[:first] if film.group is not None}
    held = [index for index in range(first, len(films)) if films[index].group not in before]
    if not 0 < len(held) < len(films):
        raise InputError(
            f"{len(films)} films cannot be parted into training and validation without parting a group"
        )
    validation = np.array(held, dtype=np.int64)
    return np.setdiff1d(np.arange(len(films), dtype=np.int64), validation), validation
